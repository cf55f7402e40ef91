"""A standing export, day by day: each day once, checked, until the customer withdraws it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wattseal.errors import Misuse, Refused
from wattseal.manifest import STANDING
from wattseal.record import Record

from wattseal_host.documents import Enrolment
from wattseal_host.export import sheet
from wattseal_host.export.fetch import Fetching
from wattseal_host.export.items import Checked, Opened, check, verified
from wattseal_host.export.kept import Kept
from wattseal_host.export.way import Clock, Log, Way
from wattseal_host.export.withdrawal import find
from wattseal_host.files import write_secret
from wattseal_host.keys import ECKey, public_bytes, secret_scalar
from wattseal_host.strict_json import dumps

DAY_S = 86400
MAX_DAYS = 366  # of one export
MOST_RECORDS = 50_000  # with readings, of one export
FORMS = ("json", "csv")
STATE = "collect.json"
_UNKNOWN = ("applet-unknown", "export-withdrawn")
_WITHDRAWN = "export-withdrawn"


def day_name(day_s: int) -> str:
    return datetime.fromtimestamp(day_s, UTC).date().isoformat()


@dataclass(frozen=True)
class Wanted:
    """granularity_s: of the sums, 0 for every reading; from_s: where to begin, 0 for the day
    before the first collection; forms: some of FORMS."""

    granularity_s: int
    from_s: int = 0
    forms: Sequence[str] = ("json",)

    def check(self, fetching: Fetching, key: ECKey) -> None:
        """Raises Misuse `collect-applet` for an applet or a key that gives no standing export,
        `collect-granularity` for sums that would go over midnight or that it may not ask for."""
        applet = fetching.manifest
        if applet.kind != STANDING:
            raise Misuse("collect-applet", "each of its exports wants a PIN: it is no standing one")
        if applet.recipient_key != public_bytes(key):
            raise Misuse("collect-applet", "it is for another recipient's key")
        wide, finest = self.granularity_s, applet.granularity_s
        if wide < finest or (finest and wide % finest) or (wide and DAY_S % wide):
            raise Misuse("collect-granularity", f"{wide} s with an applet of {finest} s")


class Collector:
    """One meter's days, in a folder of their own. tell: takes a line for whoever runs it."""

    def __init__(
        self,
        way: Way,
        fetching: Fetching,
        key: ECKey,
        meter: bytes,
        folder: Path,
        wanted: Wanted,
        tell: Callable[[str], None],
        clock: Clock,
    ) -> None:
        wanted.check(fetching, key)
        self.meter, self.folder = meter, folder
        self._way, self._fetching, self._secret = way, fetching, secret_scalar(key)
        self._wanted, self._tell, self._clock = wanted, tell, clock

    def collect(self, ask: bool) -> list[str]:
        """Every whole day that is sealed and not here yet; their names.

        ask: have the meter's display ask for the applet's approval where it is not approved yet.
        Raises Refused `export-withdrawn` once the customer has ended it, by a signed record, and
        ever after; `applet-unknown` while nobody has approved it; `applet-unpressed`; else what
        Fetching and `items.check` do. What was collected before an error is kept. Misuse
        `collect-running` while another process has the folder.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            kept = Kept.load(self.folder / STATE, self.meter, self._fetching.digest)
            if kept.withdrawn is not None:
                raise Refused(_WITHDRAWN, _said(kept.withdrawn))
            log, meter = self._way.log(), self._way.identity()
            if meter.meter != self.meter:
                raise Refused("relay-meter", "another meter is on this line")
            if self._wanted.granularity_s % meter.interval_s:
                raise Misuse("collect-granularity", f"this meter seals every {meter.interval_s} s")
            try:
                if ask and not kept.approved:
                    self._ask(kept, log)
                return list(self._days(kept, log, meter))
            except Refused as error:
                if error.code not in _UNKNOWN:
                    raise
                self._is_it_over(kept, log, meter)
                raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise Misuse("collect-running", str(self.folder)) from error
        finally:
            os.close(handle)

    def _save(self, kept: Kept) -> None:
        kept.save(self.folder / STATE)

    def _ask(self, kept: Kept, log: Log) -> None:
        """From here on the chain says whether it was withdrawn."""
        if not kept.seq:
            kept.seq = max(0, log.next_seq - 1)
            self._save(kept)
        self._fetching.deploy()
        kept.approved = True
        self._save(kept)

    def _days(self, kept: Kept, log: Log, meter: Enrolment) -> Iterator[str]:
        to_s = log.sealed_s // DAY_S * DAY_S
        kept.next_s = kept.next_s or self._wanted.from_s or max(0, to_s - DAY_S)
        self._reach(kept, log, to_s, meter.interval_s)
        while kept.next_s < to_s:
            again_s = kept.asked_s + self._fetching.manifest.every_s
            if kept.asked_s and self._clock.now_s() < again_s:
                raise Refused("collect-early", f"the applet allows it again {_text(again_s)}")
            days = max(1, min(MAX_DAYS, MOST_RECORDS * meter.interval_s // DAY_S))
            end_s = min(to_s, kept.next_s + days * DAY_S)
            yield from self._period(kept, meter, kept.next_s, end_s)

    def _reach(self, kept: Kept, log: Log, to_s: int, interval_s: int) -> None:
        """Days that are further back than the applet may ask are lost; the meter's clock is not
        far ahead of what it has sealed."""
        reach_s = self._fetching.manifest.reach_s
        if not reach_s:
            return
        earliest_s = -(-(log.sealed_s + 2 * interval_s - reach_s) // DAY_S) * DAY_S
        if kept.next_s < min(earliest_s, to_s):
            lost = f"{day_name(kept.next_s)} to {day_name(min(earliest_s, to_s) - 1)}"
            self._tell(f"lost: {lost}, further back than the applet may ask")
            kept.next_s, kept.previous = min(earliest_s, to_s), b""

    def _period(self, kept: Kept, meter: Enrolment, start_s: int, end_s: int) -> Iterator[str]:
        sealed = self._fetching.sealed(*self._way.span(start_s, end_s))
        opened: Sequence[Opened] = ()
        if sealed:
            records = verified(sealed, meter.key, meter.interval_s)
            if kept.previous and (records[0].seq, records[0].previous) != (kept.seq, kept.previous):
                raise Refused("chain-link", f"record {records[0].seq} does not go on where it was")
            if any(record.channels for record in records):
                try:
                    opened = self._export(meter, sealed, records, start_s, end_s).opened
                finally:
                    if self._fetching.served:  # it counts, even where its link broke
                        kept.approved, kept.asked_s = True, int(self._clock.now_s())
                        self._save(kept)
            kept.follow(records[-1])
        for day_s in range(start_s, end_s, DAY_S):
            rows = [one for one in opened if day_s <= one.start_s < day_s + DAY_S]
            self._write(day_s, meter, rows)
        kept.next_s = end_s
        self._save(kept)
        yield from (day_name(day_s) for day_s in range(start_s, end_s, DAY_S))

    def _export(
        self,
        meter: Enrolment,
        sealed: list[bytes],
        records: Sequence[Record],
        start_s: int,
        end_s: int,
    ) -> Checked:
        """Of the whole period, or of as much of it as is this customer's and still kept."""
        wide, newest = self._wanted.granularity_s, records[-1].epoch
        try:
            items = self._fetching.items(meter, start_s, end_s, wide, self._secret)
        except Refused as error:
            if error.code == "export-scope" and self._fetching.manifest.every_s:
                # A meter that was restarted may count from later than we do.
                raise Refused("collect-early", "the meter says so, or it is too much") from error
            ours = [one.start_s for one in records if one.epoch == newest and one.channels]
            later_s = -(-ours[0] // (wide or 1)) * (wide or 1) if ours else end_s
            if error.code != "export-empty" or not start_s < later_s < end_s:
                raise
            self._tell(f"nothing before {_text(later_s)}: another customer's, or kept no more")
            start_s = later_s
            items = self._fetching.items(meter, start_s, end_s, wide, self._secret)
        checked = check(items, sealed, meter.key, start_s, end_s, wide, meter.interval_s)
        checked.agrees(meter)
        return checked

    def _write(self, day_s: int, meter: Enrolment, rows: Sequence[Opened]) -> None:
        """A day that is there already was written before its process died: it stays."""
        applet = self._fetching.manifest
        for form in self._wanted.forms:
            path = self.folder / f"{day_name(day_s)}.{form}"
            if path.exists():
                continue
            if form == "json":
                origin, wide = applet.origin.decode(), self._wanted.granularity_s
                write_secret(path, dumps(sheet.document(meter, origin, rows, wide)) + b"\n")
            else:
                write_secret(path, sheet.table(meter, rows, applet.reads))

    def _is_it_over(self, kept: Kept, log: Log, meter: Enrolment) -> None:
        """Raises Refused `export-withdrawn` where the meter's chain says so; what its mailbox says
        anybody on the way can make up."""
        if log.next_seq <= kept.seq:
            return
        sealed = self._fetching.sealed(kept.seq, log.next_seq - kept.seq)
        records = verified(sealed, meter.key, meter.interval_s)
        if kept.previous and records[0].previous != kept.previous:
            raise Refused("chain-link", f"record {records[0].seq} does not go on where it was")
        kept.withdrawn = find(records, self._fetching.digest)
        if kept.withdrawn is not None:
            self._save(kept)
            raise Refused(_WITHDRAWN, _said(kept.withdrawn))


def _said(withdrawn: tuple[int, int]) -> str:
    at_s, seq = withdrawn
    return f"the customer ended it on {_text(at_s)} (record {seq} of the meter)"


def _text(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
