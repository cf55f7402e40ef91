"""The pytest plug-in, as its users meet it: whole runs of pytest in directories of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
PLUGINS = ("-p", "wattseal_hil.pytest_plugin")  # by name: an entry point is read at installation
CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")


@pytest.fixture(autouse=True)
def own_plugins_only(monkeypatch):
    """What else is installed here is not what is tested; each run takes its own."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE)  # pytester moves HOME; the VM stays where it is
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def run(pytester, source: str, *options: str):
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess(*PLUGINS, *options)


WHOLE = """
import pytest
from pathlib import Path

def test_first_output(wattseal_console, wattseal_meter):
    assert "boot 1" in wattseal_console.text        # what was said before any test
    assert wattseal_meter.boot == 1

def test_nothing_was_reset(wattseal_meter, wattseal_console):
    assert wattseal_meter.boot == 1
    assert wattseal_console.text == ""

def test_reset_when_asked(wattseal_reset, wattseal_meter, wattseal_console):
    assert wattseal_console.expect(r"boot (\\d+)", 5).group(1) == "2"
    assert wattseal_meter.boot == 2

def test_load(wattseal_rig, wattseal_meter, wattseal_load):
    since = wattseal_rig.now_s
    wattseal_load.plug(3600)
    wattseal_rig.sleep(100)
    assert wattseal_load.energy_wh(since) == pytest.approx(100, abs=1)
    assert wattseal_meter.power_w == pytest.approx(3600, rel=0.01)

def test_load_is_put_back(wattseal_rig, wattseal_meter):
    wattseal_rig.sleep(3)
    assert wattseal_meter.power_w == pytest.approx(500, rel=0.02)

def test_left_without_power(wattseal_rig):
    wattseal_rig.power_off()

def test_supply_is_back(wattseal_rig, wattseal_supply, wattseal_meter):
    assert wattseal_rig.powered
    boot = wattseal_meter.boot
    wattseal_supply.off()
    wattseal_supply.on()
    wattseal_supply.cut(10)
    assert wattseal_meter.boot == boot + 2

def test_both_ports(wattseal_customer_port, wattseal_utility_port, wattseal_meter):
    assert Path(wattseal_customer_port).is_char_device()
    assert Path(wattseal_utility_port).is_char_device()
    assert wattseal_meter.telegram().startswith("/WSL5")
    assert wattseal_meter.registers(0, 2) == [0x5753, 0x4C31]
    ours, theirs = wattseal_meter.records(), wattseal_meter.utility_records()
    assert [r.sealed for r in ours] == [r.sealed for r in theirs]
    assert wattseal_meter.newest.seq == ours[-1].seq
    assert [r.seq for r in wattseal_meter.records(2)] == [r.seq for r in ours[2:]]

def test_fault(wattseal_rig, wattseal_meter, wattseal_load, wattseal_faults):
    wattseal_load.plug(1000)
    wattseal_faults.inject("clamp-unplugged")
    wattseal_rig.sleep(3)
    assert abs(wattseal_meter.power_w) < 10

def test_fault_is_over(wattseal_rig, wattseal_meter):
    wattseal_rig.sleep(3)
    assert wattseal_meter.power_w > 400

def test_pairing(wattseal_rig, wattseal_meter):
    paired = wattseal_meter.pair()
    assert paired.epoch == 1 and len(paired.secret) == 32
    wattseal_rig.sleep(120)
    assert wattseal_meter.status()["epoch"] == 1
    assert wattseal_meter.openings(wattseal_meter.newest.seq)[0].value > 0

def test_refusal(wattseal_meter):
    with pytest.raises(Exception) as caught:
        wattseal_meter.ask("?pair " + "00" * 65)
    assert caught.value.code == "meter-refused"
    assert caught.value.detail == "pairing-closed"
"""
ENVIRONMENT = """
targets:
  main:
    resources:
      WattsealEmulatedMeter: {load: 500, settings: {interval_s: 60}}
"""


def test_the_fixtures(pytester):
    pytester.makefile(".yaml", rig=ENVIRONMENT)
    result = run(pytester, WHOLE, "--rig-env", "rig.yaml")
    result.assert_outcomes(passed=12)


FAILING = """
def test_passes(wattseal_rig):
    wattseal_rig.sleep(2)

def test_fails(wattseal_rig, wattseal_meter):
    wattseal_rig.reset()
    wattseal_rig.sleep(3)
    assert wattseal_meter.register_wh == 42

def test_without_a_rig():
    pass
"""


def test_a_failure_prints_its_tape_and_console_and_junit_has_both_tape_and_firmware(pytester):
    result = run(pytester, FAILING, "--rig-tapes", "tapes", "--junitxml", "j.xml")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*- wattseal console -*", "*boot 2*"])
    result.stdout.fnmatch_lines(["tape of test_a_*::test_fails: *"])
    (path,) = re.findall(r"^tape of \S+: (.*)$", result.stdout.str(), re.MULTILINE)
    assert list((pytester.path / "tapes").iterdir()) == [Path(path)]  # none of those that passed
    assert "wattseal-tape" in Path(path).read_text().splitlines()[0]
    document = ElementTree.parse(pytester.path / "j.xml")
    cases = {case.get("name"): case for case in document.iter("testcase")}
    found = [p.get("value") for p in cases["test_fails"].iter("property")]
    assert found == [path]
    suite = {
        one.get("name"): one.get("value") for one in document.findall("testsuite/properties/*")
    }
    assert suite["wattseal.rig"] == "emulated"
    assert "micropython" in suite["wattseal.vm"]
    assert re.fullmatch(r"[0-9a-f]{40}\+?", suite["wattseal.commit"])
    assert re.fullmatch(r"[0-9a-f]{64}", suite["wattseal.files.main.py"])


def test_tapes_are_kept_when_asked(pytester):
    run(pytester, FAILING, "--rig-tapes", "tapes", "--rig-keep-tapes").assert_outcomes(
        passed=2, failed=1
    )
    assert len(list((pytester.path / "tapes").iterdir())) == 2


LACKING = """
import pytest

@pytest.mark.wattseal_needs("button")
def test_marked():
    raise AssertionError("never run")

def test_requested(wattseal_load):
    raise AssertionError("never run")

def test_port(wattseal_utility_port):
    raise AssertionError("never run")

def test_port_again(wattseal_utility_port):
    raise AssertionError("never run")

def test_in_mid_test(wattseal_meter):
    wattseal_meter.pair()
    raise AssertionError("never reached")

def test_present(wattseal_meter):
    assert wattseal_meter.boot == 1
"""


def test_a_missing_feature_skips_aloud(pytester):
    pytester.makeconftest(
        "from wattseal_hil.rig.emulated import EmulatedRig\n"
        "EmulatedRig.features -= {'load', 'button', 'utility-port'}"
    )
    result = run(pytester, LACKING)
    result.assert_outcomes(passed=1, skipped=5)
    result.stdout.fnmatch_lines(
        [
            "*= wattseal rig =*",
            "feature missing, 2 tests skipped: button",
            "feature missing, 1 test skipped: load",
            "feature missing, 2 tests skipped: utility-port",
        ]
    )


def test_an_unknown_feature_is_an_error(pytester):
    result = run(
        pytester,
        "import pytest\n@pytest.mark.wattseal_needs('lode')\ndef test(): pass",
        "--strict-markers",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*feature-unknown*lode*"])


def test_firmware_that_stops_fails_the_test_it_stopped_in(pytester):
    firmware = pytester.mkdir("firmware")
    (firmware / "main.py").write_text(
        "import time\nprint('up')\ntime.sleep(5)\nraise ValueError('broken')\n"
    )
    pytester.makefile(
        ".yaml",
        rig="targets: {main: {resources: {WattsealEmulatedMeter: {firmware: firmware}}}}",
    )
    result = run(
        pytester,
        """
        def test_early(wattseal_rig):
            wattseal_rig.sleep(1)

        def test_unnoticed(wattseal_rig):
            try:
                wattseal_rig.sleep(10)
            except Exception:
                pass

        def test_later(wattseal_rig, wattseal_console):
            wattseal_rig.sleep(1)
            assert "up" in wattseal_console.text
        """,
        "--rig-env",
        "rig.yaml",
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*test_unnoticed*", "*the firmware stopped during this test*"])
    result.stdout.fnmatch_lines(["*ValueError: broken*"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rig", "emulate"], "--rig: 'emulate' is no rig: *"),
        (["--rig", "socket://here"], "--rig: 'here' is not host:port"),
        (["--rig", "emulated", "--rig-env", "x"], "--rig and --rig-env: give one of them"),
        (["--rig-env", "absent.yaml"], "--rig-env: absent.yaml: No such file*"),
        (["--rig-target", "x"], "--rig-target is for --rig-env"),
    ],
)
def test_bad_options_are_one_line(pytester, options, message):
    result = run(pytester, "def test(): pass", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert len([line for line in result.errlines if line.strip()]) == 1


def test_a_rig_that_cannot_be_had_is_one_clear_error(pytester):
    result = run(
        pytester,
        "def test(wattseal_meter): pass\ndef test_other(): pass",
        "--rig",
        "socket://127.0.0.1:1",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["no rig socket://127.0.0.1:1: *rig-unreachable*refused*"])


SHARED = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test(wattseal_meter, wattseal_rig, number):
    wattseal_rig.sleep(5)
    assert wattseal_meter.boot == 1
"""


def test_xdist_has_a_rig_for_each_worker(pytester):
    pytest.importorskip("xdist")
    result = run(pytester, SHARED, "-p", "xdist", "-n", "2", "--junitxml", "j.xml")
    result.assert_outcomes(passed=4)
    document = ElementTree.parse(pytester.path / "j.xml")
    names = [one.get("name") for one in document.findall("testsuite/properties/*")]
    assert names.count("wattseal.vm") == 1


@pytest.mark.parametrize("workers", [["-n", "2"], ["--tx", "2*popen", "--dist", "load"]])
def test_workers_cannot_share_one_rig(pytester, workers):
    pytest.importorskip("xdist")
    result = run(pytester, SHARED, "-p", "xdist", *workers, "--rig", "esp32:/dev/ttyUSB0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: esp32:/dev/ttyUSB0 is one rig: several xdist workers*"])


def test_a_run_without_it_imports_nothing_of_the_rig(pytester):
    pytester.makepyfile("def test(): pass")
    code = (
        "import sys, pytest\n"
        f"status = pytest.main(['-q', {PLUGINS[0]!r}, {PLUGINS[1]!r}])\n"
        "print(sorted(m for m in sys.modules if m.startswith(('wattseal', 'numpy', 'serial'))))\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=pytester.path, check=True
    )
    loaded = ["wattseal_hil", "wattseal_hil.pytest_choice", "wattseal_hil.pytest_plugin"]
    assert done.stdout.splitlines()[-1] == str(loaded)


def test_no_fixture_of_ours_has_anybody_elses_name(pytester):
    """pytest-embedded and labgrid own short names; ours all begin with the project's."""
    from wattseal_hil import pytest_plugin

    ours = [name for name in vars(pytest_plugin) if name.startswith("wattseal_")]
    result = pytester.runpytest_subprocess(*PLUGINS, "--fixtures")
    listed = re.findall(r"^(\w+).* -- .*pytest_plugin\.py", result.stdout.str(), re.MULTILINE)
    assert sorted(listed) == sorted(ours) and len(ours) >= 10
