"""What was heard at one place, into a ledger: the rules of collecting, without a meter to ask.

A live collector asks for what the ledger lacks. A listener takes what comes: records the ledger
has are compared, the next ones are appended, and those that do not connect to it, because the
capture begins too late, are verified apart from it.
"""

from __future__ import annotations

from collections.abc import Callable

from wattseal.chain import Chain, Config
from wattseal.errors import Malformed, Refused
from wattseal.record import INTERVAL, ORIGIN, Record, decode_origin, decode_sealed, meter_id

from wattseal_host.collect.itself import MeterSelf
from wattseal_host.collect.place import Place
from wattseal_host.collect.resume import BATCH, check_progress
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger
from wattseal_host.ledger.arrival import Arrival
from wattseal_host.replay.listen import Heard, SealedHeard
from wattseal_host.units import Unit, channels_of

Found = Callable[[str, str], None]


class Intake:
    """One place's meter into `ledger`. found(code, detail) is told of every refusal.

    settle: stores what all places of the capture have pending, this one included.

    keys: public keys of meters by their id, for captures that name none. accept_new: whether an
    unknown meter at a place that had another is no refusal (`Ledger.arrive`). apart: meter -> how
    many records were verified outside of the ledger.
    """

    def __init__(
        self,
        ledger: Ledger,
        place: Place,
        keys: dict[bytes, bytes],
        found: Found,
        settle: Callable[[], None],
        accept_new: bool = False,
    ) -> None:
        self._ledger = ledger
        self._place = place
        self._keys = keys
        self._found = found
        self._settle = settle
        self._accept_new = accept_new
        self._meter: bytes | None = None
        self._next_seq = 0
        self._batch: list[bytes] = []
        self._differing: tuple[int, bytes] | None = None
        self._late: Refused | None = None
        self._newest: bytes | None = None
        self._chain: Arrival | None = None
        self._chain_seq = 0
        self.apart: dict[bytes, int] = {}

    def hear(self, item: Heard) -> None:
        if isinstance(item, PortError):
            self._found(item.code, item.detail)
        elif isinstance(item, MeterSelf):
            self._meet(item)
        elif item.seq is not None or item.data != self._newest:
            if item.seq is None:
                self._newest = item.data
            self._take(item)

    def close(self) -> None:
        """Store what is pending. A meter that signed two histories is told at the place where
        they part, and only one that did not is told to have rewound."""
        self.flush()
        differing, self._differing = self._differing, None
        late, self._late = self._late, None
        if differing is not None and self._meter is not None:
            self._append(self._meter, [differing[1]])
        elif late is not None:
            self._found(late.code, late.detail)

    def _meet(self, itself: MeterSelf) -> None:
        self.close()
        self._meter = None
        try:
            self._ledger.arrive(str(self._place), itself.configuration, self._accept_new)
        except Refused as error:
            self._found(error.code, error.detail)
            return
        self._turn_to(itself.meter)
        try:
            check_progress(self._ledger, itself)
        except Refused as error:
            self._late = error

    def _turn_to(self, meter: bytes) -> None:
        if meter != self._meter:
            self.close()
            self._meter = meter
            self._chain = None
        self._next_seq = self._ledger.next_seq(meter)

    def _take(self, item: SealedHeard) -> None:
        record = _decoded(item.data)
        if item.seq is None and record is None:
            self._found("port-answer", "a telegram holds something else than a record")
            return
        if item.seq is None and record is not None and record.meter != self._meter:
            self._meet_by(record)
        meter = self._meter
        if meter is None:
            self._found("meter-unknown", "a record of a meter whose key nobody told")
            return
        seq = item.seq if item.seq is not None else (record.seq if record else 0)
        if seq > self._next_seq and (self._chain is None or seq != self._chain_seq):
            # Another place of the same meter may have what seems to be missing.
            self._settle()
            self._next_seq = self._ledger.next_seq(meter)
        if seq < self._next_seq:
            self._compare(meter, seq, item.data)
        elif seq == self._next_seq:
            self._batch.append(item.data)
            self._next_seq += 1
            if len(self._batch) == BATCH:
                self.flush()
        else:
            self._verify_apart(meter, seq, item.data)

    def _meet_by(self, record: Record) -> None:
        """Find out whose record it is: of a meter the ledger knows, one that introduces itself
        with this record, or one whose key was given."""
        known = {meter.meter for meter in self._ledger.meters()}
        configuration = None if record.meter in known else self._configuration(record)
        if configuration is not None:
            try:
                self._ledger.arrive(str(self._place), configuration, self._accept_new)
            except Refused as error:
                self._found(error.code, error.detail)
                return
        elif record.meter not in known:
            return
        self._turn_to(record.meter)

    def _configuration(self, record: Record) -> Enrolment | None:
        """From the meter's first record; or, with its key at hand, from a regular one."""
        key, interval_s = self._keys.get(record.meter), record.length_s
        if record.event == ORIGIN:
            interval_s, _, _, key = decode_origin(record.payload)
        elif record.kind != INTERVAL:
            return None
        if key is None or meter_id(key) != record.meter:
            return None
        unit = Unit("Wh", record.exponent)
        channels = channels_of(record.channel_set)
        try:
            return Enrolment.read(Enrolment(record.meter, key, unit, interval_s, channels).write())
        except Malformed:
            return None

    def _compare(self, meter: bytes, seq: int, data: bytes) -> None:
        """Remember the earliest record that is another than the ledger's."""
        self.flush()
        held = self._ledger.sealed_at(meter, seq)
        earliest = self._differing is None or seq < self._differing[0]
        if held is not None and held != data and earliest:
            self._differing = (seq, data)

    def flush(self) -> None:
        """Store the records that are pending."""
        batch, self._batch = self._batch, []
        if batch and self._meter is not None:
            self._append(self._meter, batch)
            self._next_seq = self._ledger.next_seq(self._meter)

    def _append(self, meter: bytes, sealed: list[bytes]) -> None:
        try:
            self._ledger.append(meter, sealed, self._place.kind)
        except (Malformed, Refused) as error:
            self._found(error.code, error.detail)

    def _verify_apart(self, meter: bytes, seq: int, data: bytes) -> None:
        """A record after a gap: nothing for the ledger, but signed and complete in itself."""
        self.flush()
        try:
            if self._chain is None or seq != self._chain_seq:
                self._found("log-gap", f"nothing between record {self._next_seq} and {seq}")
                self._chain = self._chain_before(meter, data)
            self._chain.take(data)
        except (Malformed, Refused) as error:
            self._chain = None
            self._found(error.code, error.detail)
            return
        self._chain_seq = seq + 1
        self.apart[meter] = self.apart.get(meter, 0) + 1

    def _chain_before(self, meter: bytes, data: bytes) -> Arrival:
        (known,) = (one for one in self._ledger.meters() if one.meter == meter)
        config = Config(known.interval_s, known.unit.exponent, known.channel_set)
        return Arrival(Chain(known.key, config, previous=decode_sealed(data).previous))


def _decoded(data: bytes) -> Record | None:
    try:
        return decode_sealed(data)
    except Malformed:
        return None
