"""Voltage, current and real power, from bursts of samples over whole mains cycles.

All arithmetic is in integers that stay small on a 32-bit board, so a burst makes next to no
garbage and gives the same result on every machine. The arrays are made once.
"""

from array import array

from micropython import const
from wattseal.hashing import sha256
from wattseal.record import SATURATED, SENSOR_MISSING

_CAPACITY = const(640)  # sample pairs; six cycles at 50 Hz and 200 us a pair
_SPARE_PERCENT = const(103)  # sample a little longer than the cycles take: mains run slow
_FIRST_PAIR_US = const(200)
_PROBES_PER_CYCLE = const(16)
_ADC_LOW_UV = const(150_000)  # the calibrated range of the ESP32's ADC at 11 dB
_ADC_HIGH_UV = const(2_450_000)
_LEAST_SWING_UV = const(100_000)  # peak to peak; less is no mains voltage at the pin
_PERIOD_LOW_US = const(15_000)  # 66 Hz
_PERIOD_HIGH_US = const(22_500)  # 44 Hz
_HALF_PI_SQUARED_PPM = const(4_934_802)


class Sensor:
    """A voltage and a current input, read in turn.

    read_voltage_uv, read_current_uv: functions that convert once and return microvolts at the
    pin. time: the module, for `ticks_us` and `ticks_diff`. After `measure`:

    power_mw    real power, import positive; 0 below the starting power
    voltage_mv  RMS of the mains voltage
    current_ma  RMS of the current
    mains_mhz   mains frequency in millihertz
    flags       SATURATED if a sample left the ADC's calibrated range, SENSOR_MISSING without
                mains voltage (all the others are then 0: the meter never estimates)
    """

    def __init__(self, read_voltage_uv, read_current_uv, time, settings):
        self._read_voltage_uv = read_voltage_uv
        self._read_current_uv = read_current_uv
        self._ticks_us = time.ticks_us
        self._ticks_diff = time.ticks_diff
        self._cycles = settings.mains_cycles
        self._span_us = settings.mains_cycles * 1_000_000 // settings.mains_hz
        self._voltage_nv_per_v = settings.voltage_nv_per_v
        self._current_uv_per_a = settings.current_uv_per_a
        self._start_mw = settings.start_mw
        self._stamps = array("i", bytes(4 * _CAPACITY))
        self._volts = array("i", bytes(4 * _CAPACITY))
        self._amps = array("i", bytes(4 * _CAPACITY))
        self._plan(_FIRST_PAIR_US)
        self._clear(0)

    def _clear(self, flags):
        self.power_mw = 0
        self.voltage_mv = 0
        self.current_ma = 0
        self.mains_mhz = 0
        self.flags = flags

    def _plan(self, pair_us):
        """Choose how many pairs the next burst takes, from the time one took in this."""
        pairs = self._span_us * _SPARE_PERCENT // (100 * max(1, pair_us)) + 2
        self._pairs = min(pairs, _CAPACITY - 2)

    def measure(self):
        """Take one burst (blocking, about the time of the mains cycles) and evaluate it."""
        self._sample(self._pairs + 1)
        self._evaluate(self._pairs)

    def noise(self):
        """Return 32 bytes hashed from a burst: the converter's last bits and the time they took.

        Of the voltage alone, so that no key depends on consumption. To be mixed with better
        randomness, never to replace it.
        """
        self._sample(_CAPACITY)
        return sha256(self._stamps, self._volts)

    def _sample(self, count):
        stamps = self._stamps
        volts = self._volts
        amps = self._amps
        ticks_us = self._ticks_us
        read_voltage_uv = self._read_voltage_uv
        read_current_uv = self._read_current_uv
        for k in range(count):
            stamps[k] = ticks_us()
            volts[k] = read_voltage_uv()
            amps[k] = read_current_uv()

    def _evaluate(self, pairs):
        volts = memoryview(self._volts)[:pairs]
        amps = memoryview(self._amps)[:pairs]
        total_us = self._ticks_diff(self._stamps[pairs], self._stamps[0])
        self._plan(total_us // pairs)
        low = min(volts)
        high = max(volts)
        span_us, periods = self._periods(sum(volts) // pairs, pairs)
        if (
            high - low < _LEAST_SWING_UV
            or not periods
            or not _PERIOD_LOW_US * periods <= span_us <= _PERIOD_HIGH_US * periods
        ):
            self._clear(SENSOR_MISSING)
            return
        cycles = min(self._cycles, total_us * periods // span_us)
        # The samples in those cycles, in 1/256: the last one counts in part.
        window = (cycles * span_us * pairs << 8) // (periods * total_us)
        whole = (window + 128) >> 8
        volts_mean = sum(volts[:whole]) // whole
        amps_mean = sum(amps[:whole]) // whole
        product = self._product_sum(window, volts_mean, amps_mean)
        # (uV at both pins) to mW, then the loss of the interpolation undone: the mean of two
        # samples a pair apart is short by cos(pi*pair/period), 1 - x^2/2 to 1e-7.
        pair_q16 = (total_us * periods << 16) // (pairs * span_us)
        short_ppm = _HALF_PI_SQUARED_PPM * pair_q16 * pair_q16 >> 32
        power_mw = (product * 1_000_000 << 20) * 1_000_000 // (
            window * self._voltage_nv_per_v * self._current_uv_per_a * (1_000_000 - short_ppm)
        )
        self.power_mw = power_mw if abs(power_mw) >= self._start_mw else 0
        self.voltage_mv = _rms(volts, whole, volts_mean) * 1_000_000 // self._voltage_nv_per_v
        self.current_ma = _rms(amps, whole, amps_mean) * 1000 // self._current_uv_per_a
        self.mains_mhz = 1_000_000_000 * periods // span_us
        self.flags = 0
        if min(low, min(amps)) < _ADC_LOW_UV or max(high, max(amps)) > _ADC_HIGH_UV:
            self.flags = SATURATED

    def _periods(self, mean, pairs):
        """Return (us from the first rising zero crossing to the last, periods between them)."""
        volts = self._volts
        stride = max(1, pairs // (self._cycles * _PROBES_PER_CYCLE))
        first_us = last_us = 0
        periods = -1
        below = volts[0] < mean
        for k in range(stride, pairs, stride):
            was_below = below
            below = volts[k] < mean
            if was_below and not below:
                last_us = self._crossing_us(k - stride, k, mean)
                if periods < 0:
                    first_us = last_us
                periods += 1
        return last_us - first_us, max(0, periods)

    def _crossing_us(self, low, high, mean):
        """Return when the voltage rises through `mean` between two samples, from the first stamp.

        volts[low] < mean <= volts[high]: halved to two neighbours, then a straight line.
        """
        volts = self._volts
        while high - low > 1:
            middle = (low + high) >> 1
            if volts[middle] < mean:
                low = middle
            else:
                high = middle
        before_us = self._ticks_diff(self._stamps[low], self._stamps[0])
        step_us = self._ticks_diff(self._stamps[high], self._stamps[low])
        return before_us + step_us * (mean - volts[low]) // (volts[high] - volts[low])

    def _product_sum(self, window, volts_mean, amps_mean):
        """Return the sum of voltage times current over window/256 pairs, in (64 uV)^2.

        Current is read half a pair after voltage, and so is multiplied by the mean of the
        voltages before and after it. The sum is kept in two halves: one product fits a 31-bit
        small integer, hundreds of them would not.
        """
        volts = self._volts
        amps = self._amps
        low = high = 0
        before = volts[0] - volts_mean
        for k in range(window >> 8):
            after = volts[k + 1] - volts_mean
            product = ((before + after) >> 7) * ((amps[k] - amps_mean) >> 6)
            low += product & 0xFFFF
            high += product >> 16
            before = after
        k = window >> 8
        after = volts[k + 1] - volts_mean
        part = ((before + after) >> 7) * ((amps[k] - amps_mean) >> 6) * (window & 0xFF) >> 8
        return (high << 16) + low + part


def _rms(samples, count, mean):
    """Return the RMS deviation from `mean` (uV) of every fourth of the first `count` samples."""
    total = 0
    for k in range(0, count, 4):
        deviation = (samples[k] - mean) >> 8
        total += deviation * deviation
    return _square_root((total << 16) // ((count + 3) >> 2))


def _square_root(number):
    """Return the integer square root (Newton)."""
    if number == 0:
        return 0
    root = 1 << 21  # above the root of any square of microvolts at the pin
    while True:
        better = (root + number // root) >> 1
        if better >= root:
            return root
        root = better
