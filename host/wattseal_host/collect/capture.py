"""`wattseal-capture/1`: what passed on serial lines, with direction and time; written and read.

One canonical JSON object a line. The first names the format and the ports; each of the others
is a piece of bytes: {"at_us", "data" (base64url), "port" (place in the list), "to"}. A last line
without its line feed is what a power cut left of one, and is ignored.

Bytes as a serial sniffer gives them need no container: `chunks` takes any file.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from wattseal.errors import Malformed, Misuse

from wattseal_host.collect.place import CUSTOMER, UTILITY, Place
from wattseal_host.collect.tap import TO_HOST, TO_METER, Tap
from wattseal_host.encoding import to_base64url
from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.files import OWNER_ONLY
from wattseal_host.strict_json import MAX_INTEGER, dumps, loads

FORMAT = "wattseal-capture/1"
MAX_PORTS = 256
MAX_LINE_BYTES = 128 * 1024
CHUNK_BYTES = 64 * 1024
_START = b'{"format":"wattseal-capture/'


@dataclass(frozen=True)
class Chunk:
    """Bytes that passed at a port. at_us: microseconds UTC; to: "host" or "meter". Both are None
    in raw bytes, where nobody knows."""

    data: bytes
    port: int = 0
    at_us: int | None = None
    to: str | None = None


class CaptureWriter:
    """Writes a capture, mode 0600: a customer port's holds readings. Use as a context manager."""

    def __init__(self, path: str | os.PathLike[str], ports: Sequence[Place]) -> None:
        """Raises Misuse `capture-exists`: a capture is never overwritten."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            handle = os.open(path, flags, OWNER_ONLY)
        except FileExistsError as error:
            raise Misuse("capture-exists", os.fspath(path)) from error
        self._file = os.fdopen(handle, "wb")
        self._lock = threading.Lock()
        listed = [{"kind": port.kind, "port": port.port} for port in ports]
        self._line({"format": FORMAT, "ports": listed})

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def tap(self, port: int) -> Tap:
        """What a port with this place in the list tells its bytes to; from any thread."""

        def write(to: str, data: bytes) -> None:
            at_us = time.time_ns() // 1000
            for at in range(0, len(data), CHUNK_BYTES):
                piece = to_base64url(data[at : at + CHUNK_BYTES])
                self._line({"at_us": at_us, "data": piece, "port": port, "to": to})

        return write

    def _line(self, value: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(dumps(value) + b"\n")
            self._file.flush()


def read_header(line: bytes) -> list[Place]:
    """The ports of a capture's first line. Raises Malformed `json-*`, `field-*`, and Unusable
    `capture-version` for another version of the format."""
    fields = Fields(loads(line, MAX_LINE_BYTES), "capture", {"format", "ports"})
    if fields.text("format") != FORMAT:
        raise Unusable("capture-version", fields.text("format"))
    return fields.each("ports", MAX_PORTS, _read_port, least=1)


def read_chunk(line: bytes, ports: int) -> Chunk:
    """One piece of a capture of so many ports. Raises Malformed `json-*`, `field-*`."""
    fields = Fields(loads(line, MAX_LINE_BYTES), "chunk", {"at_us", "data", "port", "to"})
    return Chunk(
        fields.base64url("data", MAX_LINE_BYTES),
        fields.integer("port", 0, ports - 1),
        fields.integer("at_us", 0, MAX_INTEGER),
        fields.choice("to", (TO_HOST, TO_METER)),
    )


def is_container(start: bytes) -> bool:
    return start.startswith(_START)


def container_chunks(file: IO[bytes]) -> tuple[list[Place], Iterator[Chunk]]:
    """Ports and pieces of an open capture; errors of a line as above, the line in the detail."""
    ports = read_header(_line_of(file, 1) or b"")
    return ports, _chunks(file, len(ports))


def raw_chunks(file: IO[bytes]) -> Iterator[Chunk]:
    """Pieces of raw bytes."""
    while data := file.read(CHUNK_BYTES):
        yield Chunk(data)


def open_capture(path: str | os.PathLike[str]) -> IO[bytes]:
    """Raises Unusable `file-missing`, `file-not-regular`, `capture-empty`."""
    path = Path(path)
    if not path.exists():
        raise Unusable("file-missing", str(path))
    if not path.is_file():
        raise Unusable("file-not-regular", str(path))
    file = path.open("rb")
    if not file.peek(1):
        file.close()
        raise Unusable("capture-empty", str(path))
    return file


def _chunks(file: IO[bytes], ports: int) -> Iterator[Chunk]:
    number = 2
    while line := _line_of(file, number):
        try:
            yield read_chunk(line, ports)
        except Malformed as error:
            raise type(error)(error.code, f"line {number}: {error.detail}") from error
        number += 1


def _line_of(file: IO[bytes], number: int) -> bytes | None:
    line = file.readline(MAX_LINE_BYTES + 1)
    if len(line) > MAX_LINE_BYTES:
        raise Malformed("field-malformed", f"line {number} is too long")
    return line if line.endswith(b"\n") else None


def _read_port(value: Any, where: str) -> Place:
    fields = Fields(value, where, {"kind", "port"})
    return Place(fields.choice("kind", (UTILITY, CUSTOMER)), fields.text("port", 4096))
