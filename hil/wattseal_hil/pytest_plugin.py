"""pytest plug-in: a meter on a rig, for tests that anybody may write (docs/hil-tests.md).

    def test_a_kettle(wattseal_meter, wattseal_load, wattseal_rig):
        wattseal_load.plug(2000)
        wattseal_rig.sleep(180)
        assert wattseal_meter.register_wh == pytest.approx(100, abs=1)

Runs that use none of it pay for importing this module, which imports nothing of the rig.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wattseal_hil.pytest_choice import SPEC, chosen, pytest_addoption, refuse_sharing, workers

if TYPE_CHECKING:
    from wattseal_hil.meter import Meter
    from wattseal_hil.rig.handles import (
        ConsoleHandle,
        DisplayHandle,
        FaultsHandle,
        LoadHandle,
        SupplyHandle,
    )
    from wattseal_hil.rig.interface import Rig
    from wattseal_hil.rig.session import RigSession

__all__ = ["pytest_addoption"]  # a hook, too

NEEDS = "wattseal_needs"
TAPE = "wattseal_tape"
MISSING = "wattseal_missing"
_IDENTITY = "wattseal_identity"

_session: pytest.StashKey[RigSession] = pytest.StashKey()
_now: pytest.StashKey[str] = pytest.StashKey()
_failed: pytest.StashKey[bool] = pytest.StashKey()
_tape: pytest.StashKey[Path] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{NEEDS}(feature, ...): the test needs these features of the rig, and is skipped, aloud, "
        "on one that lacks any.",
    )
    if (
        config.getoption("--rig")
        or config.getoption("--rig-env")
        or config.getoption("--rig-target")
    ):
        spec = chosen(config)
        if workers(config) > 1:
            refuse_sharing(spec)


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"wattseal rig: {config.stash[SPEC]}" if SPEC in config.stash else None


# Each test


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that uses the rig gets a tape, before any other of its fixtures is at work."""
    names = getattr(item, "fixturenames", None)
    if names is None:
        return
    if "wattseal_rig" in names or item.get_closest_marker(NEEDS):
        names.insert(0, TAPE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    item.config.stash[_now] = item.nodeid
    return (yield from _skipping(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _skipping(item))


def _skipping(item: pytest.Item) -> Generator[None, object, object]:
    """What the rig cannot do is no failure of the meter: skip, and say what is missing."""
    try:
        return (yield)
    except Exception as error:
        if getattr(error, "code", None) != "feature-missing":
            raise
        detail = getattr(error, "detail", "")
        item.user_properties.append((MISSING, detail.partition(":")[0]))
        raise pytest.skip.Exception(f"feature missing: {detail}", _use_item_location=True) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if _tape not in item.stash and _session not in item.config.stash:
        return report
    tape = item.stash.get(_tape, None)
    if report.failed:
        first = not item.stash.get(_failed, False)
        item.stash[_failed] = True
        session = item.config.stash.get(_session, None)
        if session and TAPE in getattr(item, "fixturenames", ()) and (said := session.said()):
            report.sections.append(("wattseal console", said))
        if tape:
            report.sections.append(("wattseal tape", str(tape)))
            if first:
                item.user_properties.append((TAPE, str(tape)))
                report.user_properties.append((TAPE, str(tape)))
    kept = item.stash.get(_failed, False) or item.config.getoption("--rig-keep-tapes")
    if report.when == "teardown" and tape and not kept:
        tape.unlink(missing_ok=True)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Where the tapes are, and which features were missing, however terse the run."""
    seen = {key: [] for key in (TAPE, MISSING)}  # type: dict[str, list[tuple[str, str]]]
    for category in ("failed", "error", "skipped"):
        for report in terminalreporter.stats.get(category, []):
            for name, value in getattr(report, "user_properties", ()):
                if name in seen and (report.nodeid, value) not in seen[name]:
                    seen[name].append((report.nodeid, value))
    if not any(seen.values()):
        return
    terminalreporter.section("wattseal rig")
    for test, tape in seen[TAPE]:
        terminalreporter.line(f"tape of {test}: {tape}")
    features = [feature for _, feature in seen[MISSING]]
    for feature in sorted(set(features)):
        count = features.count(feature)
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.line(f"feature missing, {tests} skipped: {feature}")


# JUnit's properties of the whole suite; workers of xdist send theirs home


def _announce(request: pytest.FixtureRequest, identity: dict[str, str]) -> None:
    if hasattr(request.config, "workeroutput"):
        request.config.workeroutput[_IDENTITY] = identity
        return
    add = request.getfixturevalue("record_testsuite_property")
    for name, value in identity.items():
        add(name, value)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    identity = getattr(node, "workeroutput", {}).get(_IDENTITY, {})
    try:
        from _pytest.junitxml import xml_key
    except ImportError:
        return
    xml = node.config.stash.get(xml_key, None)
    if xml is None:
        return
    for name, value in identity.items():
        if (name, str(value)) not in xml.global_properties:
            xml.add_global_property(name, str(value))


def _properties(rig: Rig) -> dict[str, str]:
    found = {"wattseal.rig": rig.name}
    for name, value in rig.identity().items():
        if isinstance(value, dict):
            found.update({f"wattseal.{name}.{key}": str(value[key]) for key in value})
        else:
            found[f"wattseal.{name}"] = value if isinstance(value, str) else json.dumps(value)
    return found


# Fixtures


@pytest.fixture(scope="session")
def wattseal_rig(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rig]:
    """The rig, its meter running; nothing resets it but you. See wattseal_hil.rig.interface."""
    from wattseal.errors import WattsealError

    from wattseal_hil.rig.session import RigSession

    config = request.config
    spec = chosen(config)
    if workers(config) > 1:
        refuse_sharing(spec)
    folder = config.getoption("--rig-tapes")
    tapes = Path(folder) if folder else tmp_path_factory.getbasetemp() / "wattseal-tapes"
    try:
        session = RigSession(spec, tapes.absolute(), config.stash[_now])
    except WattsealError as error:
        pytest.fail(f"no rig {spec}: {error}", pytrace=False)
    config.stash[_session] = session
    try:
        _announce(request, _properties(session.rig))
        yield session.rig
    finally:
        del config.stash[_session]
        session.close()


@pytest.fixture
def wattseal_tape(wattseal_rig: Rig, request: pytest.FixtureRequest) -> Iterator[Path | None]:
    """The file this test is recorded to, on a rig that can; kept if the test fails."""
    session = request.config.stash[_session]
    session.begin(request.node.nodeid)
    if session.tape:
        request.node.stash[_tape] = session.tape
    needs = [name for mark in request.node.iter_markers(NEEDS) for name in mark.args]
    try:
        wattseal_rig.require(*needs)
        yield session.tape
    finally:
        failure = session.end()
    if failure:
        pytest.fail(f"the firmware stopped during this test: {failure}", pytrace=False)


@pytest.fixture
def wattseal_reset(wattseal_rig: Rig) -> None:
    """Begin this test with a reset of the board. Without it there is none."""
    wattseal_rig.require("reset")
    wattseal_rig.reset()


@pytest.fixture(scope="session")
def wattseal_meter(wattseal_rig: Rig) -> Meter:
    """The meter, as one talks about it: see wattseal_hil.meter."""
    from wattseal_hil.meter import Meter

    return Meter(wattseal_rig)


@pytest.fixture
def wattseal_load(wattseal_rig: Rig, request: pytest.FixtureRequest) -> Iterator[LoadHandle]:
    """What is drawn: plug(2000), unplug(). After the test, what was drawn before all."""
    from wattseal_hil.rig.handles import LoadHandle

    load = LoadHandle(wattseal_rig, request.config.stash[_session].load_at_rest)
    yield load
    load.restore()


@pytest.fixture
def wattseal_supply(wattseal_rig: Rig) -> Iterator[SupplyHandle]:
    """The power: off(), on(), cut(seconds). On again after the test."""
    from wattseal_hil.rig.handles import SupplyHandle

    supply = SupplyHandle(wattseal_rig)
    yield supply
    supply.restore()


@pytest.fixture
def wattseal_faults(wattseal_rig: Rig) -> Iterator[FaultsHandle]:
    """What goes wrong: inject(kind, ...), clear(). None after the test."""
    from wattseal_hil.rig.handles import FaultsHandle

    faults = FaultsHandle(wattseal_rig)
    yield faults
    faults.clear()


@pytest.fixture
def wattseal_console(wattseal_rig: Rig, request: pytest.FixtureRequest) -> ConsoleHandle:
    """What the firmware prints: text (since the test began), expect(pattern, seconds)."""
    from wattseal_hil.rig.handles import ConsoleHandle

    return ConsoleHandle(wattseal_rig, request.config.stash[_session].console_begin)


@pytest.fixture(scope="session")
def wattseal_display(wattseal_rig: Rig) -> DisplayHandle:
    """The meter's display: text, png(), expect(pattern, seconds)."""
    return wattseal_rig.display


@pytest.fixture(scope="session")
def wattseal_customer_port(wattseal_rig: Rig) -> str:
    """What pyserial's serial_for_url opens: the customer's port, 115200 8N1."""
    wattseal_rig.require("customer-port")
    return wattseal_rig.customer_port


@pytest.fixture(scope="session")
def wattseal_utility_port(wattseal_rig: Rig) -> str:
    """What pyserial's serial_for_url opens: the utility's port, 19200 8E1."""
    wattseal_rig.require("utility-port")
    return wattseal_rig.utility_port
