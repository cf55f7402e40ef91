"""`rig deploy` and `rig doctor` against a board on a pty: mpremote's transport, a real MicroPython
and LittleFS behind it, and the deployed files run as the meter they are."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from repl_peer import ReplPeer
from typer.testing import CliRunner
from wattseal.record import meter_id
from wattseal_hil.board import FIRMWARE, EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.real import console as console_module
from wattseal_hil.real.boards import boards
from wattseal_hil.real.console import Console
from wattseal_hil.real.deploying import deploy
from wattseal_hil.real.files import difference, digests, file_set
from wattseal_hil.rig.emulated import EmulatedRig
from wattseal_host.cli.rig import app
from wattseal_host.keys import fingerprint

ALL = 15


@pytest.fixture
def peer(tmp_path):
    with ReplPeer(tmp_path) as peer:
        yield peer


def files_on(peer: ReplPeer) -> set[str]:
    code = (
        "import os\ndef w(d):\n for x in os.ilistdir(d):\n  p = d + '/' + x[0]\n"
        "  if x[1] == 0x4000: w(p)\n  else: print(p)\nw('')"
    )
    return set(peer.run(code).split())


def stop(peer: ReplPeer) -> None:
    """Back to the prompt, as a console that is entered and left."""
    Console(peer.port).close()


class TestDeploy:
    def test_a_bare_board_becomes_a_meter_and_stays_that_meter(self, peer):
        seen = []
        with Console(peer.port) as console:
            told = deploy(console, settings={"interval_s": 60}, progress=lambda *x: seen.append(x))
        assert told["self_test"] == ALL and told["boot"] == 1
        assert meter_id(bytes.fromhex(told["key"])).hex() == told["meter"]
        assert not told["commissioned_before"] and told["verified"]
        assert seen[-1][0] == seen[-1][1]
        # It runs: its own port answers, with the name the console told.
        from wattseal_hil.modbus import registers

        identity = registers(peer.utility_port, 0, 32)
        assert b"".join(x.to_bytes(2, "big") for x in identity[3:11]).hex() == told["meter"]
        assert identity[28:30] == [0, 60]

        # Once more: nothing is written, and keys, log and name are those of before.
        with Console(peer.port) as console:
            before = files_on(peer)
            again = deploy(console)
        assert again["written"] == [] and again["removed"] == []
        assert again["commissioned_before"]
        assert (again["meter"], again["key"], again["boot"]) == (told["meter"], told["key"], 2)
        assert {x for x in before if x.startswith(("/keys/", "/log/", "/live/"))}
        stop(peer)
        assert before <= files_on(peer)

    def test_the_watchdog_is_given_time_before_anything_else(self, peer):
        with Console(peer.port) as console:
            assert peer.heard.split() == ["600000"]
            deploy(console, start=False)
        assert "WDT" in peer.executed[0].decode()

    def test_a_changed_and_a_foreign_file_are_put_right(self, peer):
        with Console(peer.port) as console:
            deploy(console, start=False)
            peer.run("open('/meter/log.mpy', 'wb').write(b'M\\x06')")
            # A source is imported before bytecode of the same name.
            peer.run("open('/meter/keys.py', 'w').write('leak = 1')")
            peer.run("open('/mine.py', 'w').write('x = 1')")
            told = deploy(console, start=False)
        assert told["written"] == ["/meter/log.mpy"]
        assert told["removed"] == ["/meter/keys.py"]
        assert "/mine.py" in files_on(peer)
        assert not any(".new" in path for path in files_on(peer))

    def test_a_pulled_cable_leaves_a_board_that_runs_nothing(self, peer):
        with Console(peer.port) as console:
            deploy(console, start=False)
            peer.run("open('/meter/log.mpy', 'wb').write(b'old')")
            peer.run("open('/meter/keys.mpy', 'wb').write(b'old')")
            peer.cut_after = len(peer.executed) + 12
            console._line.exec_raw = partial(console._line.exec_raw, timeout=0.5)
            with pytest.raises(BoardError) as caught:
                deploy(console, start=False)
        assert caught.value.code == "console-silent"
        peer.cut_after, peer.dead = None, False
        assert "deploying was cut" in peer.run("print(open('/main.py').read())")
        with Console(peer.port) as console:
            with pytest.raises(BoardError) as stopped:
                console.restart()
            assert stopped.value.code == "meter-stopped"
        with Console(peer.port) as console:
            assert deploy(console)["self_test"] == ALL

    def test_settings_the_meter_would_refuse_never_get_there(self, peer):
        with Console(peer.port) as console:
            with pytest.raises(BoardError) as caught:
                deploy(console, settings={"interval_s": 61}, start=False)
            assert caught.value.code == "settings-refused"
            assert "settings-conflict" in caught.value.detail
        assert "/settings.json" not in files_on(peer)

    def test_the_clock_is_the_providers_once_there_is_one(self, peer):
        with Console(peer.port) as console:
            deploy(console, start=False)
            assert "clock (20" in peer.heard
            heard = peer.heard
            peer.run("open('/settings.json', 'w').write('{\"provider\": \"02ab\"}')")
            deploy(console, start=False)
            assert peer.heard == heard

    def test_too_little_flash(self, peer):
        with Console(peer.port) as console:
            peer.run("f = open('/big', 'wb')\nfor _ in range(470): f.write(bytes(4096))\nf.close()")
            with pytest.raises(BoardError) as caught:
                deploy(console)
        assert caught.value.code == "flash-full"
        assert "/main.py" not in files_on(peer)


def test_an_image_with_the_firmware_in_it_is_left_alone(peer, monkeypatch):
    from wattseal_hil.real import deploying

    found = deploying.examine
    monkeypatch.setattr(deploying, "examine", lambda console: {**found(console), "frozen": True})
    with Console(peer.port) as console, pytest.raises(BoardError) as caught:
        deploy(console)
    assert caught.value.code == "firmware-frozen"
    assert "/main.py" not in files_on(peer)


def test_a_name_that_is_not_its_keys_is_refused():
    line = b"meter %s boot 1 record 0 self-test 15 key %s\r\n"
    key = b"036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    for name, given in ((b"00" * 16, key), (b"00" * 16, b"02" + b"ff" * 32)):
        found = console_module._START.search(line % (name, given))
        with pytest.raises(BoardError) as caught:
            console_module._checked(found, b"")
        assert caught.value.code == "meter-answer"


def test_an_interrupt_at_the_console_ends_the_firmware():
    """Ctrl-C reaches the REPL through whatever the firmware is at: nothing swallows it."""
    with EmulatedBoard(load=ConstantLoad(1000)) as board:
        board.power_on()
        board.run_until(board.now_s + 5)
        board._bench.vm.process.send_signal(signal.SIGINT)
        with pytest.raises(BoardError) as caught:
            board.run_until(board.now_s + 5)
    assert caught.value.code == "firmware-stopped"
    assert "KeyboardInterrupt" in caught.value.detail


def test_a_console_without_raw_paste(tmp_path):
    with ReplPeer(tmp_path, paste=False) as peer, Console(peer.port) as console:
        console.write("/x", bytes(range(256)) * 9)
        assert console.hashes((), ("/x",)) == digests({"/x": bytes(range(256)) * 9})


def test_a_chip_without_pins(tmp_path):
    with (
        ReplPeer(tmp_path, machine="ESP32C6 module with ESP32C6") as peer,
        Console(peer.port) as console,
        pytest.raises(BoardError) as caught,
    ):
        deploy(console)
    assert caught.value.code == "chip-unknown"


@pytest.mark.parametrize("chip", ["esp32c3", "esp32s3"])
def test_other_chips_get_their_files_and_run_them(tmp_path, chip):
    machine = f"Some module with {boards()[chip].machine}"
    with ReplPeer(tmp_path, chip=chip, machine=machine) as peer:
        with Console(peer.port) as console:
            told = deploy(console)
        assert (told["chip"], told["self_test"]) == (chip, ALL)


def test_a_port_without_a_prompt(tmp_path, monkeypatch):
    monkeypatch.setattr("wattseal_hil.real.console._ENTER_S", 0.3)
    monkeypatch.setattr("wattseal_hil.real.console._ATTEMPTS", 1)
    with ReplPeer(tmp_path, dead=True) as peer, pytest.raises(BoardError) as caught:
        Console(peer.port)
    assert caught.value.code == "console-silent"


@pytest.mark.parametrize("architecture", ["xtensawin", "rv32imc"])
def test_every_file_compiles_for_the_chip(architecture):
    files = file_set(architecture)
    sources = {x for x in FIRMWARE.rglob("*.py") if x != FIRMWARE / "manifest.py"}
    assert len(files) == len(sources) + 1  # the tables of the combs
    assert all(data[:2] == b"M\x06" for path, data in files.items() if path.endswith(".mpy"))


def test_differences():
    wanted = {"/main.py": b"1", "/meter/a.mpy": b"2"}
    there = {**digests({"/main.py": b"1", "/meter/a.py": b"2"}), "/keys/device": "x"}
    assert difference(wanted, there).write == ("/meter/a.mpy",)
    assert difference(wanted, there).remove == ("/meter/a.py",)


class TestMip:
    """The package as `mpremote mip install` takes it, by mpremote itself."""

    def test_it_lists_exactly_the_firmware(self):
        listed = json.loads((FIRMWARE / "package.json").read_text())
        assert [dest for dest, _ in listed["urls"]] == [src for _, src in listed["urls"]]
        there = {
            str(x.relative_to(FIRMWARE))
            for x in FIRMWARE.rglob("*")
            if x.suffix in (".py", ".bin") and x != FIRMWARE / "manifest.py"
        }
        assert {dest for dest, _ in listed["urls"]} == there
        assert len(listed["urls"]) == len(there)
        project = tomllib.loads((FIRMWARE.parent / "pyproject.toml").read_text())["project"]
        assert listed["version"] == project["version"]

    def test_it_installs_and_runs(self, peer):
        handler = partial(Quiet, directory=str(FIRMWARE))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/package.json"
            done = subprocess.run(
                [sys.executable, "-m", "mpremote", "connect", peer.port,
                 "mip", "install", "--target", "/", address],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
        finally:
            server.shutdown()
        assert done.returncode == 0, done.stdout + done.stderr
        with Console(peer.port) as console:
            found = console.hashes(("/meter", "/wattseal"), ("/boot.py", "/main.py"))
            assert found == digests(file_set("xtensawin", "sources"))
            assert console.restart().self_test == ALL


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def rig(*arguments: str) -> tuple[int, dict]:
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)


class TestCommands:
    def test_deploy_then_doctor(self, peer, tmp_path):
        settings = tmp_path / "settings.json"
        settings.write_text('{"interval_s": 900}')
        code, told = rig("deploy", "--port", peer.port, "--settings", str(settings))
        assert code == 0 and told["self_test_passed"]
        assert told["fingerprint"] == fingerprint(bytes.fromhex(told["key"]))
        ports = ["--customer-port", peer.customer_port, "--utility-port", peer.utility_port]
        code, found = rig("doctor", "--port", peer.port, *ports)
        findings = {x["check"]: x for x in found["findings"]}
        # The stand-in's clock is the emulated board's, which nobody set to today.
        assert {x for x, y in findings.items() if not y["ok"]} <= {"clock", "heap"}
        assert list(findings) == [
            "port", "console", "micropython", "heap", "flash", "settings", "files", "clock",
            "start", "customer-port", "utility-port",
        ]  # fmt: skip
        assert told["meter"] in findings["start"]["seen"]
        assert told["meter"] in findings["utility-port"]["seen"]
        assert code == (0 if found["ok"] else 1)

        code, found = rig("doctor", "--no-stop", *ports)
        assert code == 0
        assert [x["check"] for x in found["findings"]] == ["customer-port", "utility-port"]

    def test_doctor_finds_another_meters_wires(self, peer):
        rig("deploy", "--port", peer.port)
        with EmulatedRig(seed=7) as other:
            other.power_on()
            ports = ["--customer-port", other.customer_port, "--utility-port", other.utility_port]
            code, found = rig("doctor", "--port", peer.port, *ports)
        wrong = [x for x in found["findings"] if x["check"].endswith("-port")]
        assert code == 1
        assert not any(x["ok"] for x in wrong)
        assert all("another meter" in x["seen"] for x in wrong)

    def test_doctor_on_a_bare_board(self, peer):
        code, found = rig("doctor", "--port", peer.port)
        findings = {x["check"]: x for x in found["findings"]}
        assert code == 1
        assert "rig deploy" in findings["files"]["todo"]
        assert not findings["start"]["ok"] and "no main.py" in findings["start"]["seen"]

    def test_doctor_without_a_board(self):
        code, found = rig("doctor", "--port", "/dev/ttyUSB99")
        assert code == 1
        assert found["findings"][0]["check"] == "port"
        assert all(x["ok"] or x["todo"] for x in found["findings"])

    def test_doctor_at_a_port_nobody_answers(self, tmp_path, monkeypatch):
        monkeypatch.setattr("wattseal_hil.real.console._ENTER_S", 0.3)
        monkeypatch.setattr("wattseal_hil.real.console._ATTEMPTS", 1)
        with ReplPeer(tmp_path, dead=True) as peer:
            code, found = rig("doctor", "--port", peer.port)
        assert code == 1
        assert [x["check"] for x in found["findings"]] == ["port", "console"]

    def test_dry_run_touches_no_port(self):
        code, told = rig("deploy", "--dry-run", "--chip", "esp32c3")
        assert code == 0
        assert told["files"] == digests(file_set("rv32imc"))

    @pytest.mark.parametrize(
        "arguments",
        [
            ["deploy", "--form", "frozen"],
            ["doctor", "--form", "frozen"],
            ["doctor", "--no-stop"],
            ["flash"],
        ],
    )
    def test_what_makes_no_sense_is_refused(self, arguments):
        assert CliRunner().invoke(app, arguments).exit_code == 2

    def test_settings_that_are_no_object(self, tmp_path):
        from wattseal.errors import Misuse

        path = tmp_path / "s.json"
        path.write_text("[]")
        with pytest.raises(Misuse):
            CliRunner().invoke(
                app, ["deploy", "--port", "/dev/null", "--settings", str(path)],
                catch_exceptions=False,
            )  # fmt: skip
