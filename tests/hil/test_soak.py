"""Soak finds what is wrong with a firmware, and makes it short; with this one it finds nothing.

Each broken firmware is this one with a line or two changed.
"""

import shutil

import pytest
from wattseal_hil.errors import BoardError
from wattseal_hil.play import play
from wattseal_hil.scenario import load
from wattseal_hil.soak import scenario_of, soak
from wattseal_hil.tree import FIRMWARE

BROKEN = {
    # A record is shown before it is in the log.
    "early": (
        "meter/sealer.py",
        "        await self.insist(f\"record {seq}\", write)\n",
        "        log.newest = sealed\n        await asyncio.sleep_ms(1500)\n"
        "        await self.insist(f\"record {seq}\", write)\n",
        {"two-bodies", "record-lost"},
    ),
    # What fills no whole unit is forgotten at the end of each interval.
    "remainder": (
        "meter/metering.py",
        "        self._sealing = None\n        # The",
        "        self.energy.import_uj -= self.energy.import_uj % self._unit_uj\n"
        "        self._sealing = None\n        # The",
        {"register-wrong"},
    ),
    # Every boot has the same number.
    "boot": (
        "meter/keys.py",
        'self.boot = max(last_boot, int.from_bytes(storage.read(_BOOT), "big")) + 1',
        "self.boot = 1",
        {"chain-boot"},
    ),
    # An answer on the utility's port that is not true.
    "newest": (
        "meter/registers.py",
        "return _part(_slot(self._log.newest), address - _NEWEST_AT, count)",
        "return _part(_slot(self._log.read(0)), address - _NEWEST_AT, count)",
        {"modbus-untrue"},
    ),
}  # fmt: skip
SEED = 1


@pytest.mark.slow
# Shrinking takes real time: one is given enough of it, on any machine.
@pytest.mark.parametrize("name, shrinking_s", [(name, 1) for name in BROKEN] + [("boot", 8)])
def test_a_broken_firmware_is_found_and_the_scenario_made_short(name, shrinking_s, tmp_path):
    file, good, broken, codes = BROKEN[name]
    firmware = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, firmware, ignore=shutil.ignore_patterns("__pycache__"))
    text = (firmware / file).read_text()
    assert text.count(good) == 1
    (firmware / file).write_text(text.replace(good, broken))
    made = soak(SEED, 30, tmp_path / "out", firmware=firmware, shrinking_s=shrinking_s)
    (failure,) = made.failures
    assert failure.outcome.codes & codes
    if shrinking_s > 1:
        assert len(failure.outcome.scenario.steps) <= 4
    # The file it wrote plays the same again, and this firmware does not fail it.
    written = load(failure.path)
    assert play(written, firmware=firmware).codes == failure.outcome.codes
    assert play(written).good


def test_this_firmware_is_whole(rng, tmp_path):
    seed = rng.randrange(1 << 32)
    made = soak(seed, 0, tmp_path, scenarios=6)
    assert (made.scenarios, made.failures) == (6, []), f"wattseal rig soak --seed {seed}"
    assert made.records > 30


@pytest.mark.slow
def test_a_seed_gives_the_same_scenarios_and_outcomes():
    for number in (5,):
        scenario = scenario_of(SEED, number)
        assert scenario == scenario_of(SEED, number)
        assert play(scenario).described() == play(scenario).described()
    assert scenario_of(SEED, 0) != scenario_of(SEED + 1, 0)


def test_where_failures_cannot_go_is_told_first(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BoardError) as caught:
        soak(SEED, 0, tmp_path / "file")
    assert caught.value.code == "soak-unusable"
