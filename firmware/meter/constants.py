"""The constants in use between converter and reading (see `calibration`, where they come from)."""

from meter.roots import square_root


class Calibration:
    """Constants in use. points: tuple of (mA, uA a step, millidegrees); present: from a file."""

    def __init__(self, voltage_uv_per_step, points, noise_msteps, present):
        self.voltage_uv_per_step = voltage_uv_per_step
        self.points = points
        self.noise_msteps = noise_msteps
        self.present = present
        self._noise_q32 = (noise_msteps * noise_msteps << 32) // 1_000_000

    def quiet(self, mean_square_q32):
        """Return the RMS current in 2^-16 steps, less noise, from a mean square in 2^-32."""
        return square_root(mean_square_q32 - self._noise_q32)

    def current_at(self, steps_q16):
        """Return (microamperes a step, the current's lead in microradians) at an RMS current."""
        points = self.points
        current_ma = steps_q16 * points[0][1] // 65_536_000
        below = points[0]
        for point in points:
            if current_ma < point[0]:
                break
            below = point
        else:
            point = below
        width_ma = point[0] - below[0]
        if current_ma <= below[0] or not width_ma:
            return below[1], below[2] * 349_066 // 20_000
        into_ma = current_ma - below[0]
        return (
            below[1] + (point[1] - below[1]) * into_ma // width_ma,
            (below[2] + (point[2] - below[2]) * into_ma // width_ma) * 349_066 // 20_000,
        )
