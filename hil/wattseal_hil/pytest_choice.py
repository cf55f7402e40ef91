"""Which rig a run of pytest is for: the plug-in's options, and what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from wattseal_hil.rig.spec import RigSpec

SPEC: pytest.StashKey[RigSpec] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wattseal", "meter on a rig (wattseal)")
    group.addoption(
        "--rig",
        metavar="RIG",
        help="emulated (the default), esp32:/dev/ttyUSB0, socket://host:port or unix:/path",
    )
    group.addoption("--rig-env", metavar="FILE", help="the rig out of an environment file")
    group.addoption("--rig-target", metavar="NAME", help="its target; by default `main`")
    group.addoption(
        "--rig-tapes", metavar="DIR", help="folder of the tapes of failed tests (a temporary one)"
    )
    group.addoption(
        "--rig-keep-tapes", action="store_true", help="keep those of tests that passed, too"
    )


def chosen(config: pytest.Config) -> RigSpec:
    """The rig that the options name. Raises UsageError."""
    if SPEC in config.stash:
        return config.stash[SPEC]
    from wattseal_hil.errors import BoardError
    from wattseal_hil.rig import environment, spec

    rig, file, target = (config.getoption(f"--rig{end}") for end in ("", "-env", "-target"))
    if rig and file:
        raise pytest.UsageError("--rig and --rig-env: give one of them")
    if target and not file:
        raise pytest.UsageError("--rig-target is for --rig-env")
    try:
        found = environment.read(file, target) if file else spec.parse(rig or "emulated")
    except BoardError as error:
        option = "--rig-env" if file else "--rig"
        raise pytest.UsageError(f"{option}: {error.detail}") from None
    config.stash[SPEC] = found
    return found


def workers(config: pytest.Config) -> int:
    """How many processes xdist runs the tests in."""
    if hasattr(config, "workerinput"):
        return int(config.workerinput.get("workercount", 1))
    total = 0
    for one in config.getoption("tx", None) or []:
        count, star, _ = one.partition("*")
        total += int(count) if star and count.isdigit() else 1
    return total


def refuse_sharing(spec: RigSpec) -> None:
    from wattseal_hil.rig.spec import Emulated

    if not isinstance(spec, Emulated):
        raise pytest.UsageError(f"{spec} is one rig: several xdist workers cannot share it (-n 1)")
