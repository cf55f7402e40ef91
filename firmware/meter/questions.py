"""Questions at the customer's port that are rarely asked. Loaded for one (see `once`)."""

from micropython import const
from wattseal.errors import Refused
from wattseal.p256 import encode_scalar
from wattseal.record import decode_body

from meter.customer_port import hex_of, json_of, present

_SHARE_BYTES = const(65)
_MEASUREMENT = (
    '#measurement {{"power_mw":{},"reactive_mvar":{},"apparent_mva":{},"voltage_mv":{},'
    '"current_ma":{},"mains_mhz":{},"flags":{},"import_uj":{},"export_uj":{},"calibrated":{},'
    '"voltage_uv_per_step":{},"current_ua_per_step":{},"bursts":{},"sum_power_mw":{},'
    '"sum_reactive_mvar":{},"sum_voltage_mv":{},"sum_current_ma":{}}}'
)
_SHARE = '#pair {{"meter":"{}","key":"{}","share":"{}"}}'
_PAIR = '#pair {{"epoch":{},"confirmation":"{}","random":"{}"}}'


def measurement(metering):
    """Return the answer to ?measurement."""
    sensor = metering.sensor
    energy = metering.energy
    calibration = sensor.calibration
    return _MEASUREMENT.format(
        sensor.power_mw, sensor.reactive_mvar, sensor.apparent_mva, sensor.voltage_mv,
        sensor.current_ma, sensor.mains_mhz, sensor.flags, energy.import_uj, energy.export_uj,
        json_of(calibration.present), calibration.voltage_uv_per_step, calibration.points[0][1],
        *sensor.totals,
    )


async def pair(words, public, pairing, line):
    """Answer ?pair by the coroutine `line`."""
    values = [hex_of(word, _SHARE_BYTES if len(words) == 2 else 32) for word in words[1:]]
    if public.events.closed:
        raise Refused("chain-ended")  # no epoch begins any more
    if len(words) == 2:
        share = await pairing.answer(values[0])
        await line(_SHARE.format(public.meter.hex(), public.key.hex(), share.hex()))
    else:
        epoch, confirmation, random = pairing.confirm(*values)
        await line(_PAIR.format(epoch, confirmation.hex(), random.hex()))


async def list_openings(first, count, log, keys, openings, line):
    """Answer ?openings by the coroutine `line`."""
    end = min(first + count, log.count)
    for seq in range(first, end):
        record = decode_body(present(log.body(seq)))
        if record.epoch != keys.epoch:
            raise Refused("opening-other-epoch")
        # All of a record at once: between two lines the epoch may change.
        lines = []
        for channel in range(len(record.channels)):
            value, flags = openings.reading(record, channel)
            blinding = encode_scalar(openings.blinding(record.boot, seq, channel))
            lines.append(f"#opening {seq} {channel} {value} {flags} {blinding.hex()}")
        for text in lines:
            await line(text)
    await line(f"#end {max(first, end)}")
