"""A street of twelve houses and its transformer: a sum over a group, two members dropping out.

    python examples/street.py --out street

Every house seals a day of half-hours; the transformer feeds them all, loses 3 % on the way, and
from 18:00 to 20:00 somebody takes 900 W past every meter. The script plays all thirteen parties in
one process, by the functions that `wattseal group` calls; one house never deals, and one deals and
does not share. What comes out is the folder of papers with the certified sums, for the commands
`wattseal group check` and `loss` (docs/group-sums.md). Its meters' keys and readings are made from
fixed texts: for show.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from datetime import UTC, datetime
from pathlib import Path

from wattseal import commitment, ecdsa, keytree, p256, record
from wattseal_host.customer import group_rounds
from wattseal_host.customer.group_store import Member
from wattseal_host.customer.openings import Opener
from wattseal_host.documents import Enrolment
from wattseal_host.files import write_atomic
from wattseal_host.group.board import Board
from wattseal_host.ledger import Ledger
from wattseal_host.provider import group_sums
from wattseal_host.provider.office import Office
from wattseal_host.units import Unit

BEGIN_S = int(datetime(2026, 1, 15, tzinfo=UTC).timestamp())
INTERVAL_S = 1800
SLOTS = 48
HOUSES = 12
NEVER_DEALS, NEVER_SHARES = 3, 7


class House:
    """A meter with its chain, and its occupant's membership."""

    def __init__(self, number: int) -> None:
        seed = hashlib.sha256(f"house {number} of a street for show".encode()).digest()
        self._key = int.from_bytes(seed, "big") % p256.N
        self.public: bytes = p256.encode_point(ecdsa.public_key(self._key))
        self.meter: bytes = record.meter_id(self.public)
        self.secret = hashlib.sha256(seed + b"epoch").digest()
        self.member = Member.fresh(self.meter)
        chance = random.Random(number)
        self.used_wh = [
            chance.randint(60, 140) + (chance.randint(200, 700) if 14 <= slot < 44 else 0)
            for slot in range(SLOTS)
        ]

    def sealed(self) -> list[bytes]:
        """The day's records, the first being the chain's origin."""
        previous = record.genesis(self.public)
        payload = record.origin_payload(INTERVAL_S, 0, 1, self.public)
        made: list[bytes] = []
        key = b""
        for seq in range(SLOTS + 1):
            at_s = BEGIN_S + max(0, seq - 1) * INTERVAL_S
            if seq == 0:
                body = record.encode_event(
                    self.meter, 0, 1, 0, at_s, 0, 1, record.ORIGIN, payload, previous
                )
            else:
                key = keytree.block_key(self.secret, self.meter, 0, seq // keytree.BLOCK_RECORDS)
                place = (self.meter, 1, seq, 0)
                value = self.used_wh[seq - 1]
                point = commitment.commit(value, keytree.blinding(key, *place))
                cipher = commitment.mask_reading(value, 0, keytree.pad(key, *place))
                channels = [(p256.encode_point(point), cipher)]
                body = record.encode_reading(
                    record.INTERVAL, self.meter, 0, 1, seq, at_s, INTERVAL_S, 0, 0, channels,
                    previous,
                )  # fmt: skip
            previous = record.body_digest(body)
            made.append(body + ecdsa.sign(self._key, previous))
        return made


def feeder_csv(houses: list[House]) -> str:
    """The transformer's readings, as `wattseal customer recover --csv` writes a meter's."""
    lines = ["start,end,channel,value,unit,flags"]
    for slot in range(SLOTS):
        start, end = (
            datetime.fromtimestamp(BEGIN_S + at * INTERVAL_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for at in (slot, slot + 1)
        )
        # All twelve houses, the lines' 3 %, and 900 W in the evening that nobody pays for.
        used_wh = sum(house.used_wh[slot] for house in houses)
        taken_wh = 450 if 36 <= slot < 40 else 0
        lines.append(f"{start},{end},import,{used_wh * 103 // 100 + taken_wh},Wh,")
    return "\n".join(lines) + "\n"


def play(houses: list[House], office: Office, ledger: Ledger, board: Board) -> None:
    """Every paper of a run, in the order of the rounds."""
    joins = [group_rounds.join(house.member) for house in houses]
    board.post("set", group_sums.found("street", "import", joins, ledger, office.key))
    group = board.group()
    end_s = BEGIN_S + SLOTS * INTERVAL_S
    board.post("plan", group_sums.plan(group, BEGIN_S, end_s, office.key))
    plan = board.plan(group)
    dealing = [house for at, house in enumerate(houses) if at != NEVER_DEALS]
    for house in dealing:
        house.member, paper = group_rounds.deal(house.member, group, plan)
        board.post(f"deals/{house.meter.hex()}", paper)
    board.post("roster", group_sums.roster(group, plan, board.tokens("deals"), office.key))
    roster = board.roster(plan, group)
    sharing = [house for house in dealing if house is not houses[NEVER_SHARES]]
    for house in sharing:
        stretch = ledger.period(house.meter, BEGIN_S, end_s)
        openings = Opener(house.meter, {0: house.secret}).open_stretch(stretch)
        house.member, paper = group_rounds.share(house.member, group, plan, roster, openings)
        board.post(f"shares/{house.meter.hex()}", paper)
    shares = board.tokens("shares")
    board.post("closing", group_sums.close(group, plan, roster, shares, office.key))
    closing = board.closing(roster, group)
    for house in sharing:
        house.member, paper = group_rounds.reveal(house.member, group, plan, roster, closing)
        board.post(f"reveals/{house.meter.hex()}", paper)
    reveals = board.tokens("reveals")
    total, paper = group_sums.total(
        group, plan, roster, closing, shares, reveals, ledger, office.key
    )
    board.post("sum", paper)
    print(f"{len(total.members)} of {len(houses)} houses in the sums of {len(total.values)} slots")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True)
    office = Office.create(out / "operator")
    houses = [House(number) for number in range(HOUSES)]
    with Ledger(out / "ledger.db") as ledger:
        for house in houses:
            meter = Enrolment(house.meter, house.public, Unit("Wh", 0), INTERVAL_S, ("import",))
            ledger.add_meter(meter, office.enrol(meter).token)
            ledger.append(house.meter, house.sealed(), "utility")
        write_atomic(out / "trust.json", office.trust().write())
        write_atomic(out / "feeder.csv", feeder_csv(houses).encode())
        play(houses, office, ledger, Board(out / "run", office.trust()))


if __name__ == "__main__":
    main()
