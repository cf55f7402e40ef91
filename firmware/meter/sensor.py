"""Voltage, current and power, from bursts of samples over whole mains cycles.

The samples are the converter's own steps: read_uv() rounds to whole millivolts, which bends the
scale at small currents, and its characteristic is the SDK's business. Sums over a burst are kept
in integers that fit the 31 bits of a small integer, so a burst makes next to no garbage and gives
the same result on every machine. The arrays are made once.
"""

from array import array

from micropython import const
from wattseal.hashing import sha256
from wattseal.record import SATURATED, SENSOR_MISSING

from meter.roots import square_root

_CAPACITY = const(820)  # sample pairs; six cycles at 50 Hz, 200 us a pair, and a quarter cycle
_LONGEST = const(640)  # pairs of a burst
_FACTORY_PAIRS = const(500)  # about whole cycles of 50 and of 60 Hz
_SPARE_PERCENT = const(103)  # sample a little longer than the cycles take: mains run slow
_FIRST_PAIR_US = const(200)
_PROBES_PER_CYCLE = const(16)
_LEAST_SWING = const(124)  # steps, peak to peak; less is no mains voltage at the pin
_PERIOD_LOW_US = const(15_000)  # 66 Hz
_PERIOD_HIGH_US = const(22_500)  # 44 Hz
_HALF_PI_PPM = const(1_570_796)
_HALF_PI_SQUARED_PPM = const(4_934_802)
_CT_ONLY_START_MW = const(25_000)  # noise alone reads as some hundredths of an ampere


class Sensor:
    """A voltage and a current input, read in turn.

    read_voltage, read_current: convert once, return steps (0 to 4095). time: the module, for
    `ticks_us` and `ticks_diff`. calibration: a `Calibration`. straight: (lowest, highest) step of
    the converter's straight part. After `measure`:

    power_mw       real power, import positive; 0 while its running mean is below the starting
                   power, since noise has a mean and no end
    reactive_mvar  reactive power, positive where the current lags (inductive import)
    apparent_mva   product of the RMS values
    voltage_mv     RMS of the mains voltage
    current_ma     RMS of the current
    mains_mhz      mains frequency in millihertz
    flags          SATURATED if a sample left the straight part of the converter, SENSOR_MISSING
                   without mains voltage (all the others are then 0: the meter never estimates)
    totals         sums over all bursts since boot: their number, power (small ones too), reactive
                   power, voltage, current

    Without a voltage sensor (`settings.voltage_sensor` 0) the voltage is not measured: power is
    RMS current times the nominal voltage, always import, and SENSOR_MISSING is set always.
    """

    def __init__(self, read_voltage, read_current, time, settings, calibration, straight):
        self._read_voltage = read_voltage
        self._read_current = read_current
        self._ticks_us = time.ticks_us
        self._ticks_diff = time.ticks_diff
        self._cycles = settings.mains_cycles
        self._span_us = settings.mains_cycles * 1_000_000 // settings.mains_hz
        self._nominal_mv = 0 if settings.voltage_sensor else settings.nominal_mv
        self._start_mw = settings.start_mw
        self._stop_mw = self._start_mw >> 1
        if self._nominal_mv:
            # What a clamp alone shows of no load at all is never negative, and would go on.
            self._start_mw = self._stop_mw = max(self._start_mw, _CT_ONLY_START_MW)
        self.calibration = calibration
        self._lowest, self._highest = straight
        self._stamps = array("i", bytes(_CAPACITY))  # of every fourth pair
        self._volts = array("H", bytes(2 * _CAPACITY))
        self._amps = array("H", bytes(2 * _CAPACITY))
        self.totals = [0, 0, 0, 0, 0]
        self._running_mw = 0  # mean power of about the last eight bursts
        self._counts = False
        self._plan(_FIRST_PAIR_US)
        self._clear(0)

    def _clear(self, flags):
        self.power_mw = 0
        self.reactive_mvar = 0
        self.apparent_mva = 0
        self.voltage_mv = 0
        self.current_ma = 0
        self.mains_mhz = 0
        self.flags = flags

    def _plan(self, pair_us):
        """Choose how many pairs the next burst takes, from the time one took in this."""
        pairs = self._span_us * _SPARE_PERCENT // (100 * max(1, pair_us)) + 4
        self._pairs = min(pairs & ~3, _LONGEST)

    def measure(self):
        """Take one burst (blocking, about the time of the mains cycles) and evaluate it."""
        self._sample(self._pairs + 4, self._read_voltage, self._read_current)
        self._evaluate(self._pairs)

    def noise(self):
        """Return 32 bytes hashed from a burst: the converter's last bits and the time they took.

        Of the voltage alone, so that no key depends on consumption. To be mixed with better
        randomness, never to replace it.
        """
        self._sample(_LONGEST, self._read_voltage, self._read_current)
        return sha256(self._stamps, self._volts)

    def factory_nv_per_step(self, read_voltage_uv):
        """Return nanovolts a step by the chip's factory calibration, 0 without mains voltage.

        For a meter that was never calibrated. The voltage is read both ways in turn, and the two
        swings compared: both see the same wave, a conversion apart.
        """
        self._sample(_FACTORY_PAIRS, self._read_voltage, lambda: read_voltage_uv() // 1000)
        swing = _swing(self._volts, _FACTORY_PAIRS)
        if swing < _FACTORY_PAIRS * _LEAST_SWING // 2:
            return 0
        return _swing(self._amps, _FACTORY_PAIRS) * 1_000_000 // swing

    def _sample(self, count, read_voltage, read_current):
        """Take `count` pairs, a multiple of four."""
        stamps = self._stamps
        volts = self._volts
        amps = self._amps
        ticks_us = self._ticks_us
        for k in range(0, count, 4):
            stamps[k >> 2] = ticks_us()
            volts[k] = read_voltage()
            amps[k] = read_current()
            volts[k + 1] = read_voltage()
            amps[k + 1] = read_current()
            volts[k + 2] = read_voltage()
            amps[k + 2] = read_current()
            volts[k + 3] = read_voltage()
            amps[k + 3] = read_current()

    def _at_us(self, pair):
        """Return when a pair was read, from the first one on."""
        stamps = self._stamps
        before = stamps[pair >> 2]
        past_us = self._ticks_diff(before, stamps[0])
        if pair & 3:
            past_us += self._ticks_diff(stamps[(pair >> 2) + 1], before) * (pair & 3) >> 2
        return past_us

    def _evaluate(self, pairs):
        volts = memoryview(self._volts)[:pairs]
        amps = memoryview(self._amps)[:pairs]
        total_us = self._at_us(pairs)
        self._plan(total_us // pairs)
        low = min(amps)
        high = max(amps)
        if self._nominal_mv:
            self._evaluate_current(min(self._span_us * pairs // total_us, pairs))
        else:
            swing_low = min(volts)
            swing_high = max(volts)
            span_us, periods = self._periods(sum(volts) // pairs, pairs)
            if (
                swing_high - swing_low < _LEAST_SWING
                or not periods
                or not _PERIOD_LOW_US * periods <= span_us <= _PERIOD_HIGH_US * periods
            ):
                self._clear(SENSOR_MISSING)
                self._running_mw = 0
                self._counts = False
                return
            low = min(low, swing_low)
            high = max(high, swing_high)
            self._evaluate_both(pairs, total_us, span_us, periods)
        if low < self._lowest or high > self._highest:
            self.flags |= SATURATED
        totals = self.totals
        totals[0] += 1
        totals[1] += self.power_mw
        totals[2] += self.reactive_mvar
        totals[3] += self.voltage_mv
        totals[4] += self.current_ma
        self._running_mw += (self.power_mw - self._running_mw) >> 3
        self._counts = abs(self._running_mw) >= (
            self._stop_mw if self._counts else self._start_mw
        )
        if not self._counts:
            self.power_mw = 0

    def _evaluate_current(self, count):
        """Current alone, over the first `count` samples: a nominal whole number of cycles."""
        mean = _mean(self._amps, count << 8)
        total = 0
        for k in range(count):
            deviation = self._amps[k] - mean
            total += deviation * deviation
        rest = sum(memoryview(self._amps)[:count]) - count * mean
        steps_q16 = self.calibration.quiet((total * count - rest * rest << 32) // (count * count))
        self._clear(SENSOR_MISSING)
        ua_per_step, _ = self.calibration.current_at(steps_q16)
        self.current_ma = steps_q16 * ua_per_step // 65_536_000
        self.apparent_mva = self.power_mw = self.current_ma * self._nominal_mv // 1000

    def _evaluate_both(self, pairs, total_us, span_us, periods):
        calibration = self.calibration
        cycles = min(self._cycles, total_us * periods // span_us)
        # Pairs in those cycles, in 1/256 (the last one counts in part), and in one of them.
        window = (cycles * span_us * pairs << 8) // (periods * total_us)
        cycle_q16 = (span_us * pairs << 16) // (periods * total_us)
        # Voltage a quarter cycle later. It was read half a pair before the current beside it.
        ahead = (cycle_q16 >> 18) + 1
        for k in range(pairs + 1, (window >> 8) + ahead + 1):
            self._volts[k] = self._volts[k - (window + 128 >> 8)]
        volts_mean = _mean(self._volts, window)
        amps_mean = _mean(self._amps, window)
        volts_rest, amps_rest = _rest(self._volts, window), _rest(self._amps, window)
        volts_rest -= volts_mean * window
        amps_rest -= amps_mean * window
        volts_squared, amps_squared, product, later = self._moments(
            window, ahead, volts_mean, amps_mean
        )
        # Covariances: what the rounded means left is taken out. In 2^-20 steps squared, but RMS
        # in 2^-16 steps.
        square = window * window
        volts_q16 = square_root(
            (volts_squared * window - volts_rest * volts_rest << 32) // square
        )
        amps_q16 = calibration.quiet(
            (amps_squared * window - amps_rest * amps_rest << 32) // square
        )
        both = volts_rest * amps_rest
        real = (product * window - 2 * both << 19) // square
        quarter = (later * window - both << 20) // square
        # The mean of two samples a pair apart is short by cos(pi*pair/period), 1 - x^2/2 to 1e-7.
        short_ppm = (_HALF_PI_SQUARED_PPM << 32) // (cycle_q16 * cycle_q16)
        real = real * 1_000_000 // (1_000_000 - short_ppm)
        # The quarter cycle is one but for less than half a pair.
        past_ppm = _HALF_PI_PPM - (_HALF_PI_PPM * (4 * ahead - 2) << 16) // cycle_q16
        reactive = (real * past_ppm - quarter * 1_000_000) // (
            1_000_000 - past_ppm * past_ppm // 2_000_000
        )
        ua_per_step, lead_ppm = calibration.current_at(amps_q16)
        level_ppm = 1_000_000 - lead_ppm * lead_ppm // 2_000_000
        uv_per_step = calibration.voltage_uv_per_step
        scale = uv_per_step * ua_per_step
        self.power_mw = _scaled(real * level_ppm - reactive * lead_ppm, scale)
        self.reactive_mvar = _scaled(reactive * level_ppm + real * lead_ppm, scale)
        self.voltage_mv = volts_q16 * uv_per_step // 65_536_000
        self.current_ma = amps_q16 * ua_per_step // 65_536_000
        self.apparent_mva = volts_q16 * amps_q16 * scale // (1_000_000_000 << 32)
        self.mains_mhz = 1_000_000_000 * periods // span_us
        self.flags = 0

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
        before_us = self._at_us(low)
        step_us = self._at_us(high) - before_us
        return before_us + step_us * (mean - volts[low]) // (volts[high] - volts[low])

    def _moments(self, window, ahead, volts_mean, amps_mean):
        """Return sums over window/256 pairs, times 256, of deviations from the two means:

        voltage squared, current squared, current times the voltages before and after it, current
        times the voltage `ahead` pairs later. Current is read between two voltages, hence the two.
        """
        volts = self._volts
        amps = self._amps
        volts_squared = amps_squared = product = later = 0
        before = volts[0] - volts_mean
        last = window >> 8
        for k in range(last):
            after = volts[k + 1] - volts_mean
            amp = amps[k] - amps_mean
            volts_squared += before * before
            amps_squared += amp * amp
            product += (before + after) * amp
            later += (volts[k + ahead] - volts_mean) * amp
            before = after
        part = window & 0xFF
        amp = (amps[last] - amps_mean) * part
        return (
            (volts_squared << 8) + before * before * part,
            (amps_squared << 8) + (amps[last] - amps_mean) * amp,
            (product << 8) + (before + volts[last + 1] - volts_mean) * amp,
            (later << 8) + (volts[last + ahead] - volts_mean) * amp,
        )


def _rest(samples, window):
    """Return the sum of the first window/256 samples, times 256."""
    last = window >> 8
    return (sum(memoryview(samples)[:last]) << 8) + samples[last] * (window & 0xFF)


def _mean(samples, window):
    """Return the mean of the first window/256 samples, rounded."""
    return (_rest(samples, window) + window // 2) // window


def _swing(samples, count):
    """Return the sum of the deviations from the mean of the first `count` samples, unsigned."""
    mean = _mean(samples, count << 8)
    total = 0
    for k in range(count):
        total += abs(samples[k] - mean)
    return total


def _scaled(steps_squared, scale):
    """Return mW from 2^-20 steps squared times 10^6, where a step squared is `scale` pW."""
    return steps_squared * scale // (1_000_000_000_000_000 << 20)
