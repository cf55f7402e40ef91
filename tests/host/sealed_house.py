"""A meter in process for host tests: seals readings with the protocol package itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from wattseal import commitment, ecdsa, keytree, p256, record
from wattseal.p256 import encode_point
from wattseal_host import keys
from wattseal_host.customer.bill import Bill, make_bill
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.documents import Agreed, Contract, Enrolment
from wattseal_host.jws import Signed
from wattseal_host.provider.tariffs import time_of_use
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust
from wattseal_host.units import Unit

START_S = 1_735_689_600  # 2025-01-01T00:00:00Z
INTERVAL_S = 1800


class SealingMeter:
    """Makes a chain: `origin`, `paired`, `reading`; `sealed` holds the records' bytes."""

    def __init__(self, name: str = "meter", exponent: int = 0, channels: int = 1) -> None:
        seed = hashlib.sha256(name.encode()).digest()
        self.secret_key = int.from_bytes(seed, "big") % p256.N
        self.key: bytes = encode_point(ecdsa.public_key(self.secret_key))
        self.meter: bytes = record.meter_id(self.key)
        self.exponent = exponent
        self.channels = channels
        self.secrets = {0: hashlib.sha256(seed + b"epoch 0").digest()}
        self.epoch = 0
        self.boot = 1
        self.seq = 0
        self.previous: bytes = record.genesis(self.key)
        self.end_s = START_S
        self.sealed: list[bytes] = []
        self.values: dict[int, tuple[int, ...]] = {}

    def _seal(self, body: bytes) -> None:
        digest = record.body_digest(body)
        self.sealed.append(body + ecdsa.sign(self.secret_key, digest))
        self.previous = digest
        self.seq += 1

    def origin(self, at_s: int = START_S) -> SealingMeter:
        channel_set = (1 << self.channels) - 1
        payload = record.origin_payload(INTERVAL_S, self.exponent, channel_set, self.key)
        self.end_s = at_s
        self._event(record.ORIGIN, payload)
        return self

    def paired(self) -> SealingMeter:
        secret = hashlib.sha256(b"paired" + self.previous).digest()
        name = keytree.epoch_id(secret, self.meter, self.epoch + 1)
        self._event(record.PAIRED, record.paired_payload(self.epoch + 1, name))
        self.epoch += 1
        self.secrets[self.epoch] = secret
        return self

    def rebooted(self, cause: int = 1) -> SealingMeter:
        self.boot += 1
        return self.event(record.BOOT, bytes([cause]) + bytes(32))

    def event(self, event: int, payload: bytes) -> SealingMeter:
        self._event(event, payload)
        return self

    def _event(self, event: int, payload: bytes) -> None:
        self._seal(
            record.encode_event(
                self.meter, self.epoch, self.boot, self.seq, self.end_s, self.exponent,
                (1 << self.channels) - 1, event, payload, self.previous,
            )
        )  # fmt: skip

    def reading(
        self, *values: int, length_s: int = INTERVAL_S, flags: int = 0, hidden: int = 0
    ) -> SealingMeter:
        key = keytree.block_key(
            self.secrets[self.epoch], self.meter, self.epoch, self.seq // keytree.BLOCK_RECORDS
        )
        channels = []
        for channel, value in enumerate(values):
            place = (self.meter, self.boot, self.seq, channel)
            point = commitment.commit(value, keytree.blinding(key, *place))
            cipher = commitment.mask_reading(value, hidden, keytree.pad(key, *place))
            channels.append((encode_point(point), cipher))
        regular = length_s == INTERVAL_S and self.end_s % INTERVAL_S == 0
        self.values[self.seq] = values
        body = record.encode_reading(
            record.INTERVAL if regular else record.OUTAGE,
            self.meter, self.epoch, self.boot, self.seq, self.end_s, length_s, flags,
            self.exponent, channels, self.previous,
        )  # fmt: skip
        self.end_s += length_s
        self._seal(body)
        return self


def calendar_tariff(from_s: int, to_s: int, zone: str = "Europe/London") -> Tariff:
    return time_of_use(
        "night and day",
        currency="GBP",
        bands=[("night", "0.1255"), ("day", "0.3141"), ("peak", "-0.05")],
        switches="00:00 night, 07:00 day, 16:30 peak, 17:00 day, 23:00 night",
        weekend="00:00 night",
        zone=zone,
        from_s=from_s,
        to_s=to_s,
    )


@dataclass
class House:
    """One customer's whole case: meter, documents, trust, and the bill over the period."""

    meter: SealingMeter
    tariff: Tariff = field(default_factory=lambda: calendar_tariff(START_S, START_S + 400 * 86400))
    provider: object = field(default_factory=keys.generate_key)
    from_s: int = START_S
    to_s: int = START_S + 86400

    def __post_init__(self) -> None:
        self.public = keys.public_bytes(self.provider)
        names = ("import", "export")[: self.meter.channels]
        unit = Unit("Wh", self.meter.exponent)
        self.enrolment = Enrolment(self.meter.meter, self.meter.key, unit, INTERVAL_S, names)
        self.enrolment_jws: Signed = self.enrolment.sign(self.provider)
        self.tariff_jws: Signed = self.tariff.sign(self.provider)
        agreed = Agreed(self.tariff_jws.digest, self.tariff.from_s, self.tariff.to_s)
        self.contract = Contract("C-1", self.meter.meter, (agreed,))
        self.contract_jws: Signed = self.contract.sign(self.provider)
        self.trust = Trust((self.public,), (self.meter.key,))

    def stretch(self) -> Stretch:
        return Stretch.from_sealed(self.meter.sealed).period(self.from_s, self.to_s)

    def bill(
        self, consent: bool = False, releases: Releases | None = None, full: bool = True
    ) -> Bill:
        """Refused where the bill gives readings away, as a short one does, but with consent."""
        return make_bill(
            self.stretch(),
            Opener(self.meter.meter, self.meter.secrets),
            self.enrolment_jws.token,
            self.contract_jws.token,
            self.tariff_jws.token,
            self.trust,
            releases or Releases(self.meter.meter),
            consent=consent,
            full_resolution=full,
        )
