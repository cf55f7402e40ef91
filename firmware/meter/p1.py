"""DSMR 5 P1 telegrams (Netbeheer Nederland, P1 companion standard 5.0.2), one text a second.

The newest sealed record travels in `0-0:96.128.0`, a code readers do not know and skip. The
lines that stand still come first, so that their part of the CRC is computed once a record.
"""

from micropython import const

from meter.crc16 import ARC, crc16
from meter.energy import UJ_PER_WH
from meter.local_time import LocalTime

_STILL = "/WSL5\\wattseal\r\n\r\n1-3:0.2.8(50)\r\n0-0:96.1.1({})\r\n"
_SEALED = "0-0:96.128.0({})\r\n"
_MOVING = (
    "0-0:1.0.0(%s)\r\n"
    "1-0:1.8.1(%s*kWh)\r\n1-0:1.8.2(000000.000*kWh)\r\n"
    "1-0:2.8.1(%s*kWh)\r\n1-0:2.8.2(000000.000*kWh)\r\n"
    "0-0:96.14.0(0001)\r\n"
    "1-0:1.7.0(%s*kW)\r\n1-0:2.7.0(%s*kW)\r\n"
    "1-0:32.7.0(%03d.%d*V)\r\n1-0:31.7.0(%03d*A)\r\n"
    "1-0:21.7.0(%s*kW)\r\n1-0:22.7.0(%s*kW)\r\n!"
)
_KWH_WRAP_WH = const(1_000_000_000)  # the register shows six digits of kWh


class Telegrams:
    """Builds telegrams of one meter; `meter` is its 16-byte id."""

    def __init__(self, meter):
        # The equipment identifier is hexadecimal of ASCII, here of the id's own hexadecimal.
        self._identity = _STILL.format(meter.hex().encode().hex().upper()).encode()
        self._local_time = LocalTime()
        self._sealed = None
        self._still = b""
        self._crc = ARC

    def build(self, utc_s, energy, power_mw, voltage_mv, current_ma, sealed):
        """Return a telegram's bytes.

        energy: has import_uj and export_uj. power_mw: import positive. sealed: the newest sealed
        record, b"" while there is none.
        """
        if sealed is not self._sealed:
            self._sealed = sealed
            self._still = self._identity
            if sealed:
                self._still += _SEALED.format(sealed.hex().upper()).encode()
            self._crc = crc16(self._still, ARC)
        into = _kw(max(power_mw, 0))
        out = _kw(max(-power_mw, 0))
        moving = (
            _MOVING
            % (
                self._local_time.stamp(utc_s),
                _kwh(energy.import_uj),
                _kwh(energy.export_uj),
                into,
                out,
                voltage_mv // 1000,
                voltage_mv // 100 % 10,
                current_ma // 1000,
                into,
                out,
            )
        ).encode()
        return self._still + moving + b"%04X\r\n" % crc16(moving, self._crc)


def _kw(power_mw):
    power_w = (power_mw + 500) // 1000
    return f"{power_w // 1000:02d}.{power_w % 1000:03d}"


def _kwh(register_uj):
    register_wh = register_uj // UJ_PER_WH % _KWH_WRAP_WH
    return f"{register_wh // 1000:06d}.{register_wh % 1000:03d}"
