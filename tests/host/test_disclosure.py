"""Questions, their answers and the proof of them: what holds, what is derivable, and cheats."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import wattseal
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Malformed, Misuse, Refused
from wattseal_host.customer.disclose import _readings_of, make_disclosure, told_rows
from wattseal_host.customer.limits_told import confined_by
from wattseal_host.customer.local_times import localised
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.shares import Columns
from wattseal_host.customer.spy import FUSE_KW, Limit, Row, Slot
from wattseal_host.customer.spy.bounds import confined_readings
from wattseal_host.customer.store import Secrets
from wattseal_host.disclosure.check import check
from wattseal_host.disclosure.circuit import Records
from wattseal_host.disclosure.document import Disclosure, is_disclosure
from wattseal_host.disclosure.query import parse
from wattseal_host.files import write_token
from wattseal_host.ledger import Ledger
from wattseal_host.words import meaning

SLOTS = 96
DAY = "2025-01-01"
HALF = f"import[{DAY}T06:00..{DAY}T18:00]"  # 24 readings: looked at singly, each costs a proof
LIMIT = Limit.of_fuse(FUSE_KW, 0)
HOST = Path(__file__).resolve().parents[2] / "host" / "wattseal_host"


def readings(seed: str = "one") -> list[int]:
    rng = random.Random(f"disclosure {seed}")
    return [rng.randrange(20, 900) for _ in range(SLOTS)]


def house(values: list[int], channels: int = 1) -> House:
    meter = SealingMeter(f"disclosing {values[:2]}", channels=channels).origin().paired()
    for value in values:
        meter.reading(*([value] if channels == 1 else [value, value // 3]))
    return House(meter, from_s=START_S, to_s=START_S + SLOTS * INTERVAL_S)


@pytest.fixture(scope="module")
def home() -> House:
    return house(readings())


def disclose(home: House, *queries: str, **options: Any) -> Any:
    return make_disclosure(
        queries,
        home.stretch(),
        Opener(home.meter.meter, home.meter.secrets),
        home.enrolment_jws.token,
        home.trust,
        options.pop("releases", Releases(home.meter.meter)),
        options.pop("recipient", "Energy advice, example.org"),
        options.pop("purpose", "advice"),
        **options,
    )


QUESTIONS = [
    ("sum(import)", sum),
    (f"max({HALF})", lambda v: max(v[12:36])),
    (f"highest({HALF}, 3)", lambda v: sum(sorted(v[12:36])[-3:])),
    (f"count({HALF}, 500)", lambda v: sum(x > 500 for x in v[12:36])),
    (f"load_factor({HALF})", lambda v: 1000 * sum(v[12:36]) // (24 * max(v[12:36]))),
    (f"sum(import[{DAY}..2025-01-02]) * 3 - 2*(sum(import) - 7)",
     lambda v: 3 * sum(v[:48]) - 2 * (sum(v) - 7)),
    (f"sum(import[{DAY}..2025-01-02]) > sum(import[2025-01-02..2025-01-03])",
     lambda v: int(sum(v[:48]) > sum(v[48:]))),
    (f"max({HALF}) <= 899", lambda v: 1),
    (f"-count({HALF}, 0) < -23", lambda v: 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "truth"), QUESTIONS)
def test_answers_are_right_and_certified(home: House, text: str, truth: Any) -> None:
    made = disclose(home, text, consent=True)
    assert [one.value for one in made.disclosure.answers] == [truth(readings())]
    certificate = check(made.data, home.trust, "Energy advice, example.org")
    assert certificate.holds, certificate.detail
    assert is_disclosure(made.data) and Disclosure.read(made.data).write() == made.data


def test_two_channels_and_several_questions_at_once() -> None:
    both = house(readings("two"), channels=2)
    export = HALF.replace("import", "export")
    made = disclose(both, "sum(import) - sum(export)", f"max({export})", consent=True)
    values = readings("two")
    exported = [value // 3 for value in values]
    assert [one.value for one in made.disclosure.answers] == [
        sum(values) - sum(exported), max(exported[12:36]),
    ]  # fmt: skip
    assert check(made.data, both.trust).holds


def test_single_readings_are_not_told_without_consent(home: House) -> None:
    one = f"sum(import[{DAY}T10:00..{DAY}T10:30])"
    with pytest.raises(Refused, match="disclosure-window"):
        disclose(home, one)
    made = disclose(home, one, consent=True)
    assert [one.value for one in made.disclosure.answers] == [readings()[20]]
    codes = ("disclosure-window", "disclosure-confined")
    assert tuple(finding.code for finding in made.findings) == codes
    assert made.releases.made[0].consent == codes


@pytest.mark.parametrize(
    ("text", "confined"),
    [
        ("max(import)", True),  # none above 900, of 11,500
        ("load_factor(import)", True),
        ("count(import, 900)", True),  # none
        ("max(import) >= 800", True),
        (f"count({HALF}, 500)", False),
        (f"highest({HALF}, 10)", False),
    ],
)
def test_limits_to_every_reading_are_weighed(home: House, text: str, confined: bool) -> None:
    if not confined:
        assert disclose(home, text).findings == ()
        return
    with pytest.raises(Refused, match="disclosure-confined"):
        disclose(home, text)


def test_a_sum_set_apart_by_a_large_factor_is_weighed_alone(home: House) -> None:
    text = f"sum(import) + 1000000 * sum(import[{DAY}T18:00..{DAY}T20:00])"
    with pytest.raises(Refused, match="disclosure-window"):
        disclose(home, text)


def test_a_row_within_the_stretch_is_weighed_by_its_own_readings(home: House) -> None:
    stretch, opener = home.stretch(), Opener(home.meter.meter, home.meter.secrets)
    columns = Columns.of(stretch.records, opener.open_stretch(stretch), ["import"])
    scene = Records(columns.spans, ["import"], 16, columns.values)
    (told,) = told_rows(parse(f"3 * sum(import[{DAY}T06:00..{DAY}T18:00])"), scene, columns)
    row = told.row
    own = _readings_of(row, columns)
    assert own == readings()[12:36] and row.fee == 3 * sum(own)


def test_what_was_told_before_counts(home: House) -> None:
    """Two sums that differ in one half-hour tell it; so do a bill and a sum."""
    first = disclose(home, "sum(import)").releases
    with pytest.raises(Refused, match="disclosure-window"):
        disclose(home, f"sum(import[{DAY}..2025-01-02T23:30])", releases=first)
    again = disclose(home, "sum(import)", releases=first)
    assert again.releases == first
    flat = House(home.meter, flat_tariff(), from_s=home.from_s, to_s=home.to_s)
    billed = flat.bill(full=False).releases
    with pytest.raises(Refused, match="disclosure-window"):
        disclose(flat, f"sum(import[{DAY}T01:00..2025-01-03])", releases=billed)
    # And a bill over what was answered before is no overlapping bill.
    told = disclose(flat, f"sum(import[{DAY}..2025-01-02])").releases
    assert flat.bill(full=False, releases=told).verdict.accepted


def flat_tariff() -> Any:
    from wattseal_host.provider.tariffs import flat

    return flat("flat", currency="EUR", price="0.30", from_s=START_S, to_s=START_S + 90 * 86400)


def test_limits_told_before_hold_beside_later_answers(home: House, tmp_path: Path) -> None:
    """None above 3,000 tells little, and a sum of two hours tells no reading by itself; both do."""
    first = f"count(import[{DAY}T10:00..{DAY}T15:00], 3000)"
    told = disclose(home, first).releases
    assert (told.made[0].least, told.made[0].most) == (None, 3000)
    told.save(tmp_path / "x.releases.json")
    assert b"wattseal-releases/2" in (tmp_path / "x.releases.json").read_bytes()
    assert Releases.load(tmp_path / "x.releases.json", home.meter.meter) == told
    values = readings()[20:30]
    second = f"count(import[{DAY}T10:00..{DAY}T15:00], {min(values) - 1})"  # all of them
    both = confined_by(
        {(START_S + 36000, 0): (2200, 11500)}, {(START_S + 36000, 0): (0, 3000)},
        {START_S + 36000: START_S + 37800}, LIMIT,
    )  # fmt: skip
    assert [finding.code for finding in both] == ["disclosure-confined"]
    assert confined_by({(1, 0): (2200, 11500)}, {}, {1: 1801}, LIMIT) == []
    # What was confined before, by consent, is no reason to refuse what tells nothing new of it.
    consented = disclose(home, f"max({HALF})", consent=True).releases
    assert disclose(home, "sum(import)", releases=consented).findings == ()
    with pytest.raises(Refused, match="disclosure-confined"):
        disclose(home, second, releases=consented)


def test_limits_and_sums_are_propagated_together() -> None:
    """Ten readings of which none is above 2,000 and whose sum is 19,500: each is 1,500 or more."""
    slots = tuple(Slot(START_S + at * 1800, 1800, (1,)) for at in range(10))
    row = Row(slots, 19_500)
    known = {(slot.start_s, 0): (0, 2000) for slot in slots}
    assert confined_readings([row], LIMIT) == []
    assert {one.low for one in confined_readings([row], LIMIT, known)} == {1500}
    far = {(slot.start_s, 0): (0, 9000) for slot in slots}
    assert confined_readings([row], LIMIT, far) == []


def test_days_of_a_zone(home: House) -> None:
    text = "sum(import[2026-03-29..2026-03-30]) > sum(import[2026-10-25T00:30..2026-10-26+00:00])"
    local = localised(text, "Europe/Berlin")
    assert local == (
        "sum(import[2026-03-29+01:00..2026-03-30+02:00]) > "
        "sum(import[2026-10-25T00:30+02:00..2026-10-26+00:00])"
    )
    (first, second) = parse(local).functions
    assert first.window.to_s - first.window.from_s == 23 * 3600
    assert second.window.to_s - second.window.from_s == 25.5 * 3600
    with pytest.raises(Misuse, match="zone-unknown"):
        localised(text, "Europe/../Berlin")
    for wrong in ("2026-03-29+19:00", "2026-03-29+01:60"):
        with pytest.raises(Malformed, match="query-window"):
            parse(f"sum(import[{wrong}..2026-03-30])")
    west = f"sum(import[{DAY}T03:00-05:00..{DAY}T15:00-05:00])"
    made = disclose(home, west, consent=True)
    assert [one.value for one in made.disclosure.answers] == [sum(readings()[16:40])]
    assert check(made.data, home.trust).holds


def test_the_list_is_kept_and_read_back(home: House, tmp_path: Path) -> None:
    made = disclose(home, f"max({HALF})", "sum(import)", consent=True).releases
    made.save(tmp_path / "x.releases.json")
    assert Releases.load(tmp_path / "x.releases.json", home.meter.meter) == made


# Cheats


@pytest.fixture(scope="module")
def good(home: House) -> Disclosure:
    return disclose(home, "sum(import)", f"max({HALF}) >= 800", consent=True).disclosure


def judged(home: House, said: Disclosure) -> str:
    return check(said.write(), home.trust).code


def test_another_answer_recipient_purpose_or_time(home: House, good: Disclosure) -> None:
    first, second = good.answers
    for changed in (
        replace(good, answers=(replace(first, value=first.value + 1), second)),
        replace(good, answers=(first, replace(second, value=1 - second.value))),
        replace(good, answers=(replace(first, query=parse("sum(import) + 0")), second)),
        replace(good, answers=(second, first)), replace(good, answers=(first,)),
        replace(good, recipient="Somebody else"), replace(good, purpose="marketing"),
        replace(good, made_s=good.made_s + 1), replace(good, bits=32),
        replace(good, answers=(replace(first, value=2**70), second)),
    ):  # fmt: skip
        assert judged(home, changed).startswith("proof-")
    assert check(good.write(), home.trust, "Somebody else").code == "disclosure-recipient"


def test_other_records_and_other_proofs(home: House, good: Disclosure) -> None:
    other = house(readings("other"))
    theirs = disclose(other, "sum(import)", f"max({HALF}) >= 800", consent=True).disclosure
    assert judged(home, replace(good, proof=theirs.proof)).startswith("proof-")
    assert judged(home, theirs) == "untrusted-keys"
    assert judged(home, replace(theirs, enrolment=good.enrolment)).startswith("chain-")
    bodies = good.bodies
    for changed in (bodies[1:], bodies[:-1], (*bodies[:4], bodies[5], bodies[4], *bodies[6:])):
        assert judged(home, replace(good, bodies=changed)).startswith(("chain-", "signature-"))
    assert judged(home, replace(good, hints=good.hints[:-32])) == "hints-length"
    for at in range(0, len(good.proof), 211):
        forged = good.proof[:at] + bytes([good.proof[at] ^ 2]) + good.proof[at + 1 :]
        assert judged(home, replace(good, proof=forged)).startswith(("proof-", "point-", "scalar-"))


def test_another_spelling_is_refused(home: House, good: Disclosure) -> None:
    value = json.loads(good.write())
    for text, code in (
        ("sum( import)", "proof-false"), ("sum(import)  ", "disclosure-spelling"),
        ("sum(imports)", "query-syntax"), ("", "field-malformed"),
    ):  # fmt: skip
        value["answers"][0]["query"] = text
        assert check(json.dumps(value).encode(), home.trust).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "query-syntax"), ("7", "query-empty"), ("sum(import", "query-syntax"),
        ("sum(gas)", "query-syntax"), ("sum(import) sum(import)", "query-syntax"),
        ("sum(import) * max(import)", "query-product"), ("sum(import) ! 3", "query-character"),
        ("(" * 30 + "sum(import)" + ")" * 30, "query-nested"), ("x" * 2000, "query-huge"),
        ("sum(import[2025-01-02..2025-01-01])", "query-window"),
        ("sum(import[2025-13-01..2026-01-01])", "query-window"),
        ("highest(import, 0)", "query-number"), ("sum(import) * 9999999999999999", "query-number"),
        ("count(import)", "query-syntax"), ("sum(import) > max(import) > 3", "query-syntax"),
        ("sum(import) - sum(import)", "query-empty"),
    ],
)  # fmt: skip
def test_what_is_no_question(home: House, text: str, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        disclose(home, text, consent=True)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("sum(export)", "query-channel"),
        ("sum(import[2024-01-01..2025-01-02])", "query-no-records"),
        ("sum(import[2025-01-01..2026-01-01])", "query-no-records"),
    ],
)  # fmt: skip
def test_what_these_records_cannot_answer(home: House, text: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        disclose(home, text, consent=True)
    assert caught.value.code == code


@given(st.text("sum(import)[]maxcount.*+-<>= 0123456789T:,", max_size=60))
def test_any_text_is_a_question_or_a_named_error(text: str) -> None:
    try:
        query = parse(text)
    except Malformed as error:
        assert error.code.startswith("query-")
        return
    assert parse(query.text) == query


def test_every_refusal_has_words() -> None:
    """Of each code that the modules of a verification name."""
    names = [
        "verify.py", "case.py", "bundle.py", "statement.py", "linear.py", "proven_bill.py",
        "documents.py", "jws.py", "encoding.py", "fields.py", "strict_json.py", "trust.py",
        "evidence.py", "engine.py", "provider/bills.py", "provider/on_ledger.py",
        "disclosure/check.py", "disclosure/circuit.py", "disclosure/document.py",
        "disclosure/query.py", "proof/encoding.py", "proof/instance.py", "proof/verifier.py",
        "tariff/model.py", "tariff/parts.py", "tariff/tax.py", "tariff/scene.py", "joint.py",
        "joint_bundle.py", "record_readings.py", "replacement.py", "wide_message.py", "billed.py",
        "bill_message.py", "provider/archive.py", "ledger/booked.py",
    ]  # fmt: skip
    firmware = HOST.parents[1] / "firmware" / "wattseal"
    files = [*(HOST / name for name in names), *(firmware / n for n in (
        "record.py", "chain.py", "standing.py", "p256.py", "fork.py"))]  # fmt: skip
    codes = {
        code
        for file in files
        for code in re.findall(r'(?:Malformed|Refused)\(\s*f?"([a-z]+-[a-z-]+)', file.read_text())
    }
    assert len(codes) > 40
    assert [code for code in sorted(codes) if not meaning(code)] == []


def test_the_commands(home: House, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.add_meter(home.enrolment, home.enrolment_jws.token)
        ledger.append(home.meter.meter, home.meter.sealed, "utility")
    Secrets(home.meter.meter, home.meter.key, home.meter.secrets).save(tmp_path / "me.json")
    write_token(tmp_path / "meter.jws", home.enrolment_jws.token)
    (tmp_path / "trust.json").write_bytes(home.trust.write())
    common = [
        "customer", "disclose", "--secrets", tmp_path / "me.json", "--ledger",
        tmp_path / "ledger.db", "--enrolment", tmp_path / "meter.jws", "--trust",
        tmp_path / "trust.json", "--from", DAY, "--to", "2025-01-03", "--recipient", "Advice",
    ]  # fmt: skip
    done = wattseal(*common, "--query", "sum(import)", "--out", tmp_path / "a.json", "--json")
    assert json.loads(done.stdout)["answers"] == {"sum(import)": str(sum(readings()))}
    shown = wattseal("verify", tmp_path / "a.json", "--trust", tmp_path / "trust.json")
    assert shown.returncode == 0 and f"sum(import) = {sum(readings())}" in shown.stdout
    other = wattseal(
        "verify", tmp_path / "a.json", "--trust", tmp_path / "trust.json", "--recipient", "Else"
    )
    assert other.returncode == 1 and "made for somebody else" in other.stdout
    refused = wattseal(
        *common, "--query", f"sum(import[{DAY}T02:00..2025-01-03])", "--out", tmp_path / "b.json"
    )
    assert refused.returncode == 2 and "disclosure-window" in refused.stderr
    assert not (tmp_path / "b.json").exists()
    bad = wattseal(*common, "--query", "sum(", "--out", tmp_path / "b.json")
    assert bad.returncode == 2 and "query-syntax: at 5" in bad.stderr
    listed = wattseal("customer", "releases", "--secrets", tmp_path / "me.json")
    assert "sum(import) = " in listed.stdout and "Advice" in listed.stdout
