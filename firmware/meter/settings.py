"""The meter's settings: defaults, and the strict reading of /settings.json.

A file with anything wrong in it is refused whole: half a configuration would meter wrongly.
"""

import json

from micropython import const
from wattseal.errors import Malformed, WattsealError

_DAY_S = const(86400)

# name, default, lowest, highest
_FIELDS = (
    ("interval_s", 1800, 10, _DAY_S),
    ("unit_exponent", 0, -3, 3),  # the sealed unit is 10^e Wh
    ("channel_set", 1, 1, 3),  # 1 import, 3 import and export
    # 97 half cycles of 50 Hz, a prime: no pattern of whole cycles keeps in step with the bursts.
    ("burst_ms", 970, 200, 3_600_000),
    ("telegram_ms", 1000, 1000, 3_600_000),
    ("checkpoint_ms", 60_000, 1000, 3_600_000),
    ("mains_hz", 50, 50, 60),
    ("mains_cycles", 4, 2, 6),  # whole cycles in a burst; one alone has no measurable period
    ("voltage_sensor", 1, 0, 1),  # 0: a clamp alone, and the nominal voltage
    ("nominal_mv", 230_000, 90_000, 260_000),
    ("voltage_nv_per_v", 2_608_696, 1000, 1_000_000_000),  # at the pin: 230 V gives 0.6 V
    ("current_uv_per_a", 11_000, 10, 10_000_000),  # at the pin: 2000:1 into 22 ohm
    ("start_mw", 4000, 0, 100_000),  # less power than this counts as none
    ("p1_inverted", 0, 0, 1),  # the customer port's output, as P1 readers expect it
    ("direction_pin", -1, -1, 48),  # of an RS-485 transceiver (DE and /RE); -1: none
    ("tamper_pin", -1, -1, 48),  # low while the case is shut; -1: none
    ("tcp_port", 0, 0, 65535),  # of Modbus TCP; 0: off
)
# name, longest
_TEXTS = (("provider", 66), ("wifi_ssid", 32), ("wifi_key", 63))


class Settings:
    """One attribute for each name in /settings.json; `Settings()` holds the defaults."""

    def __init__(self):
        self.interval_s = 0
        self.unit_exponent = 0
        self.channel_set = 0
        self.burst_ms = 0
        self.telegram_ms = 0
        self.checkpoint_ms = 0
        self.mains_hz = 0
        self.mains_cycles = 0
        self.voltage_sensor = 0
        self.nominal_mv = 0
        self.voltage_nv_per_v = 0
        self.current_uv_per_a = 0
        self.start_mw = 0
        self.p1_inverted = 0
        self.direction_pin = -1
        self.tamper_pin = -1
        self.tcp_port = 0
        self.provider = ""
        self.wifi_ssid = ""
        self.wifi_key = ""
        for name, default, _, _ in _FIELDS:
            setattr(self, name, default)


def load(storage, console):
    """Return (Settings, whether the file was refused) of a storage."""
    text = storage.read("settings.json")
    if text:
        try:
            return parse(text), False
        except WattsealError as error:
            console(f"settings.json is refused, defaults hold: {error}")
            return Settings(), True
    return Settings(), False


def parse(text):
    """Return the Settings of a JSON object (bytes or str); what it leaves out has its default.

    Malformed: `settings-json`, `settings-unknown` (a name), `settings-value` (type or range) or
    `settings-conflict` (values that exclude each other).
    """
    try:
        values = json.loads(text)
    except (ValueError, RuntimeError):  # RuntimeError: nested deeper than the stack
        raise Malformed("settings-json") from None
    if not isinstance(values, dict):
        raise Malformed("settings-json")
    settings = Settings()
    for name, _, lowest, highest in _FIELDS:
        if name in values:
            value = values.pop(name)
            if type(value) is not int or not lowest <= value <= highest:
                raise Malformed("settings-value", name)
            setattr(settings, name, value)
    for name, longest in _TEXTS:
        if name in values:
            value = values.pop(name)
            if type(value) is not str or len(value) > longest:
                raise Malformed("settings-value", name)
            setattr(settings, name, value)
    for name in values:
        raise Malformed("settings-unknown", str(name))
    if settings.channel_set == 2 or settings.mains_hz not in (50, 60):
        raise Malformed("settings-value", "channel_set, mains_hz")
    if _DAY_S % settings.interval_s or settings.burst_ms > 1000 * settings.interval_s:
        raise Malformed("settings-conflict", "interval_s, burst_ms")
    return settings
