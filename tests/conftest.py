"""Fixtures of all tests: where the data are, the MicroPython VMs, seeded randomness."""

import os
import random
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from wattseal_hil.errors import BoardError
from wattseal_hil.vm import Vm, find_vm

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("WATTSEAL_DATA") or ROOT.parent / "shared" / "data")
SEED = int(os.environ.get("WATTSEAL_SEED") or secrets.randbits(32))

# In the background of a shell SIGINT is ignored, also by every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "wattseal",
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("wattseal")


def pytest_report_header() -> list[str]:
    found = "found" if DATA.is_dir() else "missing: tests that need them will skip"
    return [f"wattseal data: {DATA} ({found})", f"wattseal seed: WATTSEAL_SEED={SEED}"]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of published data, which is no part of the repository."""
    if not DATA.is_dir():
        pytest.skip(f"no data at {DATA}: set WATTSEAL_DATA")
    return DATA


@pytest.fixture
def rng(request) -> random.Random:
    """Random numbers of this test alone; WATTSEAL_SEED repeats a run."""
    print(f"WATTSEAL_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, driven by Playwright; a machine without one skips, aloud."""
    from playwright.sync_api import Error, sync_playwright
    from wattseal_host.report.screenshot import find_browser

    program = find_browser()
    if program is None:
        pytest.skip("no Chromium: on Debian, apt install chromium")
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
        except Error as error:
            pytest.skip(f"Chromium does not start: {error.message[:80]}")
        yield started
        started.close()


@pytest.fixture(scope="session")
def vm32() -> Vm:
    """MicroPython with words of 32 bits; a machine that cannot have it skips, aloud."""
    try:
        return find_vm(32)
    except BoardError as error:
        if error.code != "vm-missing":
            raise
        pytest.skip(f"no 32-bit MicroPython: {error}")


@pytest.fixture(scope="session", params=[64, 32], ids=["vm64", "vm32"])
def micropython(request) -> list[str]:
    """The beginning of a command that runs MicroPython, with words of 64 bits and of 32."""
    return request.getfixturevalue("vm32").argv if request.param == 32 else find_vm(64).argv
