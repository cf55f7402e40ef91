"""The link between a meter that was closed and the one in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from sealed_house import START_S, SealingMeter
from wattseal import events, record
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.record import Record, decode_sealed
from wattseal_host import jws, keys
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.provider.office import Office
from wattseal_host.provider.replacements import replace
from wattseal_host.replacement import Replacement
from wattseal_host.units import Unit

OLD = SealingMeter("old").origin().reading(1).event(record.CLOSED, events.u32(1))
NEW = SealingMeter("new").origin(START_S + 1900).reading(1, length_s=1700, flags=8)
EARLY = SealingMeter("early").origin(START_S + 1799)


def ends(old: SealingMeter, new: SealingMeter) -> tuple[Record, Record]:
    return decode_sealed(old.sealed[-1]), decode_sealed(new.sealed[0])


def test_a_link_is_signed_and_read_again() -> None:
    last, first = ends(OLD, NEW)
    link = Replacement.of(last, NEW.meter)
    link.check(last, first)
    key = keys.generate_key()
    token = jws.parse(link.sign(key).token, jws.REPLACEMENT)
    jws.check_signature(token, [keys.public_bytes(key)])
    assert Replacement.read(token.payload) == link
    assert (link.at_s, link.last) == (START_S + 1800, last.digest)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (NEW, NEW, "meter-open"),
        (OLD, EARLY, "replacement-time"),
        (OLD, OLD, "replacement-time"),
    ],
)
def test_what_cannot_be_linked(old: SealingMeter, new: SealingMeter, code: str) -> None:
    last, first = ends(old, new)
    with pytest.raises((Refused, Malformed)) as caught:
        link = Replacement.of(last, new.meter)
        link.check(last, first)
        link.sign(keys.generate_key())
    assert caught.value.code == code


def test_a_later_beginning_of_billing() -> None:
    """A meter that was there before the old one ended may be billed from then on, not before."""
    last, first = ends(OLD, EARLY)
    for from_s in (START_S + 1800, START_S + 3600):
        link = Replacement.of(last, EARLY.meter, from_s)
        link.check(last, first)
        signed = link.sign(keys.generate_key())
        assert signed.kind == jws.REPLACEMENT_LATER
        assert Replacement.read(signed.payload, signed.kind) == link
        with pytest.raises(Malformed, match="field-unknown"):
            Replacement.read(signed.payload)
    for new, from_s in ((EARLY, START_S + 1799), (NEW, START_S + 1800)):
        last, first = ends(OLD, new)
        with pytest.raises(Refused, match="replacement-time"):
            Replacement.of(last, new.meter, from_s).check(last, first)


def test_no_meter_replaces_itself() -> None:
    with pytest.raises(Malformed, match="replacement-self"):
        Replacement.read(Replacement(OLD.meter, OLD.meter, bytes(32), START_S).write())


def test_a_link_speaks_of_two_chains_only() -> None:
    last, first = ends(OLD, NEW)
    link = Replacement.of(last, NEW.meter)
    other = SealingMeter("other").origin().reading(1).event(record.CLOSED, events.u32(1))
    for ending, beginning, code in (
        (decode_sealed(other.sealed[-1]), first, "replacement-last"),
        (last, decode_sealed(other.sealed[0]), "replacement-meter"),
        (last, decode_sealed(NEW.sealed[1]), "replacement-meter"),
    ):
        with pytest.raises(Refused) as caught:
            link.check(ending, beginning)
        assert caught.value.code == code


def test_only_enrolled_meters_of_the_ledger_are_linked(tmp_path: Path) -> None:
    office = Office.create(tmp_path / "office")
    with Ledger(tmp_path / "ledger.db") as ledger:
        for meter in (OLD, NEW):
            with pytest.raises(Misuse, match="meter-not-enrolled"):
                replace(office, ledger, OLD.meter, NEW.meter)
            enrolment = Enrolment(meter.meter, meter.key, Unit("Wh", 0), 1800, ("import",))
            office.enrol(enrolment)
            ledger.add_meter(enrolment)
        with pytest.raises(Misuse, match="meter-empty"):
            replace(office, ledger, OLD.meter, NEW.meter)
        for meter in (OLD, NEW):
            ledger.append(meter.meter, meter.sealed, "utility")
        signed = replace(office, ledger, OLD.meter, NEW.meter)
    assert (tmp_path / "office" / "replacements" / f"{OLD.meter.hex()}.jws").exists()
    assert signed.payload["successor"] == NEW.meter.hex()
