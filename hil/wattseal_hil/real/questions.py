"""`?status` on a customer's port, whatever leads to it."""

import json
import time
from typing import Any

from wattseal_hil.errors import BoardError

BAUD = 115200


def status(port: str, timeout_s: float = 5.0) -> dict[str, Any]:
    """The meter's answer. Raises BoardError `meter-silent`, `meter-answer`."""
    import serial

    deadline_s = time.monotonic() + timeout_s
    try:
        with serial.serial_for_url(port, BAUD, timeout=0.2) as line:
            line.write(b"\r\n?status\r\n")
            text = b""
            while time.monotonic() < deadline_s:
                text = line.readline() if text.endswith(b"\n") else text + line.readline()
                if text.startswith(b"#status ") and text.endswith(b"\n"):
                    return _checked(port, text[8:])
    except (serial.SerialException, OSError) as error:
        raise BoardError("meter-silent", f"{port}: {error}") from None
    raise BoardError("meter-silent", f"{port} gave no answer to ?status")


def _checked(port: str, text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not {"meter", "key", "power_w"} <= set(answer):
        raise BoardError("meter-answer", f"{port}: {text[:60].decode('ascii', 'replace')}")
    return answer
