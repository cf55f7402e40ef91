"""Our plug-in beside pytest-embedded and labgrid, and our meter as a labgrid's device.

In an environment as one of their users has it: both of them, and what this distribution requires.
"""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest
from environment import environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "hil" / "examples"
OTHERS = ["labgrid>=25", "pytest>=8", "pytest-embedded>=2.6", "pytest-embedded-serial>=2.6"]


@pytest.fixture(scope="module")
def python() -> Path:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return environment([*project["dependencies"], *OTHERS])


@pytest.fixture
def run(python, tmp_path):
    """Run pytest there, with every plug-in that is installed and ours."""

    def run(*words: object) -> list[str]:
        paths = [str(ROOT / part) for part in ("firmware", "host", "hil")]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "LG_"))}
        done = subprocess.run(
            [python, "-m", "pytest", "-p", "wattseal_hil.pytest_plugin", *map(str, words)],
            env={**clean, "PYTHONPATH": os.pathsep.join(paths)},
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.slow
def test_an_installed_wheel_has_what_it_needs(python, tmp_path):
    """Firmware, boards and plug-in, with the tree nowhere near."""
    site, clean = tmp_path / "site", {"PATH": os.defpath, "HOME": str(Path.home())}
    clean |= {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]

    def do(*words: object) -> None:
        made = subprocess.run(
            [*pip, *map(str, words)], env=clean, capture_output=True, text=True, check=False
        )
        if made.returncode:
            pytest.skip(f"no wheel can be built here: {made.stderr.strip().splitlines()[-1]}")

    do("wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT)
    do("install", "--no-deps", "--target", site, *tmp_path.glob("wattseal-*.whl"))
    suite = tmp_path / "test_it.py"
    suite.write_text((EXAMPLES / "test_kettle.py").read_text())
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:labgrid", suite],
        env={**clean, "PYTHONPATH": str(site)}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout + done.stderr


def test_the_examples_run_beside_both(run):
    # Both of the others have a fixture `target`: beside each other they want labgrid's file.
    lines = run("-q", "-p", "no:cacheprovider", "--lg-env", EXAMPLES / "served.yaml",
                EXAMPLES / "test_kettle.py")  # fmt: skip
    assert lines[-1].startswith("4 passed")


ALL_THREE = """
import pytest
from wattseal_hil.labgrid_driver import WattsealMeterDriver
from labgrid.protocol import PowerProtocol

def test_plugins(pytestconfig):
    manager = pytestconfig.pluginmanager
    names = {d.project_name for _, d in manager.list_plugin_distinfo()}
    assert {"labgrid", "pytest-embedded"} <= names

def test_rig_and_dut(wattseal_meter, wattseal_customer_port, dut):
    assert wattseal_meter.registers(0, 2) == [0x5753, 0x4C31]   # by the other port
    dut.write("?status\\r\\n")
    dut.expect(rb'#status {"version":"(.*?)"', timeout=5)

def test_rig_and_target(wattseal_rig, target):
    power = target.get_driver(PowerProtocol)
    assert isinstance(power, WattsealMeterDriver)
    assert power.rig is not wattseal_rig
"""


def test_one_test_may_use_all_three(run, tmp_path):
    (tmp_path / "test_all.py").write_text(ALL_THREE)
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def port(wattseal_customer_port): return wattseal_customer_port\n"
    )
    lines = run("-q", "--embedded-services", "serial", "--baud", "115200",
                "--lg-env", EXAMPLES / "emulated.yaml",
                "--rig-env", EXAMPLES / "emulated.yaml", "test_all.py")  # fmt: skip
    assert lines[-1].startswith("3 passed")


LABGRID = """
import pytest
from labgrid import Environment, Target
from labgrid.exceptions import InvalidConfigError
from labgrid.factory import target_factory
from labgrid.protocol import ConsoleProtocol, PowerProtocol, ResetProtocol
from labgrid.resource import RawSerialPort
from wattseal_hil.labgrid_driver import WattsealEmulatedMeter, WattsealMeterDriver

@pytest.fixture
def target():
    made = Target("main")
    yield made
    made.cleanup()

def test_power_cycle_and_register(target):
    WattsealEmulatedMeter(target, None, load=3600)
    driver = target_factory.make_driver(target, "WattsealMeterDriver", None, {})
    target.activate(driver)
    driver.sleep(100)
    assert driver.meter.register_wh == pytest.approx(100, abs=1)
    boot = driver.meter.boot
    assert target.get_driver(PowerProtocol) is driver
    driver.cycle()
    assert driver.get() is True and driver.meter.boot == boot + 1
    assert driver.meter.register_wh >= 40  # a checkpoint a minute
    target.get_driver(ResetProtocol).reset()
    assert driver.meter.boot == boot + 2
    driver.off()
    assert driver.get() is False
    driver.on()
    driver.plug({"kind": "motor", "watts": 500, "power_factor": 0.6})
    driver.sleep(3)
    assert driver.meter.power_w == pytest.approx(500, rel=0.02)
    target.deactivate(driver)

def test_out_of_an_environment_file():
    env = Environment("env.yaml")
    target = env.get_target("main")
    console = target.get_driver("WattsealPortDriver")
    console.sendline("?status")
    _, _, match, _ = console.expect(r'"register_wh":(\\d+)', timeout=5)
    assert int(match.group(1)) >= 0
    console.expect("/WSL5", timeout=5)          # at a pace, telegrams come by themselves
    assert target.get_driver(ConsoleProtocol) is console
    target.cleanup()

def test_a_bad_option_is_labgrids_own_error(target):
    WattsealEmulatedMeter(target, None, seed="one")
    driver = target_factory.make_driver(target, "WattsealMeterDriver", None, {})
    with pytest.raises(InvalidConfigError, match="seed: 'one' is no whole number"):
        target.activate(driver)

def test_a_rig_served_elsewhere(target, served):
    host, port = served
    target_factory.make_resource(target, "WattsealServedRig", None, {"host": host, "port": port})
    driver = target_factory.make_driver(target, "WattsealMeterDriver", None, {})
    target.activate(driver)
    assert driver.meter.boot == 1
    assert driver.rig.customer_port.startswith("socket://")

@pytest.fixture
def served():
    import json, subprocess, sys
    code = "from wattseal_host.cli.main import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "rig", "serve", "--watts", "0", "--listen", "0"],
        stdout=subprocess.PIPE, text=True,
    )
    host, _, port = json.loads(process.stdout.readline())["listen"][9:].rpartition(":")
    yield host, int(port)
    process.terminate()
    assert process.wait(10) == 0
"""
ENVIRONMENT = """
imports: [wattseal_hil.labgrid_driver]
targets:
  main:
    resources:
      WattsealEmulatedMeter: {load: 2000, pace: 10}
    drivers:
      WattsealMeterDriver: {}
      WattsealPortDriver: {port: customer}
"""


def test_labgrid_drives_the_meter(run, tmp_path):
    (tmp_path / "test_labgrid.py").write_text(LABGRID)
    (tmp_path / "env.yaml").write_text(ENVIRONMENT)
    assert run("-q", "test_labgrid.py")[-1].startswith("4 passed")
