"""Sums over a group: the sums are right, drop-outs do no harm, and every cheat has its code."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import wattseal
from sealed_house import INTERVAL_S, START_S, SealingMeter
from wattseal.errors import Malformed, Misuse, Refused, WattsealError
from wattseal.p256 import N
from wattseal_host.customer import group_rounds
from wattseal_host.customer.group_store import Member
from wattseal_host.customer.openings import Opener, Opening
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Enrolment
from wattseal_host.errors import Unusable
from wattseal_host.group import masks
from wattseal_host.group.founding import GroupSet, Join, Plan, threshold
from wattseal_host.group.rounds import Closing, Deal, Reveal, Roster, Share
from wattseal_host.group.total import Total, certify
from wattseal_host.keys import generate_key, public_bytes
from wattseal_host.ledger import Ledger
from wattseal_host.provider import group_sums
from wattseal_host.provider.office import Office
from wattseal_host.stretch import Stretch
from wattseal_host.units import Unit

SLOTS = 3
END_S = START_S + SLOTS * INTERVAL_S
COUNT = 12


def value_of(meter: int, slot: int) -> int:
    return 100 + 17 * meter + 5 * slot


@pytest.fixture(scope="module")
def houses() -> list[SealingMeter]:
    made = []
    for number in range(COUNT):
        meter = SealingMeter(f"group {number}").origin()
        for slot in range(SLOTS):
            meter.reading(value_of(number, slot))
        made.append(meter)
    return sorted(made, key=lambda meter: meter.meter)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory, houses: list[SealingMeter]) -> Path:
    path = tmp_path_factory.mktemp("group") / "ledger.db"
    with Ledger(path) as opened:
        for meter in houses:
            opened.add_meter(Enrolment(meter.meter, meter.key, Unit("Wh", 0), 1800, ("import",)))
            opened.append(meter.meter, meter.sealed, "utility")
    return path


@dataclass
class Group:
    """Everybody's side of a run, up to where a test goes on by itself."""

    key: object
    members: list[Member]
    openings: list[list[Opening]]
    group: GroupSet
    plan: Plan

    @property
    def trusted(self) -> list[bytes]:
        return [public_bytes(self.key)]

    def planned(self, from_s: int = START_S, to_s: int = END_S) -> Plan:
        token = group_sums.plan(self.group, from_s, to_s, self.key)
        return Plan.open(token, self.group, self.trusted)

    def deal(self, who: list[int]) -> Roster:
        tokens = []
        for at in who:
            self.members[at], token = group_rounds.deal(self.members[at], self.group, self.plan)
            tokens.append(token)
        token = group_sums.roster(self.group, self.plan, tokens, self.key)
        return Roster.open(token, self.plan, self.group, self.trusted)

    def share(self, roster: Roster, who: list[int]) -> list[str]:
        tokens = []
        for at in who:
            self.members[at], token = group_rounds.share(
                self.members[at], self.group, self.plan, roster, self.openings[at]
            )
            tokens.append(token)
        return tokens

    def close(self, roster: Roster, shares: list[str]) -> Closing:
        token = group_sums.close(self.group, self.plan, roster, shares, self.key)
        return Closing.open(token, roster, self.group, self.trusted)

    def reveal(self, roster: Roster, closing: Closing, who: list[int]) -> list[str]:
        tokens = []
        for at in who:
            self.members[at], token = group_rounds.reveal(
                self.members[at], self.group, self.plan, roster, closing
            )
            tokens.append(token)
        return tokens

    def total(
        self, path: Path, roster: Roster, closing: Closing, shares: list[str], reveals: list[str]
    ) -> Total:
        with Ledger(path) as ledger:
            token = group_sums.total(
                self.group, self.plan, roster, closing, shares, reveals, ledger, self.key
            )[1]
            found = Total.open(token, self.group, self.trusted)
            certify(found, self.group, ledger)
        return found


@pytest.fixture
def run(houses: list[SealingMeter], ledger: Path) -> Group:
    key = generate_key()
    members = [Member.fresh(meter.meter) for meter in houses]
    with Ledger(ledger) as opened:
        joins = [group_rounds.join(member) for member in members]
        token = group_sums.found("street", "import", joins, opened, key)
    group = GroupSet.open(token, [public_bytes(key)])
    openings = [
        Opener(m.meter, m.secrets).open_stretch(Stretch.from_sealed(m.sealed)) for m in houses
    ]
    made = Group(key, members, openings, group, Plan(b"", 0, 0))
    made.plan = made.planned()
    return made


def expected(houses: list[SealingMeter], who: list[int]) -> list[int]:
    return [sum(houses[at].values[slot + 1][0] for at in who) for slot in range(SLOTS)]


def test_drop_outs_at_every_stage_leave_the_sum_of_the_others(
    run: Group, houses: list[SealingMeter], ledger: Path
) -> None:
    dealt = [at for at in range(COUNT) if at != 3]
    came = [at for at in dealt if at != 7]
    roster = run.deal(dealt)
    shares = run.share(roster, came)
    closing = run.close(roster, shares)
    reveals = run.reveal(roster, closing, came)
    found = run.total(ledger, roster, closing, shares, reveals)
    assert list(found.values) == expected(houses, came)
    assert len(found.members) == 10


def test_everybody(run: Group, houses: list[SealingMeter], ledger: Path) -> None:
    everybody = list(range(COUNT))
    roster = run.deal(everybody)
    shares = run.share(roster, everybody)
    closing = run.close(roster, shares)
    reveals = run.reveal(roster, closing, everybody[:10])
    found = run.total(ledger, roster, closing, shares, reveals)
    assert list(found.values) == expected(houses, everybody)
    with Ledger(ledger) as opened:
        false = replace(found, values=(found.values[0] + 1, *found.values[1:]))
        with pytest.raises(Refused, match="group-sum: interval 0"):
            certify(false, run.group, opened)
        fewer = replace(found, members=found.members[1:])
        with pytest.raises(Refused, match="group-sum"):
            certify(fewer, run.group, opened)
        later = replace(found, from_s=found.from_s + INTERVAL_S)
        with pytest.raises(Refused, match="group-record"):
            certify(later, run.group, opened)


def test_too_few_make_it_void(run: Group) -> None:
    with pytest.raises(Refused, match="group-void"):
        run.deal(list(range(9)))
    roster = run.deal(list(range(COUNT)))
    with pytest.raises(Refused, match="group-void"):
        run.close(roster, run.share(roster, list(range(9))))


def test_too_few_reveals_make_it_void(run: Group, ledger: Path) -> None:
    everybody = list(range(COUNT))
    roster = run.deal(everybody)
    shares = run.share(roster, everybody)
    closing = run.close(roster, shares)
    reveals = run.reveal(roster, closing, everybody[:9])
    with pytest.raises(Refused, match="group-void"):
        run.total(ledger, roster, closing, shares, reveals)
    reveals = run.reveal(roster, closing, everybody[:10])
    with pytest.raises(Refused, match="group-share"):
        run.total(ledger, roster, closing, shares[:11], reveals)
    with pytest.raises(Malformed, match="group-members"):
        run.total(ledger, roster, closing, shares, [*reveals, reveals[0]])


def test_no_group_under_ten(run: Group, ledger: Path) -> None:
    joins = list(run.group.joins)
    with Ledger(ledger) as opened:
        with pytest.raises(Refused, match="group-small"):
            group_sums.found("few", "import", joins[:9], opened, run.key)
        with pytest.raises(Malformed, match="group-members"):
            group_sums.found("twice", "import", [*joins, joins[0]], opened, run.key)
        stranger = group_rounds.join(Member.fresh(bytes(16)))
        with pytest.raises(Misuse, match="meter-unknown"):
            group_sums.found("stranger", "import", [*joins, stranger], opened, run.key)
        with pytest.raises(Misuse, match="group-unlike"):
            group_sums.found("export", "export", joins, opened, run.key)


def test_one_share_for_an_interval_ever(run: Group, tmp_path: Path) -> None:
    everybody = list(range(COUNT))
    roster = run.deal(everybody)
    first = run.share(roster, [0])
    path = tmp_path / "customer.group.json"
    run.members[0].save(path)
    run.members[0] = Member.load(path, run.members[0].meter)
    # The same again tells nothing new.
    assert (
        Share.open(run.share(roster, [0])[0], roster, run.group, SLOTS).values
        == Share.open(first[0], roster, run.group, SLOTS).values
    )
    without = run.deal(everybody[:11])
    with pytest.raises(Refused, match="group-share-again"):
        run.share(without, [0])
    run.plan = run.planned(START_S + INTERVAL_S)
    with pytest.raises(Refused, match="group-share-again"):
        run.deal([0])


def test_another_set_is_refused(run: Group, ledger: Path) -> None:
    with Ledger(ledger) as opened:
        token = group_sums.found("less", "import", run.group.joins[1:], opened, run.key)
    other = GroupSet.open(token, run.trusted)
    planned = group_sums.plan(other, START_S, END_S, run.key)
    with pytest.raises(Refused, match="group-set"):
        Plan.open(planned, run.group, run.trusted)
    with pytest.raises(Refused, match="group-stranger"):
        group_rounds.deal(run.members[0], other, Plan.open(planned, other, run.trusted))
    # A set that gives this meter's place to somebody else's keys.
    stolen = group_rounds.join(Member.fresh(run.members[0].meter))
    with Ledger(ledger) as opened:
        joins = [stolen, *run.group.joins[1:]]
        token = group_sums.found("stolen", "import", joins, opened, run.key)
    stolen_set = GroupSet.open(token, run.trusted)
    planned = group_sums.plan(stolen_set, START_S, END_S, run.key)
    with pytest.raises(Refused, match="group-key"):
        group_rounds.deal(run.members[0], stolen_set, Plan.open(planned, stolen_set, run.trusted))


def test_nobody_gives_both_secrets_of_a_peer(run: Group) -> None:
    everybody = list(range(COUNT))
    roster = run.deal(everybody)
    shares = run.share(roster, everybody)
    first = run.close(roster, shares)
    second = run.close(roster, shares[:11])
    run.reveal(roster, first, [0])
    run.reveal(roster, first, [0])
    with pytest.raises(Refused, match="group-both"):
        run.reveal(roster, second, [0])
    with pytest.raises(Refused, match="group-absent"):
        run.reveal(roster, second, [11])
    told = Reveal.open(run.reveal(roster, first, [1])[0], first, roster, run.group)
    swapped = replace(told, kinds=("pair", *told.kinds[1:]))
    with pytest.raises(Refused, match="group-closing"):
        signed = swapped.sign(masks.signing_key(run.members[1].key))
        Reveal.open(signed.token, first, roster, run.group)


def test_a_third_in_league_lacks_a_share() -> None:
    for members in range(10, 151):
        league = -(-members // 3) - 1
        assert 2 * threshold(members) > members + league or threshold(members) == 10


def test_false_shares_are_found(run: Group, ledger: Path) -> None:
    everybody = list(range(COUNT))
    roster = run.deal(everybody)
    shares = run.share(roster, everybody)
    share = Share.open(shares[2], roster, run.group, SLOTS)
    more = replace(share, values=((share.values[0] + 1) % N, *share.values[1:]))
    shares[2] = more.sign(masks.signing_key(run.members[2].key)).token
    closing = run.close(roster, shares)
    reveals = run.reveal(roster, closing, everybody)
    with pytest.raises(Refused, match="group-sum"):
        run.total(ledger, roster, closing, shares, reveals)
    told = Reveal.open(reveals[0], closing, roster, run.group)
    wrong = replace(told, shares=((told.shares[0] + 1) % N, *told.shares[1:]))
    reveals[0] = wrong.sign(masks.signing_key(run.members[0].key)).token
    with pytest.raises(Refused, match="group-reconstruct"):
        run.total(ledger, roster, closing, shares, reveals)


def test_papers_of_others(run: Group) -> None:
    everybody = list(range(COUNT))
    roster = run.deal(everybody)
    deal = roster.deals[0]
    forged = deal.sign(masks.signing_key(run.members[1].key)).token
    with pytest.raises(Refused, match="untrusted-keys"):
        Deal.open(forged, run.plan, run.group)
    torn = replace(deal, sealed=(deal.sealed[1], *deal.sealed[1:]))
    members = list(run.members)
    token = torn.sign(masks.signing_key(members[0].key)).token
    tokens = [token, *(one.token for one in roster.deals[1:])]
    listed = Roster.open(
        group_sums.roster(run.group, run.plan, tokens, run.key), run.plan, run.group, run.trusted
    )
    with pytest.raises(Refused, match="group-absent"):
        run.share(listed, [0])
    torn = replace(deal, sealed=(deal.sealed[0], deal.sealed[0], *deal.sealed[2:]))
    token = torn.sign(masks.signing_key(members[0].key)).token
    tokens = [token, *(one.token for one in roster.deals[1:])]
    listed = Roster.open(
        group_sums.roster(run.group, run.plan, tokens, run.key), run.plan, run.group, run.trusted
    )
    with pytest.raises(Refused, match="group-sealed"):
        run.share(listed, [1])
    run.openings[2] = run.openings[2][:2]
    with pytest.raises(Refused, match="group-record"):
        run.share(roster, [2])


def test_any_few_shares_join_and_fewer_do_not() -> None:
    rng = random.Random(4)
    for count, needed in ((10, 10), (12, 10), (30, 21)):
        secret = masks.fresh_scalar()
        shares = masks.split(secret, needed, count)
        places = rng.sample(range(count), needed)
        assert masks.join({at + 1: shares[at] for at in places}) == secret
        assert masks.join({at + 1: shares[at] for at in places[1:]}) != secret
    with pytest.raises(Misuse, match="group-threshold"):
        masks.split(1, 11, 10)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.integers(0, 6))
def test_readers_take_no_rubbish(text: str, kind: int) -> None:
    group = GroupSet("g", "import", Unit("Wh", 0), 1800, (), ())
    plan = Plan(b"", 0, 0)
    readers = (
        lambda: Join.open(text),
        lambda: GroupSet.open(text, []),
        lambda: Plan.open(text, group, []),
        lambda: Deal.open(text, plan, group),
        lambda: Share.open(text, Roster(()), group, 1),
        lambda: Total.open(text, group, []),
        lambda: Closing.open(text, Roster(()), group, []),
    )
    with pytest.raises(WattsealError):
        readers[kind]()


def test_the_member_file_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "customer.group.json"
    Member.fresh(bytes(16)).save(path)
    with pytest.raises(Unusable, match="group-malformed"):
        Member.load(path, bytes(15) + b"\1")
    value = json.loads(path.read_text())
    for change in ({"key": "0" * 64}, {"runs": [{}]}, {"extra": 1}, {"format": "x"}):
        path.write_text(json.dumps(value | change))
        with pytest.raises(Unusable, match="group-malformed"):
            Member.load(path, bytes(16))
    path.chmod(0o644)
    with pytest.raises(Misuse, match="secret-exposed"):
        Member.load(path, bytes(16))


def test_commands(tmp_path: Path, houses: list[SealingMeter], ledger: Path) -> None:
    office = Office.create(tmp_path / "office")
    trust = tmp_path / "trust.json"
    (tmp_path / "trust.json").write_bytes(office.trust().write())
    files = []
    for at, meter in enumerate(houses[:10]):
        secrets = tmp_path / f"{at}.json"
        Secrets(meter.meter, meter.key, meter.secrets).save(secrets)
        files.append(secrets)

    def done(*words: object) -> str:
        ended = wattseal("group", *words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    joins = []
    for at, secrets in enumerate(files):
        joins.append(tmp_path / f"{at}.jws")
        done("join", "--secrets", secrets, "--out", joins[-1])
    desk = ("--dir", tmp_path / "office")
    run = ("--run", tmp_path / "run")
    where = (*run, "--trust", trust)
    group = tmp_path / "set.jws"
    done("found", *joins, *desk, "--ledger", ledger, "--out", group)
    when = ("--from", "2025-01-01T00:00", "--to", "2025-01-01T01:30")
    done("plan", *desk, *run, "--set", group, *when)
    for secrets in files:
        assert "10 meters" in done("deal", "--secrets", secrets, *where)
    done("roster", *desk, *run)
    for secrets in files:
        done("share", "--secrets", secrets, *where, "--ledger", ledger)
    done("close", *desk, *run)
    for secrets in files:
        done("reveal", "--secrets", secrets, *where)
    said = json.loads(done("sum", *desk, *run, "--ledger", ledger, "--json"))
    sums = expected(houses, list(range(10)))
    assert [int(value) for value in said["values"]] == sums
    assert "accepted" in done("check", *where, "--ledger", ledger)
    feeder = tmp_path / "feeder.csv"
    rows = ["start,end,channel,value,unit,flags"]
    for at, value in enumerate(sums):
        start, end = f"2025-01-01T0{at // 2}:{at % 2 * 3}0:00Z", f"2025-01-01T0{(at + 1) // 2}:"
        rows.append(f"{start},{end}{(at + 1) % 2 * 3}0:00Z,import,{value + 50}.5,Wh,")
    feeder.write_text("\n".join(rows) + "\n")
    svg = tmp_path / "loss.svg"
    loss = ("loss", *where, "--feeder", feeder, "--plot", svg)
    said = json.loads(done(*loss, "--json"))
    assert said["lost"] == "151.5"
    assert said["intervals"][1]["lost"] == "50.5"
    assert svg.read_text().startswith("<svg")
    assert "lost 151.5 Wh" in done(*loss)
    feeder.write_text("\n".join(rows[:3]) + "\n")
    assert "feeder-gap" in wattseal("group", *loss).stderr
    feeder.write_text("\n".join(rows).replace("Wh", "kWh") + "\n")
    assert "feeder-csv" in wattseal("group", *loss).stderr
    again = wattseal("group", "plan", *desk, *run, "--set", group, *when[:3], "2025-01-01T01:00")
    assert "group-posted" in again.stderr
