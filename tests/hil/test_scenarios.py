"""The scenarios of hil/scenarios hold on this firmware; a scenario's file is read strictly."""

import json
from pathlib import Path

import pytest
from wattseal_hil import strict_yaml
from wattseal_hil.errors import BoardError
from wattseal_hil.play import play
from wattseal_hil.scenario import load, parse

SCENARIOS = sorted((Path(__file__).parents[2] / "hil" / "scenarios").glob("*.yaml"))
HEAD = {"wattseal-scenario": 1, "name": "x", "steps": [{"power": True}]}


def test_there_are_scenarios():
    assert len(SCENARIOS) >= 7


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_holds(path):
    outcome = play(load(path))
    assert outcome.good, json.dumps(outcome.described(), indent=1)
    assert outcome.records > 5


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_is_printed_back(path):
    scenario = load(path)
    assert parse(strict_yaml.parse(scenario.text())) == scenario


def test_the_same_scenario_has_the_same_outcome():
    scenario = load(next(path for path in SCENARIOS if path.stem == "two-masters"))
    first, second = (play(scenario).described() for _ in range(2))
    assert first == second


def test_what_does_not_hold_is_said():
    steps = [
        {"power": True},
        {"at": 40, "expect": {"records": 100, "power_w": [0, 1], "powered": False}},
        {"at": 40, "expect": {"events": ["tamper"], "flags": ["paired"], "console": "smoke"}},
        {"expect": {"utility": "silent", "customer": "answers"}},
    ]
    meter = {"load": 1000, "settings": {"interval_s": 10}}
    outcome = play(parse({**HEAD, "meter": meter, "steps": steps}))
    assert (outcome.good, outcome.codes, outcome.problems) == (False, {"expectation"}, [])
    assert [result.good for result in outcome.results] == [True, False, False, False]
    assert "records: 7 is not 100 to 100" in outcome.results[1].note
    assert "no tamper" in outcome.results[2].note
    assert outcome.results[3].note == "utility: answers"


def test_a_firmware_that_ends_is_a_problem(tmp_path):
    (tmp_path / "main.py").write_text("print('bye')\n")
    outcome = play(parse(HEAD), firmware=tmp_path)
    assert outcome.codes == {"firmware-ended"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wattseal-scenario": 2}, "wattseal-scenario"),
        ({"name": 5}, "name"),
        ({"colour": 1}, "colour"),
        ({"steps": []}, "steps"),
        ({"meter": {"seed": -1}}, "meter.seed"),
        ({"meter": {"colour": 1}}, "colour"),
        ({"meter": {"load": "lots"}}, "meter.load"),
        ({"meter": {"blocks": 3}}, "meter.blocks"),
        ({"meter": {"start": "noon"}}, "meter.start"),
        ({"steps": [{"at": 5, "power": True}, {"at": 4, "power": False}]}, "step 2: at"),
        ({"steps": [{"at": float("nan"), "power": True}]}, "step 1: at"),
        ({"steps": [{"power": 1}]}, "step 1: power"),
        ({"steps": [{"power": True, "clear": True}]}, "step 1"),
        ({"steps": [{"jump": True}]}, "step 1"),
        ({"steps": [{"inject": {"fault": "rain"}}]}, "step 1: inject"),
        ({"steps": [{"inject": {"fault": "worn-block"}}]}, "worn-block: block is missing"),
        ({"steps": [{"collect": "gas"}]}, "step 1: collect"),
        ({"steps": [{"set-clock": 1.5}]}, "step 1: set-clock"),
        ({"steps": [{"expect": {}}]}, "step 1: expect"),
        ({"steps": [{"expect": {"records": [2, 1]}}]}, "step 1: expect.records"),
        ({"steps": [{"expect": {"flags": ["happy"]}}]}, "step 1: expect.flags"),
        ({"steps": [{"expect": {"events": ["party"]}}]}, "step 1: expect.events"),
        ({"steps": [{"expect": {"utility": True}}]}, "step 1: expect.utility"),
        ({"steps": [{"expect": {"mood": 1}}]}, "mood"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(change, field):
    with pytest.raises(BoardError) as refused:
        parse({**HEAD, **change})
    assert refused.value.code == "scenario-malformed"
    assert field in refused.value.detail
