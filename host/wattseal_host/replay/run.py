"""Replay of a capture file into a ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from wattseal.record import meter_id

from wattseal_host.collect.capture import (
    CHUNK_BYTES,
    Chunk,
    container_chunks,
    is_container,
    open_capture,
    raw_chunks,
)
from wattseal_host.collect.place import Place
from wattseal_host.errors import PortError, Unusable
from wattseal_host.ledger import Ledger
from wattseal_host.replay.intake import Intake
from wattseal_host.replay.listen import LISTENERS, Heard, Listener, guess_kind
from wattseal_host.trust import Trust

ACCEPTED, NOTHING = "accepted", "nothing-heard"
MAX_FINDINGS = 1000
UNNAMED = "capture"
_GUESS_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """A refusal on the way, at one place; code and detail as collecting would raise it."""

    place: Place
    code: str
    detail: str


@dataclass
class Outcome:
    """places: what was heard at each, by name; meters: id -> records that were new; apart: id ->
    records that verify but do not connect to the ledger; findings: at most MAX_FINDINGS; heard:
    whether any meter named itself or gave a record."""

    places: list[tuple[Place, dict[str, int]]] = field(default_factory=list)
    meters: dict[bytes, int] = field(default_factory=dict)
    apart: dict[bytes, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    heard: bool = False

    @property
    def verdict(self) -> str:
        """ "accepted", the code of the first finding, or "nothing-heard"."""
        if self.findings:
            return self.findings[0].code
        return ACCEPTED if self.heard else NOTHING


class CaptureClock:
    """Time as the capture has it, so that a replay notes the same times whenever it is made;
    0 where the capture has none."""

    def __init__(self) -> None:
        self.now_s = 0

    def __call__(self) -> float:
        return self.now_s


def replay(
    path: str | os.PathLike[str],
    ledger_path: str | os.PathLike[str],
    kind: str | None = None,
    trust: Trust | None = None,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> Outcome:
    """Everything in a capture into the ledger, as if it came from the ports just now.

    kind: of the port whose raw bytes the file holds; None finds out. trust: its meters' keys
    serve captures that name none. Raises Unusable (`file-*`, `capture-*`, `ledger-file`) and
    Malformed (`json-*`, `field-*`: a damaged container; what came before is in the ledger).
    """
    clock = CaptureClock()
    size = Path(path).stat().st_size if Path(path).is_file() else 0
    with open_capture(path) as file, Ledger(ledger_path, clock) as ledger:
        return replay_into(ledger, file, clock, kind, trust, lambda done: progress(done, size))


def replay_into(
    ledger: Ledger,
    file: IO[bytes],
    clock: CaptureClock,
    kind: str | None = None,
    trust: Trust | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """`replay` of an open file into an open ledger that goes by `clock`."""
    places, chunks = _open(file, kind)
    keys = trust.meters if trust else ()
    return replay_chunks(ledger, places, chunks, clock, keys, lambda: progress(file.tell()))


def replay_chunks(
    ledger: Ledger,
    places: Sequence[Place],
    chunks: Iterable[Chunk],
    clock: CaptureClock,
    meter_keys: Iterable[bytes] = (),
    progress: Callable[[], None] = lambda: None,
) -> Outcome:
    """Bytes that passed at `places`, in their order, into an open ledger that goes by `clock`.

    meter_keys: public keys that serve where the bytes name none. progress: called at every piece.
    """
    keys = {meter_id(key): key for key in meter_keys}
    outcome = Outcome()
    before = {meter.meter: ledger.next_seq(meter.meter) for meter in ledger.meters()}
    heard: list[tuple[Listener, Intake]] = []

    def settle() -> None:
        for _, intake in heard:
            intake.flush()

    def hear(intake: Intake, items: list[Heard]) -> None:
        for item in items:
            outcome.heard |= not isinstance(item, PortError)
            intake.hear(item)

    for place in places:
        found = _finder(outcome, place)
        # Raw bytes do not say of which port they are: another meter is no surprise there.
        intake = Intake(ledger, place, keys, found, settle, accept_new=place.port == UNNAMED)
        heard.append((LISTENERS[place.kind](), intake))
    try:
        for chunk in chunks:
            if chunk.at_us is not None:
                clock.now_s = chunk.at_us // 1_000_000
            listener, intake = heard[chunk.port]
            hear(intake, listener.feed(chunk.data, chunk.to))
            progress()
    finally:
        for place, (listener, intake) in zip(places, heard, strict=True):
            hear(intake, listener.close())
            intake.close()
            outcome.places.append((place, listener.counts))
            outcome.apart.update(intake.apart)
    for meter in ledger.meters():
        new = ledger.next_seq(meter.meter) - before.get(meter.meter, 0)
        if new or meter.meter not in before:
            outcome.meters[meter.meter] = new
    return outcome


def _open(file: IO[bytes], kind: str | None) -> tuple[list[Place], Iterator[Chunk]]:
    first = file.read(_GUESS_BYTES)
    if is_container(first):
        file.seek(0)
        return container_chunks(file)
    kind = kind or guess_kind(first)
    if kind is None:
        raise Unusable("capture-empty", "no telegram, reply or frame of a meter in it")
    pieces = (Chunk(first[at : at + CHUNK_BYTES]) for at in range(0, len(first), CHUNK_BYTES))
    return [Place(kind, UNNAMED)], chain(pieces, raw_chunks(file))


def _finder(outcome: Outcome, place: Place) -> Callable[[str, str], None]:
    def found(code: str, detail: str) -> None:
        finding = Finding(place, code, detail)
        if len(outcome.findings) < MAX_FINDINGS and finding not in outcome.findings[-20:]:
            outcome.findings.append(finding)

    return found
