"""The customer's side of a disclosure: questions answered, weighed beside all that was told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wattseal.errors import Refused
from wattseal.p256 import N

from wattseal_host.customer.limits_told import confined_by, limits_of
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Disclosed, Releases
from wattseal_host.customer.shares import Columns
from wattseal_host.customer.spy import FUSE_KW, Finding, Limit, Row, Slot, examine_bill, in_words
from wattseal_host.disclosure.check import CERTIFIED, check, compile_all, instance_of
from wattseal_host.disclosure.circuit import Records, answer
from wattseal_host.disclosure.document import Answer, Disclosure
from wattseal_host.disclosure.query import Function, Query, parse
from wattseal_host.documents import open_enrolment
from wattseal_host.proof import prove
from wattseal_host.proven_bill import bits_for
from wattseal_host.stretch import Stretch
from wattseal_host.tariff.zone import Zone
from wattseal_host.trust import Trust

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Made:
    """disclosure and data: what goes to the recipient; findings: what becomes derivable; releases:
    the list with it, to be saved before it leaves."""

    disclosure: Disclosure
    data: bytes
    findings: tuple[Finding, ...]
    releases: Releases


@dataclass(frozen=True)
class Question:
    """What would be told, before it is: answers, and what becomes derivable from them."""

    answers: tuple[Answer, ...]
    told: tuple[tuple[str, Told], ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Told:
    """A row an answer is held to tell, and the limits it sets to every reading with a weight in
    it; None where there is none."""

    row: Row
    least: int | None = None
    most: int | None = None

    def also(self, other: Told) -> Told:
        """Of the same row."""
        leasts = [one for one in (self.least, other.least) if one is not None]
        mosts = [one for one in (self.most, other.most) if one is not None]
        return Told(self.row, max(leasts, default=None), min(mosts, default=None))


def ask(
    texts: Sequence[str],
    columns: Columns,
    channels: Sequence[str],
    limit: Limit,
    releases: Releases,
) -> Question:
    """Answer questions at home. Raises Malformed `query-…`, Refused `query-…`."""
    values = [value for column in columns.values.values() for value in column]
    scene = Records(columns.spans, channels, bits_for(values), columns.values)
    queries = [parse(text) for text in texts]
    answers = tuple(Answer(query, answer(query, scene)) for query in queries)
    told = [(query.text, one) for query in queries for one in told_rows(query, scene, columns)]
    all_rows = [one.row for _, one in told]
    # What is told now holds at the same time, and beside what was told before.
    now = Releases(b"", tuple(_listed("", text, 0, one, ()) for text, one in told)).known()
    before = releases.known()
    findings = confined_by(now, before, dict(columns.spans), limit)
    both = {at: _both(now.get(at), before.get(at)) for at in {**before, **now}}
    findings = [
        finding
        for row in all_rows
        for finding in examine_bill(
            row, [], limit, _readings_of(row, columns), [*all_rows, *releases.rows()], both
        )
    ] + findings
    return Question(answers, tuple(told), tuple(dict.fromkeys(findings)))


def make_disclosure(
    texts: Sequence[str],
    stretch: Stretch,
    opener: Opener,
    enrolment: str,
    trust: Trust,
    releases: Releases,
    recipient: str,
    purpose: str,
    *,
    fuse_kw: Fraction = FUSE_KW,
    consent: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Answer questions about exactly `stretch` for a recipient, certified.

    Refused by the first finding's code unless `consent`; checked by the verifier before it leaves.
    """
    enrolled, signed = open_enrolment(enrolment, trust.providers)
    openings = opener.open_stretch(stretch)
    columns = Columns.of(stretch.records, openings, enrolled.channels)
    limit = Limit.of_fuse(fuse_kw, enrolled.unit.exponent).raised_to(
        (opening.value, opening.length_s) for opening in openings
    )
    question = ask(texts, columns, enrolled.channels, limit, releases)
    if question.findings and not consent:
        first = question.findings[0]
        raise Refused(first.code, "; ".join(dict.fromkeys(map(in_utc, question.findings))))
    values = [value for column in columns.values.values() for value in column]
    scene = Records(columns.spans, enrolled.channels, bits_for(values), columns.values)
    queries = [one.query for one in question.answers]
    compiled = compile_all(queries, scene, [one.value for one in question.answers])
    last = stretch.records[-1]
    bare = Disclosure(
        signed.token, recipient, purpose, int(time.time()), stretch.records[0].previous,
        tuple(record.body for record in stretch.records), b"".join(stretch.hints),
        last.signature or b"", question.answers, scene.bits, b"",
    )  # fmt: skip
    points = stretch.commitments()
    names = list(enrolled.channels)
    by_name = {name: points[i :: len(names)] for i, name in enumerate(names)}
    instance = instance_of(compiled, bare, stretch.records, by_name)
    blindings = [
        sum(columns.blindings[source.channel][place] for place in source.places) % N
        for source in compiled.sources
    ]
    assert compiled.assignment is not None
    proof = prove(instance, compiled.assignment, blindings, progress)
    made = Disclosure(**{**vars(bare), "proof": proof})
    data = made.write()
    verdict = check(data, trust)
    if verdict.code != CERTIFIED:
        raise Refused(verdict.code, verdict.detail)
    listed = releases
    codes = tuple(dict.fromkeys(finding.code for finding in question.findings))
    said = {one.query.text: one.value for one in question.answers}
    for text, one in question.told:
        listed = listed.with_release(_listed(recipient, text, said[text], one, codes))
    return Made(made, data, question.findings, listed)


def told_rows(query: Query, records: Records, columns: Columns) -> list[Told]:
    """A question of sums tells one row of weights, exactly; where they have several factors each
    sum counts as told too, for a large factor sets it apart. Of each other function it is held to
    tell the sum of the readings it looks at, and of a comparison both its sides: more than they
    do, but for the limits they set to single readings (`limits_of`)."""
    channels = list(records.channels)
    found: list[Told] = []
    if not query.comparison and all(one.name == "sum" for one in query.functions):
        weights: dict[tuple[int, int], int] = {}
        for factor, function in query.left.terms:
            for place in records.places(function):
                key = (place, channels.index(function.window.channel))
                weights[key] = weights.get(key, 0) + factor
        found = [Told(_row(weights, columns, len(channels)))]
        if len({abs(factor) for factor, _ in query.left.terms}) == 1:
            return found
    for function in query.functions:
        one = _looked_at(function, records, columns, channels)
        same = [at for at, told in enumerate(found) if told.row == one.row]
        if same:
            found[same[0]] = found[same[0]].also(one)
        else:
            found.append(one)
    return found


def _listed(
    recipient: str, text: str, answer: int, told: Told, codes: tuple[str, ...]
) -> Disclosed:
    return Disclosed(recipient, text, answer, told.row, codes, told.least, told.most)


def _both(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int]:
    """What holds by two limits of a reading, of which at least one is there."""
    some = [limits for limits in (one, other) if limits is not None]
    return max(low for low, _ in some), min(high for _, high in some)


def _looked_at(function: Function, records: Records, columns: Columns, channels: list[str]) -> Told:
    channel = function.window.channel
    places = records.places(function)
    weights = {(place, channels.index(channel)): 1 for place in places}
    values = [columns.values[channel][place] for place in places]
    return Told(_row(weights, columns, len(channels)), *limits_of(function, values))


def _row(weights: dict[tuple[int, int], int], columns: Columns, channels: int) -> Row:
    """The row over the records it has weights in, and those between."""
    places = [place for place, _ in weights]
    low, high = min(places), max(places)
    slots = []
    fee = 0
    names = list(columns.values)
    for place in range(low, high + 1):
        start_s, end_s = columns.spans[place]
        row = tuple(weights.get((place, channel), 0) for channel in range(channels))
        fee += sum(w * columns.values[names[i]][place] for i, w in enumerate(row))
        slots.append(Slot(start_s, end_s - start_s, row))
    return Row(tuple(slots), fee)


def _readings_of(row: Row, columns: Columns) -> list[int]:
    """In the order of the row's weights, which may begin and end within the stretch."""
    first = [start_s for start_s, _ in columns.spans].index(row.from_s)
    places = range(first, first + len(row.slots))
    return [column[place] for place in places for column in columns.values.values()]


def in_utc(finding: Finding) -> str:
    """A finding in words, its slots in UTC."""
    return in_words(finding, Zone("UTC", ((0, 0),)))
