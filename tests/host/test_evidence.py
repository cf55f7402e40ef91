"""Fork evidence: made by the ledger, read strictly, judged off line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sealed_house import House, SealingMeter
from wattseal.errors import Malformed, Misuse, Refused
from wattseal_host.encoding import to_base64url
from wattseal_host.errors import Unusable
from wattseal_host.evidence import MAX_EVIDENCE_BYTES, Evidence, is_evidence, judge
from wattseal_host.ledger import Ledger
from wattseal_host.trust import Trust


def branches() -> tuple[SealingMeter, SealingMeter]:
    """One meter's two histories: the same up to record 2, then different readings."""
    one = SealingMeter("forked").origin().reading(1).reading(2)
    other = SealingMeter("forked").origin().reading(1).reading(2)
    return one.reading(3).reading(4), other.reading(30).reading(40)


ONE, OTHER = branches()
TRUST = Trust((), (ONE.key,))
GOOD = Evidence.of(ONE.key, ONE.sealed[3], OTHER.sealed[3])


def test_evidence_is_one_byte_string_whoever_writes_it() -> None:
    data = GOOD.write()
    assert Evidence.of(ONE.key, OTHER.sealed[3], ONE.sealed[3]).write() == data
    assert Evidence.read(data) == GOOD and is_evidence(data)
    assert (GOOD.meter, GOOD.seq) == (ONE.meter, 3)
    verdict = judge(data, TRUST)
    assert (verdict.holds, verdict.code, verdict.meter) == (True, "fork-proven", ONE.meter)
    assert {record.seq for record in verdict.records} == {3}


def altered(**fields: object) -> bytes:
    tree = {**json.loads(GOOD.write()), **fields}
    return (json.dumps(tree, sort_keys=True, separators=(",", ":")) + "\n").encode()


def pair(one: bytes, other: bytes) -> list[str]:
    return [to_base64url(data) for data in sorted((one, other))]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (GOOD.write().strip(), "evidence-canonical"),
        (GOOD.write() + b" ", "evidence-canonical"),
        (json.dumps(json.loads(GOOD.write()), indent=1).encode(), "evidence-canonical"),
        (altered(records=pair(ONE.sealed[3], OTHER.sealed[3])[::-1]), "evidence-canonical"),
        (altered(format="wattseal-fork/2"), "field-malformed"),
        (altered(extra=1), "field-unknown"),
        (altered(extra=1.5), "json-number"),
        (altered(key="02" + "ff" * 32), "key-point"),
        (altered(records=pair(ONE.sealed[3], b"")), "record-length"),
        (altered(records=["a" * 1000, "a" * 1000]), "field-malformed"),
        (altered(records=pair(ONE.sealed[3], ONE.sealed[3])), "fork-same"),
        (altered(records=pair(ONE.sealed[3], OTHER.sealed[4])), "fork-place"),
        (altered(records=pair(ONE.sealed[3], flipped(ONE.sealed[3], 80))), "fork-signature"),
        (altered(records=pair(ONE.sealed[3], flipped(OTHER.sealed[3], 140))), "fork-signature"),
        (altered(records=pair(ONE.sealed[3], flipped(OTHER.sealed[3], 5))), "fork-meter"),
    ],
)
def test_evidence_that_is_none_is_refused(data: bytes, code: str) -> None:
    verdict = judge(data, TRUST)
    assert (verdict.holds, verdict.code, verdict.records) == (False, code, ())


def test_the_same_reading_signed_twice_is_no_fork() -> None:
    """ECDSA admits many signatures of one body; the body is what a history consists of."""
    from wattseal.p256 import N

    sealed = ONE.sealed[3]
    s = N - int.from_bytes(sealed[-32:], "big")
    with pytest.raises(Malformed, match="signature-high-s"):
        Evidence.of(ONE.key, sealed, sealed[:-32] + s.to_bytes(32, "big"))


def test_a_key_that_nobody_named_is_not_trusted() -> None:
    assert judge(GOOD.write(), Trust()).code == "untrusted-keys"
    assert judge(GOOD.write(), Trust((ONE.key,), ())).code == "untrusted-keys"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b" " * (MAX_EVIDENCE_BYTES + 1)])
def test_what_is_no_evidence_at_all_is_unusable(data: bytes) -> None:
    with pytest.raises(Unusable):
        judge(data, TRUST)
    assert not is_evidence(data)


def test_the_ledger_keeps_both_sides_of_a_fork(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.add_meter(House(ONE).enrolment)
        ledger.append(ONE.meter, ONE.sealed, "utility")
        for seq in (4, 3, 3):
            with pytest.raises(Refused, match="meter-forked"):
                ledger.append(ONE.meter, [OTHER.sealed[seq]], "customer")
        assert ledger.sealed(ONE.meter) == ONE.sealed
        forks = ledger.forks(ONE.meter)
        assert forks[0] == GOOD and [fork.seq for fork in forks] == [3, 4]
        with pytest.raises(Refused, match="record-differs"):
            ledger.append(ONE.meter, [flipped(ONE.sealed[3], 80)], "customer")
        assert len(ledger.forks(ONE.meter)) == 2
        with pytest.raises(Misuse, match="meter-unknown"):
            ledger.forks(bytes(16))
