import json

import pytest
from meter.settings import Settings, parse
from wattseal.errors import Malformed


def test_defaults_hold_for_what_is_left_out():
    settings = parse(b'{"burst_ms": 60000}')
    assert settings.burst_ms == 60_000
    assert vars(settings) == {**vars(Settings()), "burst_ms": 60_000}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "settings-json"),
        ("[]", "settings-json"),
        ("{", "settings-json"),
        ("[" * 100_000, "settings-json"),
        ('{"interval": 1800}', "settings-unknown"),
        ('{"interval_s": "1800"}', "settings-value"),
        ('{"interval_s": 1800.0}', "settings-value"),
        ('{"interval_s": true}', "settings-value"),
        ('{"interval_s": 5}', "settings-value"),
        ('{"interval_s": 86401}', "settings-value"),
        ('{"interval_s": 1700}', "settings-conflict"),
        ('{"interval_s": 10, "burst_ms": 11000}', "settings-conflict"),
        ('{"channel_set": 2}', "settings-value"),
        ('{"mains_hz": 55}', "settings-value"),
        ('{"unit_exponent": -4}', "settings-value"),
    ],
)
def test_anything_wrong_refuses_the_file(text, code):
    with pytest.raises(Malformed) as refusal:
        parse(text)
    assert refusal.value.code == code


@pytest.mark.parametrize("interval_s", [10, 60, 900, 1800, 3600, 86400])
def test_intervals_that_divide_the_day(interval_s):
    assert parse(json.dumps({"interval_s": interval_s})).interval_s == interval_s
