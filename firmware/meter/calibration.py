"""The constants of this one board: found against a reference meter, kept in /calibration.json.

    {"voltage_uv_per_step": 308820, "current_noise_msteps": 1850,
     "current_points": [[250, 73240, 412], [5000, 73310, 371]]}

voltage_uv_per_step   mains voltage of one step of the converter, in microvolts
current_noise_msteps  RMS of the current input without a current, in 1/1000 step (default 0)
current_points        1 to 8 of [RMS current in mA, microamperes a step, phase in 1/1000 degree],
                      currents rising: the clamp and the converter are not quite straight. Between
                      points both are interpolated, outside of them the nearest holds. The phase
                      is by how much the current as converted leads, as against the voltage.

The file is read at boot, before anything is measured or sealed, and never written by the meter.
"""

import json

from micropython import const
from wattseal.errors import Malformed

from meter.constants import Calibration

NAME = "calibration.json"
_MOST_POINTS = const(8)
_MOST_MA = const(200_000)
_MOST_MDEG = const(10_000)
_MOST_NOISE = const(100_000)


def design(settings, nv_per_step):
    """Return the Calibration that the board's design gives, for a meter that has none of its own.

    nv_per_step: of the converter, by its factory calibration or nominally.
    """
    return Calibration(
        nv_per_step * 1_000_000 // settings.voltage_nv_per_v,
        ((0, nv_per_step * 1000 // settings.current_uv_per_a, 0),),
        0,
        False,
    )


def parse(text):
    """Return the Calibration of a JSON object (bytes or str).

    Malformed: `calibration-json`, `calibration-unknown` (a name) or `calibration-value`.
    """
    try:
        values = json.loads(text)
    except (ValueError, RuntimeError):  # RuntimeError: nested deeper than the stack
        raise Malformed("calibration-json") from None
    if not isinstance(values, dict):
        raise Malformed("calibration-json")
    voltage = _number(values.pop("voltage_uv_per_step", None), 1, 100_000_000)
    noise = _number(values.pop("current_noise_msteps", 0), 0, _MOST_NOISE)
    listed = values.pop("current_points", None)
    for name in values:
        raise Malformed("calibration-unknown", str(name))
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_POINTS:
        raise Malformed("calibration-value", "current_points")
    points = []
    least_ma = 0
    for point in listed:
        if not isinstance(point, list) or len(point) != 3:
            raise Malformed("calibration-value", "current_points")
        current_ma = _number(point[0], least_ma, _MOST_MA)
        ua_per_step = _number(point[1], 1, 100_000_000)
        points.append((current_ma, ua_per_step, _number(point[2], -_MOST_MDEG, _MOST_MDEG)))
        least_ma = current_ma + 1
    return Calibration(voltage, tuple(points), noise, True)


def _number(value, lowest, highest):
    if type(value) is not int or not lowest <= value <= highest:
        raise Malformed("calibration-value", str(value))
    return value
