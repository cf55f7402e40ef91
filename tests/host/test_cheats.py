"""Cheats, each a real attempt with a bundle that parses: refused by the code that names it."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Refused
from wattseal.p256 import N, P
from wattseal.record import decode_sealed
from wattseal_host.bundle import Bundle
from wattseal_host.customer.openings import Opener
from wattseal_host.jws import Signed
from wattseal_host.linear import LinearProof
from wattseal_host.provider.tariffs import flat
from wattseal_host.stretch import Stretch
from wattseal_host.trust import Trust
from wattseal_host.units import Unit
from wattseal_host.verify import verify_bundle


@pytest.fixture(scope="module")
def bundle(house: House) -> Bundle:
    return house.bill().bundle


def code_of(house: House, bundle: Bundle, trust: Trust | None = None) -> str:
    return verify_bundle(bundle.write(), trust or house.trust).code


def without(items: tuple[bytes, ...], at: int) -> tuple[bytes, ...]:
    return items[:at] + items[at + 1 :]


def test_the_honest_bundle_is_accepted(house: House, bundle: Bundle) -> None:
    verdict = verify_bundle(bundle.write(), house.trust)
    assert (verdict.accepted, verdict.code, verdict.records) == (True, "accepted", 50)
    assert Bundle.read(bundle.write()) == bundle
    names = [name for name, _ in verdict.checks]
    assert names == ["form", "documents", "records", "tariff", "proof", "statement"]


@pytest.mark.parametrize(
    ("trusted", "why"), [("none", "neither"), ("provider", "meter"), ("meter", "provider")]
)
def test_untrusted_keys_are_named(house: House, bundle: Bundle, trusted: str, why: str) -> None:
    trust = {
        "none": Trust(),
        "provider": Trust(house.trust.providers, ()),
        "meter": Trust((), house.trust.meters),
    }[trusted]
    verdict = verify_bundle(bundle.write(), trust)
    assert verdict.code == "untrusted-keys"
    assert verdict.keys["provider"] in verdict.detail
    assert verdict.keys["meter"] in verdict.detail


@pytest.mark.parametrize(("at", "code"), [(0, "chain-link"), (20, "chain-sequence")])
def test_a_record_dropped(house: House, bundle: Bundle, at: int, code: str) -> None:
    assert code_of(house, replace(bundle, bodies=without(bundle.bodies, at))) == code


def test_the_last_record_dropped(house: House, bundle: Bundle) -> None:
    shorter = replace(bundle, bodies=bundle.bodies[:-1])
    assert code_of(house, shorter) == "chain-signature"
    # With its own good signature the stretch is sound, but not the one of the proof.
    sealed = house.stretch().records[-2]
    honest_end = replace(shorter, signature=sealed.signature, hints=bundle.hints[:-32])
    assert code_of(house, honest_end) == "proof-false"


def test_a_record_doubled_or_swapped(house: House, bundle: Bundle) -> None:
    bodies = bundle.bodies
    doubled = replace(bundle, bodies=(*bodies[:9], bodies[8], *bodies[9:]))
    assert code_of(house, doubled) == "chain-sequence"
    swapped = replace(bundle, bodies=(*bodies[:8], bodies[9], bodies[8], *bodies[10:]))
    assert code_of(house, swapped) == "chain-sequence"


def test_a_reading_replaced_by_a_smaller_one(house: House, bundle: Bundle) -> None:
    body = bytearray(bundle.bodies[9])
    body[41:74] = bundle.bodies[10][41:74]
    bodies = (*bundle.bodies[:9], bytes(body), *bundle.bodies[10:])
    assert code_of(house, replace(bundle, bodies=bodies)) == "chain-link"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("from_s", START_S + INTERVAL_S, "statement-from"),
        ("to_s", START_S + 86400 + INTERVAL_S, "statement-to"),
        ("amount", 0, "statement-amount"),
        ("before", bytes(32), "statement-before"),
        ("last", bytes(32), "statement-last"),
        ("contract", bytes(32), "statement-contract"),
        ("tariffs", (bytes(32),), "statement-tariffs"),
        ("meter", bytes(16), "statement-meter"),
    ],
)
def test_a_statement_that_says_otherwise(
    house: House, bundle: Bundle, field: str, value: object, code: str
) -> None:
    said = replace(bundle.statement, **{field: value})
    assert code_of(house, replace(bundle, statement=said)) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (LinearProof(-1, 0), "proof-false"),
        (LinearProof(0, 1), "proof-false"),
        (LinearProof(-N, 0), "field-malformed"),
        (LinearProof(1 << 200, 0), "proof-range"),
        (LinearProof(-(1 << 200), 0), "proof-range"),
    ],
)
def test_a_proof_of_another_fee(
    house: House, bundle: Bundle, change: LinearProof, code: str
) -> None:
    proof = bundle.proof
    moved = LinearProof(proof.fee + change.fee, (proof.blinding + change.blinding) % N)
    amount = house.tariff.amount(moved.fee, Unit("Wh", 0), house.from_s, house.to_s)
    said = replace(bundle.statement, amount=amount)
    assert code_of(house, replace(bundle, proof=moved, statement=said)) == code


def test_another_periods_proof(house: House, bundle: Bundle) -> None:
    day = house.to_s - house.from_s
    longer = copy.deepcopy(house.meter)
    for _ in range(48):
        longer.reading(7)
    tomorrow = replace(house, meter=longer, from_s=house.to_s, to_s=house.to_s + day)
    tomorrow.contract_jws, tomorrow.tariff_jws = house.contract_jws, house.tariff_jws
    with pytest.raises(Refused, match="period-incomplete"):
        replace(tomorrow, to_s=tomorrow.to_s + 100 * day).stretch()
    theirs = tomorrow.bill().bundle
    assert code_of(house, replace(theirs, proof=bundle.proof)) == "proof-false"
    # The two bills join: the second begins with the digest the first ended with.
    assert theirs.statement.before == bundle.statement.last


def test_another_meters_records(house: House, bundle: Bundle) -> None:
    thrifty = SealingMeter("thrifty").origin().paired()
    for _ in range(48):
        thrifty.reading(0)
    other = replace(house, meter=thrifty).bill().bundle
    forged = replace(bundle, bodies=other.bodies, hints=other.hints, signature=other.signature)
    assert code_of(house, forged) == "chain-meter"
    # Another meter's whole bill is good, but not for who trusts this meter alone.
    assert code_of(house, other) == "untrusted-keys"


def test_another_tariff(house: House, bundle: Bundle) -> None:
    cheap = flat("cheap", currency="GBP", price="0.0001", from_s=START_S, to_s=START_S + 86400 * 9)
    for signer, code in ((house.provider, "contract-tariff"), (None, "untrusted-keys")):
        forged = cheap.sign(signer) if signer else House(SealingMeter().origin(), cheap).tariff_jws
        assert code_of(house, replace(bundle, tariffs=(forged.token,))) == code
    assert code_of(house, replace(bundle, tariffs=bundle.tariffs * 2)) == "contract-tariff"


def test_another_meters_contract(house: House, bundle: Bundle) -> None:
    neighbour = replace(house.contract, meter=bytes(16)).sign(house.provider)
    assert isinstance(neighbour, Signed)
    assert code_of(house, replace(bundle, contract=neighbour.token)) == "contract-meter"
    early = replace(house.contract, tariffs=(replace(house.contract.tariffs[0], to_s=START_S + 9),))
    signed = early.sign(house.provider)
    assert code_of(house, replace(bundle, contract=signed.token)) == "contract-period"


def test_an_enrolment_that_changes_the_unit(house: House, bundle: Bundle) -> None:
    unit = replace(house.enrolment.unit, exponent=-1)
    signed = replace(house.enrolment, unit=unit).sign(house.provider)
    assert code_of(house, replace(bundle, enrolment=signed.token)) == "chain-config"


def test_a_stretch_that_ends_with_an_event(house: House, bundle: Bundle) -> None:
    longer = copy.deepcopy(house.meter)
    longer.sealed, longer.previous = longer.sealed[:50], bundle.statement.last
    longer.seq, longer.end_s = 50, house.to_s
    event = decode_sealed(longer.paired().sealed[-1])
    said = replace(bundle.statement, last=event.digest)
    padded = replace(
        bundle, bodies=(*bundle.bodies, event.body), signature=event.signature, statement=said
    )
    assert code_of(house, padded) == "period-end"


def test_hints_must_be_the_points_own(house: House, bundle: Bundle) -> None:
    y = int.from_bytes(bundle.hints[:32], "big")
    for other in (P - y, y + 1, 0, 2**256 - 1):
        forged = replace(bundle, hints=other.to_bytes(32, "big") + bundle.hints[32:])
        assert code_of(house, forged) == "point-hint"
    assert code_of(house, replace(bundle, hints=bundle.hints[:-1])) == "hints-length"
    assert code_of(house, replace(bundle, hints=bundle.hints + bytes(32))) == "hints-length"


def test_false_openings_are_never_billed(house: House) -> None:
    stretch = house.stretch()
    with pytest.raises(Refused, match="opening-false"):
        wrong = dict.fromkeys(house.meter.secrets, bytes(32))
        pick = [i for i, record in enumerate(stretch.records) if record.channels]
        Opener(house.meter.meter, wrong).open_stretch(stretch.pick(pick))
    with pytest.raises(Refused, match="epoch-secret"):
        Opener(house.meter.meter, dict.fromkeys(house.meter.secrets, bytes(32))).open_stretch(
            stretch
        )
    with pytest.raises(Refused, match="epoch-unknown"):
        Opener(house.meter.meter, {}).open_stretch(stretch)
    assert isinstance(stretch, Stretch)
