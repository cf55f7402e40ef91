"""The file by which a customer hands readings over, of a meter in process."""

from __future__ import annotations

from sealed_house import INTERVAL_S, SealingMeter
from wattseal.record import decode_sealed
from wattseal_host.customer.openings import Opener
from wattseal_host.documents import Enrolment
from wattseal_host.portal import handed
from wattseal_host.stretch import Stretch
from wattseal_host.units import CHANNELS, Unit


def file_of(meter: SealingMeter, from_seq: int = 0) -> bytes:
    """From one of its records on."""
    sealed = meter.sealed[from_seq:]
    opened = Opener(meter.meter, meter.secrets).open_stretch(Stretch.from_sealed(sealed))
    enrolment = Enrolment(
        meter.meter, meter.key, Unit("Wh", meter.exponent), INTERVAL_S, CHANNELS[: meter.channels]
    )
    last = decode_sealed(sealed[-1]).signature
    assert last is not None
    bodies = [one[:-64] for one in sealed]
    return handed.write(enrolment, bodies, last, [(one.value, one.blinding) for one in opened])
