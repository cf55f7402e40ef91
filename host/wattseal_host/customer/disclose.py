"""The customer's side of a disclosure: questions answered, weighed beside all that was told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wattseal.errors import Refused
from wattseal.p256 import N

from wattseal_host.customer.limits_told import limits_told
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
    rows: tuple[tuple[str, Row], ...]
    findings: tuple[Finding, ...]


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
    rows = tuple((query.text, row) for query in queries for row in told_rows(query, scene, columns))
    all_rows = [row for _, row in rows]
    findings = [
        finding
        for row in all_rows
        for finding in examine_bill(
            row, [], limit, _readings_of(row, columns), [*all_rows, *releases.rows()]
        )
    ]
    for query in queries:
        findings += limits_told(query, scene, columns, limit)
    return Question(answers, rows, tuple(dict.fromkeys(findings)))


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
    for text, row in question.rows:
        listed = listed.with_release(Disclosed(recipient, text, said[text], row, codes))
    return Made(made, data, question.findings, listed)


def told_rows(query: Query, records: Records, columns: Columns) -> list[Row]:
    """A question of sums tells one row of weights, exactly; where they have several factors each
    sum counts as told too, for a large factor sets it apart. Of each other function it is held to
    tell the sum of the readings it looks at, and of a comparison both its sides: more than they
    do, but for the limits they set to single readings (`limits_told`)."""
    channels = list(records.channels)
    if not query.comparison and all(one.name == "sum" for one in query.functions):
        weights: dict[tuple[int, int], int] = {}
        for factor, function in query.left.terms:
            for place in records.places(function):
                key = (place, channels.index(function.window.channel))
                weights[key] = weights.get(key, 0) + factor
        rows = [_row(weights, columns, len(channels))]
        if len({abs(factor) for factor, _ in query.left.terms}) == 1:
            return rows
    else:
        rows = []
    for function in query.functions:
        row = _looked_at(function, records, columns, channels)
        if row not in rows:
            rows.append(row)
    return rows


def _looked_at(function: Function, records: Records, columns: Columns, channels: list[str]) -> Row:
    at = channels.index(function.window.channel)
    weights = {(place, at): 1 for place in records.places(function)}
    return _row(weights, columns, len(channels))


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
