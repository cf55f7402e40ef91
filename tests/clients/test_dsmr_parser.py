"""dsmr-parser, the library behind Home Assistant's smart-meter integration, at the customer port.

In an environment of its own: its requirements pin what ours do not. It reads as that integration
does: from a serial device, and from a raw TCP port.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from environment import environment
from house import START_S, WATTS
from wattseal_hil.port_server import PortServer

READER = """
import json, socket, sys
from dsmr_parser import obis_references as obis, telegram_specifications as specs
from dsmr_parser.clients import SERIAL_SETTINGS_V5, SerialReader
from dsmr_parser.clients.telegram_buffer import TelegramBuffer
from dsmr_parser.parsers import TelegramParser

def telegrams(where):
    if not where.startswith("socket://"):
        reader = SerialReader(where, SERIAL_SETTINGS_V5, specs.V5)
        yield from reader.read()
    host, _, port = where[9:].rpartition(":")
    buffer, parser = TelegramBuffer(), TelegramParser(specs.V5)
    with socket.create_connection((host, int(port)), timeout=20) as line:
        while True:
            buffer.append(line.recv(4096).decode("ascii"))
            for text in buffer.get_all():
                yield parser.parse(text)

for count, telegram in enumerate(telegrams(sys.argv[1]), 1):
    found = json.loads(telegram.to_json())
    print(json.dumps({name: found[name].get("value") for name in sorted(found)
                      if isinstance(found[name], dict)}), flush=True)
    if count == 3:
        break
"""


@pytest.fixture(scope="module")
def python() -> Path:
    return environment()


@pytest.fixture(params=["serial", "tcp"])
def seen(request, python, home, tmp_path) -> list[dict]:
    """Three telegrams as the library has them, read while board time passes."""
    script = tmp_path / "reader.py"
    script.write_text(READER)
    server = None
    where = home.board.customer_port
    if request.param == "tcp":
        server = PortServer(where, 115200, ("127.0.0.1", 0))
        where = f"socket://127.0.0.1:{server.port}"
    home.board.set_pace(4)
    try:
        done = subprocess.run(
            [str(python), str(script), where],
            env={"PATH": os.defpath}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        home.board.set_pace(None)
        if server:
            server.close()
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_value_of_the_telegrams(seen, home):
    assert len(seen) == 3
    sent = [telegram["P1_MESSAGE_TIMESTAMP"] for telegram in seen]
    assert len(set(sent)) == 3 and sent == sorted(sent)
    for telegram in seen:
        assert float(telegram["CURRENT_ELECTRICITY_USAGE"]) == pytest.approx(WATTS / 1000, rel=0.01)
        assert float(telegram["CURRENT_ELECTRICITY_DELIVERY"]) == 0
        assert float(telegram["INSTANTANEOUS_VOLTAGE_L1"]) == pytest.approx(230, rel=0.01)
        assert float(telegram["INSTANTANEOUS_CURRENT_L1"]) == int(WATTS / 230)
        assert telegram["ELECTRICITY_ACTIVE_TARIFF"] == "0001"
        # As DSMR has it, the equipment's name is ASCII in hexadecimal: ours is the meter's id.
        name = bytes.fromhex(telegram["EQUIPMENT_IDENTIFIER"]).decode()
        assert name in home.board.console
        drawn_kwh = WATTS * (home.board.now_s - START_S) / 3.6e6
        assert float(telegram["ELECTRICITY_USED_TARIFF_1"]) == pytest.approx(drawn_kwh, rel=0.03)
