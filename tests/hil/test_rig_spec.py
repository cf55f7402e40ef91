"""The words that name a rig, and what a rig says of what it cannot do."""

import pytest
from wattseal_hil.errors import BoardError
from wattseal_hil.rig import interface
from wattseal_hil.rig.interface import FEATURES, Rig
from wattseal_hil.rig.spec import Board, Emulated, Served, parse


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("emulated", Emulated()),
        ("esp32:/dev/ttyUSB0", Board("esp32", "/dev/ttyUSB0")),
        ("esp32s3:/dev/serial/by-id/usb-1", Board("esp32s3", "/dev/serial/by-id/usb-1")),
        ("esp32c3:COM7", Board("esp32c3", "COM7")),
        ("socket://lab7:7000", Served(("lab7", 7000))),
        ("socket://[::1]:7000", Served(("::1", 7000))),
        ("unix:/run/rig/control", Served("/run/rig/control")),
    ],
)
def test_what_names_a_rig(text, spec):
    assert parse(text) == spec
    assert str(spec) == text


@pytest.mark.parametrize(
    "text",
    ["", "emulate", "emulated:", "EMULATED", "esp32", "esp32:", "esp8266:/dev/ttyUSB0", "unix:",
     "socket:host:1", "socket://", "socket://host", "socket://host:", "socket://:7000",
     "socket://host:99999", "socket://host:-1", "socket://::1:7000", "socket://host:٣"],
)  # fmt: skip
def test_what_does_not(text):
    with pytest.raises(BoardError) as caught:
        parse(text)
    assert caught.value.code == "rig-spec"


ASKED = {
    interface.CUSTOMER_PORT: lambda rig: rig.customer_port,
    interface.UTILITY_PORT: lambda rig: rig.utility_port,
    interface.CONSOLE: lambda rig: rig.console,
    interface.LOAD: lambda rig: rig.plug(1000),
    interface.LOAD_ENERGY: lambda rig: rig.load_energy_wh(0, 1),
    interface.SUPPLY: lambda rig: (rig.power_on(), rig.power_off(), rig.powered),
    interface.BUTTON: lambda rig: rig.press_button(),
    interface.PINS: lambda rig: (rig.drive_pin(4, 1), rig.pin(4)),
    interface.VIRTUAL_TIME: lambda rig: rig.set_pace(1),
    interface.RESET: lambda rig: rig.reset(),
    interface.FLASH_FAULTS: lambda rig: rig.inject({"fault": "worn-block", "block": 1}),
    interface.LINE_FAULTS: lambda rig: rig.inject({"fault": "cut-line", "line": "utility"}),
    interface.SENSOR_FAULTS: lambda rig: rig.inject({"fault": "clamp-unplugged"}),
    interface.CLOCK_FAULTS: lambda rig: rig.inject({"fault": "clock-jump", "by_s": 5}),
    interface.FLASH_WEAR: lambda rig: rig.wear(),
    interface.HEAP: lambda rig: rig.heap_low_bytes(),
    interface.DISPLAY: lambda rig: rig.display,
    interface.TAPE: lambda rig: rig.record("tape"),
}


@pytest.mark.parametrize("feature", sorted(ASKED))
def test_what_a_rig_cannot_do_it_refuses_by_the_features_name(feature):
    with pytest.raises(BoardError) as caught:
        ASKED[feature](Rig())
    assert (caught.value.code, caught.value.detail.split(":")[0]) == ("feature-missing", feature)


def test_every_feature_is_asked_for_somewhere():
    assert set(ASKED) == FEATURES


def test_require():
    class Half(Rig):
        features = frozenset({interface.LOAD})

    Half().require(interface.LOAD)
    with pytest.raises(BoardError) as caught:
        Half().require(interface.LOAD, interface.BUTTON)
    assert caught.value.code == "feature-missing"
    with pytest.raises(BoardError) as caught:
        Half().require("lode")
    assert caught.value.code == "feature-unknown"
