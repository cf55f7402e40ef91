"""Cheats with a bill over two meters: each a bundle that parses, refused by the code that names it.

Both sides cheat: the customer with records and proofs, the provider with documents it signs.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from replaced_house import BEGIN_S, END_S, SLOTS, TO_S, Replaced, new_meter, old_meter
from sealed_house import INTERVAL_S, START_S, SealingMeter
from test_bundle_bytes import at_path, places
from test_joint_bill import filed, replaced, tiers, values
from test_shaped_tariffs import FLAT, VAT, document
from wattseal import events
from wattseal.errors import Refused
from wattseal.p256 import N
from wattseal.record import CLOSED, decode_sealed
from wattseal_host import keys, strict_json, wide_message
from wattseal_host.bundle import Bundle
from wattseal_host.customer.bill import Bill, make_bill
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.joint_bundle import JointBundle
from wattseal_host.ledger import Ledger
from wattseal_host.linear import LinearProof
from wattseal_host.provider.bills import check_bill, check_message
from wattseal_host.replacement import Replacement
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust
from wattseal_host.verify import verify_bundle

OLD, NEW = values()


@pytest.fixture(scope="module")
def case() -> Replaced:
    return replaced(FLAT, tiers(), VAT)


@pytest.fixture(scope="module")
def bill(case: Replaced) -> Bill:
    return case.bill()


@pytest.fixture(scope="module")
def bundle(bill: Bill) -> JointBundle:
    assert isinstance(bill.bundle, JointBundle)
    return bill.bundle


def code_of(case: Replaced, bundle: JointBundle, trust: Trust | None = None) -> str:
    return verify_bundle(bundle.write(), trust or case.trust).code


def with_stretch(bundle: JointBundle, at: int, **changes: Any) -> JointBundle:
    stretches = list(bundle.stretches)
    stretches[at] = replace(stretches[at], **changes)
    return replace(bundle, stretches=tuple(stretches))


def with_said(bundle: JointBundle, at: int, **changes: Any) -> JointBundle:
    said = list(bundle.statement.stretches)
    said[at] = said[at]._replace(**changes)
    return replace(bundle, statement=replace(bundle.statement, stretches=tuple(said)))


def with_link(case: Replaced, bundle: JointBundle, link: Replacement) -> JointBundle:
    return replace(bundle, replacements=(link.sign(case.provider).token,))


def of_stretch(meter: SealingMeter, places: range | list[int]) -> dict[str, Any]:
    """The fields of a bundle's stretch for some of a meter's records, honestly signed."""
    picked = Stretch.from_sealed(meter.sealed).pick(places)
    return {
        "bodies": tuple(record.body for record in picked.records),
        "hints": b"".join(picked.hints),
        "signature": picked.records[-1].signature,
    }


def test_the_honest_one(case: Replaced, bundle: JointBundle) -> None:
    assert code_of(case, bundle) == "accepted"


def test_another_customers_meter(case: Replaced, bundle: JointBundle) -> None:
    """A thrifty neighbour's new meter: its records, its papers, and both."""
    thrifty = new_meter([0] * len(NEW), "thrifty")
    theirs = Replaced([case.meters[0], thrifty], case.tariffs, provider=case.provider)
    stolen = theirs.bill().bundle.stretches[1]
    trust = replace(case.trust, meters=(*case.trust.meters, thrifty.key))
    records = with_stretch(
        bundle, 1, bodies=stolen.bodies, hints=stolen.hints, signature=stolen.signature
    )
    assert code_of(case, records, trust) == "chain-meter"
    whole = replace(bundle, stretches=(bundle.stretches[0], stolen))
    assert code_of(case, whole, trust) == "replacement-meter"
    assert code_of(case, whole) == "untrusted-keys"
    other = replace(theirs.contracts[1], number="C-8").sign(case.provider).token
    linked = replace(
        whole,
        stretches=(bundle.stretches[0], replace(stolen, contract=other)),
        replacements=(theirs.links[0].token,),
    )
    assert code_of(case, linked, trust) == "contract-number"
    assert code_of(case, with_stretch(bundle, 1, contract=stolen.contract)) == "contract-meter"


@pytest.mark.parametrize("at", [0, 1])
def test_trust_in_one_of_the_meters_is_not_enough(
    case: Replaced, bundle: JointBundle, at: int
) -> None:
    trust = replace(case.trust, meters=(case.trust.meters[at],))
    verdict = verify_bundle(bundle.write(), trust)
    assert verdict.code == "untrusted-keys" and verdict.keys["provider"] in verdict.detail


def test_meters_of_two_providers(case: Replaced, bundle: JointBundle) -> None:
    other = keys.generate_key()
    public = keys.public_bytes(other)
    first, second = case.meters
    trust = Trust(
        (*case.trust.providers, public),
        case.trust.meters,
        {first.key: case.trust.providers[0], second.key: public},
    )
    theirs = case.enrolments[1].sign(other).token
    assert code_of(case, with_stretch(bundle, 1, enrolment=theirs), trust) == "untrusted-keys"


def test_documents_about_others(case: Replaced, bundle: JointBundle) -> None:
    link = Replacement.read(case.links[0].payload)
    for other in (
        replace(link, meter=bytes(16)),
        replace(link, successor=bytes(16)),
        replace(link, meter=link.successor, successor=link.meter),
    ):
        assert code_of(case, with_link(case, bundle, other)) == "replacement-meter"
    assert code_of(case, with_link(case, bundle, replace(link, last=bytes(32)))) == (
        "replacement-last"
    )
    for by_s in (-1, 1, 900):
        moved = replace(link, at_s=link.at_s + by_s)
        assert code_of(case, with_link(case, bundle, moved)) == "replacement-time"
    twice = replace(bundle, replacements=bundle.replacements * 2)
    assert code_of(case, twice) == "replacement-count"
    stranger = link.sign(keys.generate_key()).token
    assert code_of(case, replace(bundle, replacements=(stranger,))) == "untrusted-keys"


def test_a_gap_between(case: Replaced, bundle: JointBundle) -> None:
    """The dear evening before the exchange, or after it, was in no record that is shown."""
    old, new = case.meters
    count = len(old.sealed)
    for last in (count - 2, count - 3):
        cut = with_stretch(bundle, 0, **of_stretch(old, range(last + 1)))
        assert code_of(case, cut) == "stretch-open"
    for first in (1, 2, 5):
        late = with_stretch(bundle, 1, **of_stretch(new, range(first, len(new.sealed))))
        late = with_said(late, 1, before=decode_sealed(new.sealed[first]).previous)
        assert code_of(case, late) == "stretch-begin"
    inside = with_stretch(bundle, 1, **of_stretch(new, [*range(9), *range(10, len(new.sealed))]))
    assert code_of(case, inside) == "chain-sequence"
    ends = with_stretch(bundle, 1, **of_stretch(new, range(len(new.sealed) - 1)))
    assert code_of(case, ends).startswith("proof-")


def test_a_claimed_gap_that_was_not_there(case: Replaced, bundle: JointBundle) -> None:
    """The provider may say where billing begins, not where a chain ended: that the meter signed."""
    link = Replacement.read(case.links[0].payload)
    early = with_link(case, bundle, replace(link, at_s=link.at_s - 600))
    assert code_of(case, early) == "replacement-time"
    late = replace(case.contracts[1], tariffs=case.agreed(TO_S - INTERVAL_S))
    forged = with_stretch(bundle, 1, contract=late.sign(case.provider).token)
    assert code_of(case, forged) == "contract-period"
    for from_s in (TO_S - INTERVAL_S, link.at_s, 0):
        other = with_link(case, bundle, replace(link, from_s=from_s))
        assert code_of(case, other) == "stretch-begin"


@pytest.mark.parametrize(("begin_s", "count"), [(END_S - 1, len(NEW)), (START_S, SLOTS)])
def test_both_at_the_same_time(begin_s: int, count: int) -> None:
    """A new meter that was there before the old one ended would bill the same hours twice."""
    early = Replaced(
        [old_meter(OLD), new_meter((NEW * 3)[:count], begin_s=begin_s)],
        [Tariff.read(document(FLAT))],
    )
    with pytest.raises(Refused) as caught:
        early.bill(full=True)
    assert caught.value.code == "stretch-overlap"


def test_a_meter_left_out_or_twice_or_swapped(case: Replaced, bundle: JointBundle) -> None:
    first, second = bundle.stretches
    assert code_of(case, replace(bundle, stretches=(first,))) == "field-malformed"
    assert code_of(case, replace(bundle, stretches=(second, first))) == "replacement-meter"
    assert code_of(case, replace(bundle, stretches=(first, first))) == "stretch-repeated"
    both = replace(bundle, stretches=(first, second, first))
    assert code_of(case, both) == "stretch-repeated"
    middle = new_meter(NEW[:9], "middle").event(CLOSED, events.u32(1))
    third = new_meter(NEW[:9], "third", middle.end_s)
    three = Replaced([case.meters[0], middle, third], case.tariffs, provider=case.provider)
    whole = three.bill(three.stretches(to_s=third.end_s)).bundle
    assert isinstance(whole, JointBundle)
    assert code_of(three, whole) == "accepted"
    said = replace(whole.statement, stretches=whole.statement.stretches[::2])
    for links in (whole.replacements[:1], whole.replacements[1:]):
        left_out = replace(
            whole, stretches=whole.stretches[::2], replacements=links, statement=said
        )
        assert code_of(three, left_out) == "replacement-meter"
    fewer = replace(whole, statement=said)
    assert code_of(three, fewer) == "statement-stretches"


def test_a_chain_that_goes_on(case: Replaced) -> None:
    """A provider that signs a link to a meter that was never closed bills two meters at once."""
    running = SealingMeter("running").origin().paired()
    for value in OLD:
        running.reading(value)
    last = decode_sealed(running.sealed[-1])
    both = Replaced([case.meters[0], case.meters[1]], case.tariffs)
    both.meters[0] = running
    link = Replacement(running.meter, both.meters[1].meter, last.digest, last.end_s)
    with pytest.raises(Refused, match="meter-open"):
        both.__post_init__()
    both.meters[0] = case.meters[0]
    both.__post_init__()
    both.meters[0] = running
    both.enrolments[0] = replace(both.enrolments[0], meter=running.meter, key=running.key)
    both.enrolment_jws[0] = both.enrolments[0].sign(both.provider)
    both.contracts[0] = replace(both.contracts[0], meter=running.meter)
    both.trust = replace(both.trust, meters=(running.key, both.meters[1].key))
    both.links = [link.sign(both.provider)]
    whole = Stretch.from_sealed(running.sealed)
    with pytest.raises(Refused) as caught:
        both.bill([whole, Stretch.from_sealed(both.meters[1].sealed)], full=False)
    assert caught.value.code == "stretch-open"


def test_meters_that_measure_otherwise(case: Replaced, bundle: JointBundle) -> None:
    for enrolment in (
        replace(case.enrolments[1], unit=replace(case.enrolments[1].unit, exponent=1)),
        replace(case.enrolments[1], interval_s=900),
        replace(case.enrolments[1], channels=("import", "export")),
    ):
        forged = with_stretch(bundle, 1, enrolment=enrolment.sign(case.provider).token)
        assert code_of(case, forged) == "stretch-config"


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    ("field", "value"),
    [("contract", bytes(32)), ("meter", bytes(16)), ("key", bytes(33)), ("from_s", START_S + 1),
     ("to_s", TO_S + 1), ("last", bytes(32))],
)  # fmt: skip
def test_a_statement_that_says_otherwise(
    case: Replaced, bundle: JointBundle, at: int, field: str, value: object
) -> None:
    lie = with_said(bundle, at, **{field: value})
    # A proof is bound to the true statement, which is recomputed; so the lie comes to light after.
    assert code_of(case, lie) == f"statement-{field.removesuffix('_s')}"


def test_a_statement_of_other_papers(case: Replaced, bundle: JointBundle) -> None:
    said = bundle.statement
    for change, code in (
        ({"replacements": (bytes(32),)}, "statement-replacements"),
        ({"replacements": said.replacements * 2}, "statement-replacements"),
        ({"tariffs": (bytes(32),)}, "statement-tariffs"),
        ({"currency": replace(said.currency, code="CHF")}, "statement-currency"),
        ({"amount": said.amount - 1}, "proof-false"),
        ({"amount": said.amount + N}, "proof-public"),
    ):
        assert code_of(case, replace(bundle, statement=replace(said, **change))) == code
    # The first chain's beginning is the new meter's genesis: it is nobody's to say.
    for at, code in ((0, "statement-before"), (1, "statement-before")):
        assert code_of(case, with_said(bundle, at, before=bytes(32))) == code


def test_forms_of_another_version(case: Replaced, bundle: JointBundle, bill: Bill) -> None:
    """Two chains in a form for one, and the other way round."""
    value = strict_json.loads(bill.data)
    single = make_bill(
        Stretch.from_sealed(case.meters[0].sealed).period(START_S, END_S),
        Opener(case.meters[0].meter, case.meters[0].secrets),
        case.enrolment_jws[0].token,
        case.contract_jws[0].token,
        case.signed[0].token,
        case.trust,
        Releases(case.meters[0].meter),
        consent=True,
    )
    plain = strict_json.loads(single.data)

    def forged(document: dict[str, Any]) -> str:
        return verify_bundle(strict_json.dumps(document), case.trust).code

    assert forged(value) == forged(plain) == "accepted"
    assert forged({**value, "format": "wattseal-bundle/1"}) == "field-missing"
    assert forged({**value, "format": "wattseal-bundle/3"}) == "field-missing"
    assert forged({**plain, "format": "wattseal-bundle/2"}) == "field-missing"
    assert forged({**value, "statement": plain["statement"]}) == "field-missing"
    assert forged({**plain, "statement": value["statement"]}) == "field-missing"
    assert forged({**plain, "stretches": value["stretches"]}) == "field-unknown"
    assert isinstance(single.bundle, Bundle)
    two = replace(single.bundle, bodies=single.bundle.bodies + bundle.stretches[1].bodies)
    assert verify_bundle(two.write(), case.trust).code == "chain-meter"
    # The bill of the old meter alone, passed off as the proof of both.
    cheap = replace(bundle.statement, amount=single.bundle.statement.amount)
    code = code_of(case, replace(bundle, statement=cheap, proof=single.bundle.proof))
    assert code in ("proof-false", "proof-length")


def test_one_chains_fee_for_both() -> None:
    """An opened fee: the old meter's, the new one's, shifted, wrapped, and blindings exchanged."""
    case = replaced(FLAT, VAT)
    bundle = case.bill(full=True).bundle
    proof, said = bundle.proof, bundle.statement
    assert isinstance(proof, LinearProof)
    tariff, unit = case.tariffs[0], case.enrolments[0].unit
    for fee in (proof.fee - 1, proof.fee + 1, proof.fee // 2, 0):
        amount = tariff.amount(fee, unit, START_S, TO_S)
        forged = replace(
            bundle, proof=replace(proof, fee=fee), statement=replace(said, amount=amount)
        )
        assert code_of(case, forged) == "proof-false"
    for blinding in (0, (proof.blinding + 1) % N, N - proof.blinding):
        forged = replace(bundle, proof=replace(proof, blinding=blinding))
        assert code_of(case, forged) == "proof-false"
    for fee in (proof.fee + N, proof.fee - N):
        forged = replace(bundle, proof=replace(proof, fee=fee))
        assert code_of(case, forged) in ("proof-range", "field-malformed")


def test_hints_of_the_other_meter(case: Replaced, bundle: JointBundle) -> None:
    first, second = bundle.stretches
    swapped = with_stretch(with_stretch(bundle, 0, hints=second.hints), 1, hints=first.hints)
    assert code_of(case, swapped) == "hints-length"
    for at, hints in ((0, second.hints[:32] + first.hints[32:]), (1, first.hints[: len(NEW) * 32])):
        assert code_of(case, with_stretch(bundle, at, hints=hints)) == "point-hint"


def test_signatures_exchanged(case: Replaced, bundle: JointBundle) -> None:
    first, second = bundle.stretches
    for at, other in ((0, second), (1, first)):
        forged = with_stretch(bundle, at, signature=other.signature)
        assert code_of(case, forged) == "chain-signature"


def test_the_ledger_has_another_end(case: Replaced, bundle: JointBundle, tmp_path: Path) -> None:
    """The provider's ledger has not come so far, or the meter signed another end."""
    fork = old_meter([*OLD[:-1], OLD[-1] + 1])
    for name, old, count in (("short", case.meters[0], -1), ("fork", fork, len(fork.sealed))):
        with Ledger(tmp_path / f"{name}.db") as ledger:
            for meter, sealed in ((old, old.sealed[:count]), (case.meters[1], None)):
                at = 0 if sealed else 1
                ledger.add_meter(case.enrolments[at], case.enrolment_jws[at].token)
                ledger.append(meter.meter, sealed or meter.sealed, "utility")
            assert check_bill(bundle.write(), case.trust, ledger).code == "ledger-differs"


def test_messages_the_ledger_does_not_bear_out(tmp_path: Path) -> None:
    case = replaced(FLAT, VAT)
    archive = filed(case, tmp_path / "office")
    made = case.bill(full=True).bundle
    said, proof = made.statement, made.proof
    data = wide_message.write(said, proof)
    with Ledger(case.ledger(tmp_path / "ledger.db")) as ledger:
        old, new = said.stretches
        for stretches, code in (
            ((old._replace(to_s=END_S - 600), new), "period-incomplete"),
            ((old, new._replace(from_s=BEGIN_S + 300)), "stretch-begin"),
            ((old, new._replace(from_s=BEGIN_S - 60)), "period-incomplete"),
            ((old._replace(meter=new.meter), old), "replacement-unknown"),
            ((old, old), "stretch-repeated"),
        ):
            lie = wide_message.write(replace(said, stretches=stretches), proof)
            assert check_message(lie, archive, ledger).code == code, code
        link = next((tmp_path / "office/replacements").iterdir())
        link.unlink()
        assert check_message(data, archive, ledger).code == "replacement-unknown"


def test_no_character_of_any_field_is_free(case: Replaced, bill: Bill) -> None:
    """Of a bundle with an opened fee, for speed; three characters of each field."""
    data = replaced(FLAT, VAT, seed=9)
    made = data.bill(full=True).data
    tree = strict_json.loads(made)
    draw = random.Random(len(bill.data))
    for path in places(tree):
        parent, leaf = at_path(tree, path[:-1]), at_path(tree, path)
        for index in draw.sample(range(len(str(leaf))), min(3, len(str(leaf)))):
            text = str(leaf)
            other = chr(ord(text[index]) ^ 1)
            changed = text[:index] + other + text[index + 1 :]
            parent[path[-1]] = int(changed) if isinstance(leaf, int) else changed
            verdict = verify_bundle(json.dumps(tree).encode(), data.trust)
            assert not verdict.accepted and verdict.code, (path, index)
        parent[path[-1]] = leaf
    assert verify_bundle(json.dumps(tree, indent=1).encode(), data.trust).accepted
