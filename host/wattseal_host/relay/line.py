"""One meter's utility port, shared: one master at a time, opened anew after it broke."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

from wattseal.errors import Malformed, Misuse, Refused, WattsealError
from wattseal.record import Record, decode_sealed

from wattseal_host.collect.registers import MeterStatus
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger

MAX_KEPT = 40_000  # sealed records, of a quarter of a kilobyte each
MAX_SPAN = 60_000
PATIENCE_S = 10.0
RECORDS_AT_ONCE = 64  # of one question to the relay
AT_ONCE = 8  # records: about a second at 19,200 baud
_SEQ_AT = slice(26, 30)
_BROKEN = ("port-missing", "port-silent", "port-answer")
_T = TypeVar("_T")


class Port(Protocol):
    """What the relay asks of a meter; `collect.utility.UtilityPort` is one."""

    def __enter__(self) -> Any: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def identity(self) -> Enrolment: ...

    def status(self) -> MeterStatus: ...

    def record(self, seq: int) -> bytes: ...

    def mail(self, kind: int, message: bytes) -> None: ...

    def mailbox_bytes(self) -> bytes: ...

    def export_chunk(self, number: int) -> bytes: ...


class Line:
    """All methods may be called by any thread. Refused `relay-busy` where others kept the line
    for `patience_s`, `meter-busy` where the meter has another request in hand, `relay-meter` where
    a `meter` is named and another is on the line; PortError `port-missing` or `port-silent` for a
    meter that is unplugged."""

    def __init__(
        self,
        open_port: Callable[[], Port],
        patience_s: float = PATIENCE_S,
        ledger: Path | None = None,
    ) -> None:
        """ledger: where records are looked for before the meter is asked for them."""
        self._open_port, self._patience_s, self._ledger = open_port, patience_s, ledger
        self._lock = threading.Lock()
        self._port: Port | None = None
        self._identity: Enrolment | None = None
        self._kept_of = b""
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def close(self) -> None:
        with self._lock:
            self._drop()

    @property
    def meter(self) -> bytes | None:
        """The id of the meter on this line; None while the line is not open."""
        identity = self._identity
        return None if identity is None else identity.meter

    def identity(self) -> Enrolment:
        """Asked once, and again whenever the line broke: another meter may be on it."""
        return self._asking(lambda port: self._known(port))

    def status(self, meter: bytes | None = None) -> tuple[MeterStatus, int]:
        """And the end of the newest record, 0 before the first."""
        return self._asking(self._status, meter)

    def mail(self, kind: int, message: bytes, meter: bytes | None = None) -> None:
        self._asking(lambda port: port.mail(kind, message), meter)

    def mailbox(self, meter: bytes | None = None) -> bytes:
        return self._asking(lambda port: port.mailbox_bytes(), meter)

    def chunk(self, number: int, meter: bytes | None = None) -> bytes:
        return self._asking(lambda port: port.export_chunk(number), meter)

    def records(self, first: int, count: int, meter: bytes | None = None) -> list[bytes]:
        """Sealed records, unverified; fewer where the log ends. The line is let go in between."""
        found: list[bytes] = []
        for at in range(first, first + count, AT_ONCE):
            wanted = min(AT_ONCE, first + count - at)
            found += self._asking(partial(self._records, first=at, count=wanted), meter)
        return found

    def span(self, from_s: int, to_s: int, meter: bytes | None = None) -> tuple[int, int]:
        """(first sequence number, count) of the records that begin in the period, with those at
        its edges that make it whole; count 0: none."""
        return self._asking(lambda port: self._span(port, from_s, to_s), meter)

    def _status(self, port: Port) -> tuple[MeterStatus, int]:
        status = port.status()
        if status.next_seq == status.oldest_seq:
            return status, 0
        return status, self._decoded(port, status.next_seq - 1).end_s

    def _span(self, port: Port, from_s: int, to_s: int) -> tuple[int, int]:
        status = port.status()
        first = self._search(port, status, from_s)
        last = self._search(port, status, to_s)
        if last - first > MAX_SPAN:
            raise Misuse("relay-span", f"over {MAX_SPAN} records")
        return first, last - first

    def _search(self, port: Port, status: MeterStatus, at_s: int) -> int:
        """The first record that begins at `at_s` or later."""
        low, high = status.oldest_seq, status.next_seq
        while low < high:
            middle = (low + high) // 2
            if self._decoded(port, middle).start_s < at_s:
                low = middle + 1
            else:
                high = middle
        return low

    def _decoded(self, port: Port, seq: int) -> Record:
        try:
            return decode_sealed(self._record(port, seq))
        except Malformed as error:
            raise PortError("port-answer", f"record {seq}") from error

    def _records(self, port: Port, first: int, count: int) -> list[bytes]:
        status = port.status()
        end = min(first + count, status.next_seq)
        self._look_up(self._known(port).meter, range(first, end))
        return [self._record(port, seq) for seq in range(max(first, status.oldest_seq), end)]

    def _look_up(self, meter: bytes, wanted: range) -> None:
        """What the ledger has of the records, and nothing where it cannot be read."""
        missing = [seq for seq in wanted if seq not in self._kept]
        if self._ledger is None or not missing:
            return
        with suppress(WattsealError), Ledger.existing(self._ledger) as ledger:
            for seq in missing:
                data = ledger.sealed_at(meter, seq)
                if data is not None:
                    self._keep(seq, data)

    def _keep(self, seq: int, data: bytes) -> None:
        self._kept[seq] = data
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def _record(self, port: Port, seq: int) -> bytes:
        """An answer that comes late is taken for the next one's: ask once more."""
        kept = self._kept.get(seq)
        if kept is not None:
            return kept
        for _ in range(2):
            data = port.record(seq)
            if data[_SEQ_AT] == seq.to_bytes(4, "big"):
                self._keep(seq, data)
                return data
        raise PortError("port-answer", f"record {seq}")

    def _known(self, port: Port) -> Enrolment:
        if self._identity is None:
            self._identity = port.identity()
        return self._identity

    def _asking(self, ask: Callable[[Port], _T], meter: bytes | None = None) -> _T:
        if not self._lock.acquire(timeout=self._patience_s):
            raise Refused("relay-busy")
        try:
            if self._port is None:
                port = self._open_port()
                self._port = port.__enter__()
                found = self._known(self._port).meter
                if found != self._kept_of:
                    self._kept.clear()
                    self._kept_of = found
            if meter is not None and self._known(self._port).meter != meter:
                raise Refused("relay-meter")
            return ask(self._port)
        except PortError as error:
            if error.code in _BROKEN:
                self._drop()
            elif error.code == "port-busy":
                raise Refused("meter-busy") from error
            raise
        finally:
            self._lock.release()

    def _drop(self) -> None:
        port, self._port = self._port, None
        self._identity = None
        if port is not None:
            with suppress(OSError):
                port.__exit__(None, None, None)
