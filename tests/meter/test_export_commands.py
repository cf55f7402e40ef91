"""`wattseal applet`, `customer export`, `consents` and `revoke` against the real firmware."""

import json
import stat
import subprocess
import sys
import threading

import pytest
import serial
from meter_bench import START_S, Customer, board, pair
from typer.testing import CliRunner
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.pairing import read_pin
from wattseal_host.cli.main import app
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.replies import Pairing
from wattseal_host.customer.store import Secrets
from wattseal_host.errors import PortError
from wattseal_host.export import fetch

COMMAND = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]
HALF_HOUR_S = 1800
SETTINGS = {"interval_s": HALF_HOUR_S, "burst_ms": 5000}
DAY = ["--from", "2026-01-01T01:00", "--to", "2026-01-02T01:00"]


def wattseal(*words, fails=""):
    done = CliRunner().invoke(app, [*map(str, words), *([] if fails else ["--json"])])
    if fails:
        assert done.exit_code != 0 and fails in str(done.exception) + done.output, done.output
        return None
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout[done.stdout.index("{") :])


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A paired meter of a day whose time goes on by itself, ten times as fast; its folder."""
    folder = tmp_path_factory.mktemp("exports")
    load = ConstantLoad(1000)
    options = {"form": "romfs", "load": load, "start_s": START_S, "settings": SETTINGS}
    with board(folder / "board", **options) as meter:
        meter.power_on()
        customer = Customer(meter)
        paired = pair(meter, customer)
        customer.close()
        meter.run_until(START_S + 26 * 3600)
        Secrets.paired(
            Pairing(bytes.fromhex(paired.meter), bytes.fromhex(paired.key), 1, paired.secret)
        ).save(folder / "secrets.json")
        meter.folder = folder
        meter.set_pace(10)
        yield meter


class Person:
    """Sits at the meter: answers every question on the display with a press."""

    def __init__(self, meter):
        self._meter = meter
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sit)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _sit(self):
        while not self._over.wait(0.5):
            if "Press.\n" in self._meter.display_text() + "\n":
                self._over.wait(0.5)
                self._meter.drive_pin(self._meter.button_pin, 0)
                self._over.wait(0.1)
                self._meter.drive_pin(self._meter.button_pin, 1)


def export(house, monkeypatch, *words):
    monkeypatch.setattr(fetch, "LOOK_S", 0.05)
    monkeypatch.setattr("wattseal_host.cli.customer.asked_pin", lambda _: read_pin(house))
    return wattseal("customer", "export", "--port", house.utility_port, *words)


def test_a_person_lets_a_service_have_a_day(house, monkeypatch):
    folder = house.folder
    applet, out = folder / "applet.bin", folder / "day.json"
    sign = ["applet", "sign", "--key", folder / "publisher.pem", "--publisher", "Example Ltd"]
    wattseal(*sign, "--name", "Load curve", "--origin", "https://a.example", "--out", applet)
    with Person(house):
        for every_s, rows in ((0, 48), (3600, 24)):
            words = ["--applet", applet, *DAY, "--out", out, "--every-s", every_s]
            assert export(house, monkeypatch, *words)["rows"] == rows
            told = json.loads(out.read_text())
            assert told["recipient"] == "https://a.example"
            assert sum(row["value"] for row in told["rows"]) == pytest.approx(24_000, abs=40)
            assert stat.S_IMODE(out.stat().st_mode) == 0o600
    port = ["--port", house.customer_port]
    (known,) = wattseal("customer", "consents", *port)["applets"]
    assert known["approved"] and known["recipient"] == "https://a.example"
    secrets = ["--secrets", folder / "secrets.json"]
    wattseal("customer", "revoke", "beef", *port, *secrets, fails="applet-unknown")
    gone = wattseal("customer", "revoke", known["digest"][:8], *port, *secrets)
    assert gone == {"withdrawn": [known["digest"]]}
    assert wattseal("customer", "consents", *port)["applets"] == []
    assert wattseal("customer", "revoke", "all", *port, *secrets) == {"withdrawn": []}


def test_a_standing_applet_approved_at_home(house):
    folder = house.folder
    applet, out, key = folder / "standing.bin", folder / "daily.json", folder / "recipient.pem"
    sign = ["applet", "sign", "--key", folder / "publisher.pem", "--publisher", "Example Ltd"]
    made = wattseal(
        *sign, "--name", "Daily", "--origin", "supplier", "--out", applet, "--recipient", key,
        "--granularity-s", 3600,
    )  # fmt: skip
    house.set_pace(None)
    house.sleep(61)  # the meter takes one approval a minute
    house.set_pace(10)
    words = ["--applet", applet, *DAY, "--out", out, "--every-s", 3600]
    wattseal("customer", "export", "--port", house.utility_port, *words, fails="--key")

    # A process of its own: commands in this one would take each other's output.
    line = ["customer", "export", "--port", house.utility_port, *words, "--key", key]
    exporting = subprocess.Popen([*COMMAND, *map(str, line)], stdout=subprocess.PIPE, text=True)
    home = ["customer", "consents", "--port", house.customer_port]
    while not wattseal(*home)["applets"]:
        threading.Event().wait(0.2)
    approval = ["--secrets", folder / "secrets.json", "--approve"]
    wattseal(*home, *approval, made["digest"][:8], fails="applet-digest")
    wattseal(*home, *approval, made["digest"])
    told, _ = exporting.communicate(timeout=120)
    assert told.startswith("24 rows, checked")
    finer = ["--applet", applet, *DAY, "--out", out, "--every-s", 1800, "--key", key]
    wattseal("customer", "export", "--port", house.utility_port, *finer, fails="export-scope")


@pytest.mark.parametrize("data", [b"", b"x" * 64, b"x" * 65, bytes(300), b"\x01" * 2000])
def test_an_applet_that_is_none(tmp_path, data):
    (tmp_path / "none.bin").write_bytes(data)
    done = CliRunner().invoke(
        app,
        ["customer", "export", "--port", "/dev/null", "--applet", str(tmp_path / "none.bin"), *DAY,
         "--out", str(tmp_path / "out.json")],
    )  # fmt: skip
    assert done.exit_code != 0 and not (tmp_path / "out.json").exists()
    assert "Traceback" not in done.output


def test_what_another_client_left_in_the_line(house):
    """A Modbus request, of somebody who took this for the other port."""
    with serial.serial_for_url(house.customer_port, 115200, timeout=1) as port:
        port.write(bytes.fromhex("010300000018440b"))
    with CustomerPort(house.customer_port) as port:
        assert port.status()["boot"] == 1
        with pytest.raises(PortError) as caught:
            port._command("?nonsense", "nonsense")
        assert caught.value.detail == "bad-command"
