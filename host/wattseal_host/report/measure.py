"""How a report states energy, power and money: one choice of units for the whole page."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

from wattseal_host.report.data import ReportData
from wattseal_host.report.digits import exact


class Measure:
    """interval_s: the commonest length of a record, 1800 when there are none; what is longer
    or shorter is a lead-in or an outage."""

    def __init__(self, data: ReportData) -> None:
        self.data = data
        lengths = Counter(slot.length_s for slot in data.slots)
        self.interval_s = lengths.most_common(1)[0][0] if lengths else 1800
        self._watt = 3600 * 10.0**data.unit_exponent
        peak_w = max((self._watts(slot.value, slot.length_s) for slot in data.slots), default=0)
        self._divisor = 1000 if peak_w >= 1000 else 1
        self.power_unit = "kW" if self._divisor == 1000 else "W"
        self.energy_exponent = data.unit_exponent - 3

    def power(self, value: float, length_s: int) -> float:
        """Mean power of a reading, in `power_unit`."""
        return self._watts(value, length_s) / self._divisor

    def energy(self, value: int, most: int | None = None) -> str:
        """Energy in kWh, exact unless `most` limits the decimals."""
        return exact(value, self.energy_exponent, most=most)

    def whole_kwh(self, value: int, up: bool) -> str:
        """Energy in whole kWh, rounded down or up."""
        watt_hours = value * Fraction(10) ** self.data.unit_exponent
        return exact(math.ceil(watt_hours / 1000) if up else math.floor(watt_hours / 1000), 0)

    def fee(self, fee: int, most: int | None = None) -> str:
        """A fee in major units of the currency, exact unless `most` limits the decimals."""
        return exact(fee, self.fee_exponent, self.data.minor_digits, most)

    @property
    def fee_exponent(self) -> int:
        """Power of ten of a fee in major units."""
        return self.data.fee_exponent - self.data.minor_digits

    def amount(self, amount_minor: int) -> str:
        """An amount in major units, with the digits of the minor unit."""
        return exact(amount_minor, -self.data.minor_digits, self.data.minor_digits)

    def major(self, fee: int) -> float:
        """A fee as a number of major units, for charts only."""
        return float(fee * Fraction(10) ** self.fee_exponent)

    def money(self, major: float) -> str:
        """A cost read off a chart, in major units with the digits of the minor unit."""
        return exact(
            round(major * 10**self.data.minor_digits),
            -self.data.minor_digits,
            self.data.minor_digits,
        )

    def _watts(self, value: float, length_s: int) -> float:
        return value * self._watt / length_s
