"""The newest telegram: what it says, what is no such thing, and a port that comes and goes."""

from __future__ import annotations

import os
import re
import time
import tty
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattseal_host.collect.stream import CustomerStream, Telegram, crc16_arc
from wattseal_host.customer.live import Keeper, Live, read_live
from wattseal_host.errors import PortError

METER = bytes(range(16))


def telegram(**changed: str) -> bytes:
    fields = {
        "0-0:96.1.1": METER.hex().encode().hex().upper(),
        "1-0:1.8.1": "000123.456*kWh", "1-0:1.8.2": "000001.000*kWh",
        "1-0:2.8.1": "000000.007*kWh", "1-0:2.8.2": "000000.000*kWh",
        "1-0:1.7.0": "01.250*kW", "1-0:2.7.0": "00.000*kW",
        "1-0:32.7.0": "230.1*V", "1-0:31.7.0": "005*A",
    }  # fmt: skip
    fields.update(changed)
    lines = "".join(f"{code}({value})\r\n" for code, value in fields.items())
    body = f"/WSL5\\wattseal\r\n\r\n{lines}!".encode()
    return body + b"%04X\r\n" % crc16_arc(body)


def parsed(data: bytes) -> Telegram:
    (found,) = CustomerStream().feed(data)
    assert isinstance(found, Telegram)
    return found


def test_what_it_says() -> None:
    expected = Live(METER, 1250, 0, 124_456, 7, 230_100, 5)
    assert read_live(parsed(telegram())) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"0-0:96.1.1": ""}, {"0-0:96.1.1": "zz"}, {"0-0:96.1.1": "FF" * 32},
        {"0-0:96.1.1": b"<script>alert(1)</script>".hex()},
        {"0-0:96.1.1": (METER.hex() + "0").encode().hex()},
        {"1-0:1.7.0": "-1.000*kW"}, {"1-0:1.7.0": "1e9*kW"}, {"1-0:1.7.0": "<b>*kW"},
        {"1-0:1.7.0": "nan"}, {"1-0:1.8.1": "1" * 10}, {"1-0:1.8.1": "1.0000"},
        {"1-0:32.7.0": "."}, {"1-0:31.7.0": ")"},
    ],
)  # fmt: skip
def test_what_it_cannot_say(changed: dict[str, str]) -> None:
    assert read_live(parsed(telegram(**changed))) is None


@given(st.lists(st.text(max_size=60), max_size=20))
def test_any_lines(lines: list[str]) -> None:
    whole = [*re.split("\r\n", telegram().decode())[2:-2], *lines]
    for some in (lines, whole):
        live = read_live(Telegram("x", tuple(some), None))
        assert live is None or len(live.meter) == 16


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Cable:
    """A meter's end of a port at `path`, which a keeper opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.far = -1

    def plug(self) -> None:
        self.far, near = os.openpty()
        tty.setraw(near)
        self._near = near
        self.path.symlink_to(os.ttyname(near))

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self._near)
        os.close(self.far)

    def send(self, data: bytes) -> None:
        os.write(self.far, data)


def test_a_port_unplugged_and_back(tmp_path: Path) -> None:
    cable = Cable(tmp_path / "port")
    with Keeper(str(cable.path), METER, silent_s=1.0) as keeper:
        until(lambda: keeper.state().trouble == "port-missing")
        with pytest.raises(PortError):
            keeper.ask(lambda port: port.status())
        cable.plug()
        until(lambda: keeper.state().trouble == "port-waiting")
        cable.send(telegram())
        until(lambda: keeper.state().live is not None)
        until(lambda: keeper.state().trouble == "port-silent")
        cable.send(telegram(**{"0-0:96.1.1": ("f" * 32).encode().hex()}))
        until(lambda: keeper.state().trouble == "meter-pinned")
        assert keeper.state().live is None
        cable.unplug()
        until(lambda: keeper.state().trouble == "port-missing")
        cable.plug()
        until(lambda: keeper.state().trouble == "port-waiting")
        cable.send(telegram())
        until(lambda: keeper.state().live is not None)
        assert keeper.ask(lambda port: port.place.port) == str(cable.path)
        with pytest.raises(ZeroDivisionError):
            keeper.ask(lambda port: 1 // 0)
        assert keeper.state().live is not None
    cable.unplug()


def test_a_register_that_steps_back_a_little() -> None:
    mqtt = pytest.importorskip("wattseal_host.customer.mqtt")
    publisher = mqtt.Publisher(mqtt.Broker.at("mqtt://localhost"), print)
    told = [publisher._rising("import", wh) for wh in (5000, 5100, 5040, 5110, 90, 95)]
    # A few Wh after a power cut are no new meter; a register far below is one.
    assert told == [5000, 5100, 5100, 5110, 90, 95]
