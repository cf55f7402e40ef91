"""Energy from power: the last burst's power holds until the next, and nothing is rounded away.

Registers count microjoules (1 mW for 1 ms), exact integers of any size. What fills no whole unit
stays in the register and so is carried into the next interval.
"""

from micropython import const

UJ_PER_WH = const(3_600_000_000)


def unit_uj(exponent):
    """Return the microjoules in 10^exponent Wh, -8 <= exponent."""
    return UJ_PER_WH * 10**exponent if exponent >= 0 else UJ_PER_WH // 10**-exponent


class Energy:
    """Import and export registers. Without an export channel, power flowing out counts as none."""

    def __init__(self, two_way, import_uj=0, export_uj=0):
        self.import_uj = import_uj
        self.export_uj = export_uj
        self.power_mw = 0
        self._two_way = two_way

    def hold(self, power_mw):
        """Take the power (mW, import positive) that holds from now on."""
        self.power_mw = power_mw

    def flush(self, elapsed_ms):
        """Add the energy of the `elapsed_ms` since the last flush, at the power held."""
        energy_uj = self.power_mw * elapsed_ms
        if energy_uj >= 0:
            self.import_uj += energy_uj
        elif self._two_way:
            self.export_uj -= energy_uj

    def registers_uj(self):
        """Return the registers of the configured channels, import first."""
        return (self.import_uj, self.export_uj) if self._two_way else (self.import_uj,)
