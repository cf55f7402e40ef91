"""`wattseal group …`: sums over a group of meters, the members' side and the aggregator's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattseal_host.cli import group_office, output

if TYPE_CHECKING:
    from wattseal_host.customer.group_store import Member
    from wattseal_host.customer.store import Secrets
    from wattseal_host.group.board import Board

app = typer.Typer(
    no_args_is_help=True,
    help="Sums over a group of meters: members join, deal, share, reveal; the aggregator does "
    "found, plan, roster, close, sum, loss; anybody with the records checks the sums.",
)
app.command("found")(group_office.found)
app.command("plan")(group_office.plan)
app.command("roster")(group_office.roster)
app.command("close")(group_office.close)
app.command("sum")(group_office.sums)
app.command("check")(group_office.check)
app.command("loss")(group_office.loss)

SecretFile = Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")]
Run = Annotated[Path, typer.Option("--run", help="The run's folder of papers; nothing secret.")]
TrustFile = Annotated[Path, typer.Option("--trust", help="Keys you trust (wattseal-trust/1).")]
LedgerFile = Annotated[Path, typer.Option("--ledger", help="A ledger with the meter's records.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def join(
    file: SecretFile,
    out: Annotated[Path, typer.Option(help="Where the paper goes (.jws).")],
    as_json: Json = False,
) -> None:
    """Ask to be in groups: keys of your own, kept beside the secret file."""
    from wattseal_host.customer import group_rounds
    from wattseal_host.files import write_token

    with _member(file, new=True) as (held, member, path):
        member.save(path)
        write_token(out, group_rounds.join(member))
    meter = held.meter.hex()
    output.emit({"meter": meter, "file": str(out)}, [f"meter {meter} asks in {out}"], as_json)


@app.command()
def deal(file: SecretFile, run: Run, trust: TrustFile, as_json: Json = False) -> None:
    """Enter a run: see who is in the group, and share out the secrets of your masks."""
    from wattseal_host.customer import group_rounds

    board = _board(run, trust)
    group = board.group()
    planned = board.plan(group)
    with _member(file) as (held, member, path):
        member, token = group_rounds.deal(member, group, planned)
        member.save(path)
        posted = board.post(f"deals/{held.meter.hex()}", token)
    value = {
        "set": group.digest.hex(),
        "name": group.name,
        "members": [one.meter.hex() for one in group.members],
        "needed": group.threshold,
        "file": str(posted),
    }
    lines = [f"{group.name}: {len(group.members)} meters, set {group.digest.hex()}"]
    output.emit(value, [*lines, f"dealt in {posted}"], as_json)


@app.command()
def share(
    file: SecretFile, run: Run, trust: TrustFile, ledger: LedgerFile, as_json: Json = False
) -> None:
    """Give your masked readings: once for each interval, ever."""
    from wattseal_host.customer import group_rounds
    from wattseal_host.ledger import Ledger

    board = _board(run, trust)
    group = board.group()
    planned = board.plan(group)
    listed = board.roster(planned, group)
    with _member(file) as (held, member, path):
        with Ledger.existing(ledger) as opened:
            stretch = opened.period(held.meter, planned.from_s, planned.to_s)
        openings = held.opener().open_stretch(stretch)
        member, token = group_rounds.share(member, group, planned, listed, openings)
        # Noted before it can leave: a share that was forgotten could be given twice.
        member.save(path)
        posted = board.post(f"shares/{held.meter.hex()}", token)
    slots = len(planned.slots(group.interval_s))
    value = {"intervals": slots, "members": len(listed.deals), "file": str(posted)}
    lines = [f"{slots} masked readings among {len(listed.deals)} members in {posted}"]
    output.emit(value, lines, as_json)


@app.command()
def reveal(file: SecretFile, run: Run, trust: TrustFile, as_json: Json = False) -> None:
    """Answer the closing: one of the two secrets of each peer, never both."""
    from wattseal_host.customer import group_rounds

    board = _board(run, trust)
    group = board.group()
    planned = board.plan(group)
    listed = board.roster(planned, group)
    closing = board.closing(listed, group)
    with _member(file) as (held, member, path):
        member, token = group_rounds.reveal(member, group, planned, listed, closing)
        member.save(path)
        posted = board.post(f"reveals/{held.meter.hex()}", token)
    gone = len(listed.deals) - len(closing.came)
    value = {"came": len(closing.came), "dropped": gone, "file": str(posted)}
    lines = [f"{len(closing.came)} answered, {gone} dropped out; revealed in {posted}"]
    output.emit(value, lines, as_json)


def _board(run: Path, trust: Path) -> Board:
    from wattseal_host.group.board import Board
    from wattseal_host.trust import Trust

    return Board(run, Trust.load(trust))


@contextmanager
def _member(file: Path, new: bool = False) -> Iterator[tuple[Secrets, Member, Path]]:
    """The member's file, held for this process alone until the block ends."""
    from wattseal.errors import Misuse

    from wattseal_host.customer.group_store import Member
    from wattseal_host.customer.releases import Releases
    from wattseal_host.customer.store import Secrets

    held = Secrets.load(file)
    path = Member.path_for(file)
    with Releases.locked(path):
        if path.exists():
            yield held, Member.load(path, held.meter), path
        elif new:
            yield held, Member.fresh(held.meter), path
        else:
            raise Misuse("group-unjoined", f"no {path}: `wattseal group join` makes it")
