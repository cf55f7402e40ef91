"""The meter as SunSpec describes one, in registers from 40000: models 1 and 201, and our own.

Model 201 (single-phase meter) shows no consumption unless the customer consents: until then every
value says "not implemented". Model 64900 is our identity and status, as in registers 28 to 76.
"""

from meter.public import FIRMWARE_VERSION

_ABSENT = b"\x80\x00"  # int16 and scale factors; accumulators say it with 0
_MAP_VERSION = b"\x00\x01"


def _model(number, body):
    return number.to_bytes(2, "big") + (len(body) // 2).to_bytes(2, "big") + body


def _text(text, registers):
    return text + bytes(2 * registers - len(text))


class SunSpec:
    """Builds the registers.

    disclosed: function that returns what consent discloses, None without it: (current mA, voltage
    mV, frequency mHz, real power mW, apparent mVA, reactive mvar, export Wh, import Wh).
    """

    def __init__(self, log, public, disclosed):
        self._disclosed = disclosed
        self._log = log
        self._public = public
        self._common = b"SunS" + _model(
            1,
            _text(b"wattseal", 16)
            + _text(b"WS1", 16)
            + _text(b"", 8)
            + _text(FIRMWARE_VERSION.encode(), 8)
            + _text(public.meter.hex().encode(), 16)
            + b"\x00\x01"
            + _ABSENT,
        )

    def image(self):
        """Return the bytes of all registers."""
        return self._common + self._meter() + self._own() + b"\xff\xff\x00\x00"

    def _meter(self):
        body = bytearray(
            _ABSENT * 36 + bytes(32) + _ABSENT + bytes(32) + _ABSENT + bytes(64) + _ABSENT
            + b"\xff\xff\xff\xff"
        )
        values = self._disclosed()
        if values:
            # register in the body, value, divisor from the milli-unit, scale factor's register
            for at, value, divisor, scale_at, scale in (
                (0, values[0], 10, 4, -2),
                (1, values[0], 10, 4, -2),
                (5, values[1], 100, 13, -1),
                (6, values[1], 100, 13, -1),
                (14, values[2], 10, 15, -2),
                (16, values[3], 1000, 20, 0),
                (17, values[3], 1000, 20, 0),
                (21, values[4], 1000, 25, 0),
                (26, values[5], 1000, 30, 0),
            ):
                value = (abs(value) + divisor // 2) // divisor * (1 if value >= 0 else -1)
                value = min(max(value, -32767), 32767)
                body[2 * at : 2 * at + 2] = (value & 0xFFFF).to_bytes(2, "big")
                body[2 * scale_at : 2 * scale_at + 2] = (scale & 0xFFFF).to_bytes(2, "big")
            for at, value in ((36, values[6]), (44, values[7])):
                body[2 * at : 2 * at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "big")
            body[104:106] = b"\x00\x00"
        return _model(201, bytes(body))

    def _own(self):
        public = self._public
        body = _MAP_VERSION + public.status().to_bytes(2, "big")
        body += public.self_test.to_bytes(2, "big") + (public.exponent & 0xFFFF).to_bytes(2, "big")
        body += public.channel_set.to_bytes(2, "big") + _ABSENT
        for number in (
            public.interval_s, self._log.count, self._log.oldest, public.boot, public.epoch,
            public.clock.utc_s(),
        ):
            body += number.to_bytes(4, "big")
        return _model(64900, body)
