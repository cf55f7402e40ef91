"""`wattseal group found|plan|roster|close|sum|check|loss`: the aggregator's side, and the check."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output

Directory = Annotated[Path, typer.Option("--dir", help="The provider's directory.")]
Run = Annotated[Path, typer.Option("--run", help="The run's folder of papers; nothing secret.")]
LedgerFile = Annotated[Path, typer.Option("--ledger", help="A ledger with the members' records.")]
TrustFile = Annotated[Path, typer.Option("--trust", help="Keys you trust (wattseal-trust/1).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def found(
    joins: Annotated[list[Path], typer.Argument(help="The members' join papers (.jws).")],
    directory: Directory,
    ledger: LedgerFile,
    out: Annotated[Path, typer.Option(help="Where the signed set goes (.jws).")],
    name: Annotated[str, typer.Option(help="The group's name.")] = "group",
    channel: Annotated[str, typer.Option(help="import or export.")] = "import",
    as_json: Json = False,
) -> None:
    """Fix the set of meters: ten at least, measured alike. Nothing can be changed in it."""
    from wattseal_host.files import read_token, write_token
    from wattseal_host.group.founding import GroupSet
    from wattseal_host.ledger import Ledger
    from wattseal_host.provider import group_sums
    from wattseal_host.provider.office import Office

    office = Office(directory)
    with Ledger.existing(ledger) as opened:
        tokens = [read_token(path) for path in joins]
        token = group_sums.found(name, channel, tokens, opened, office.key)
    group = GroupSet.open(token, [office.public])
    write_token(out, token)
    digest = group.digest.hex()
    value = {"digest": digest, "members": len(group.members), "file": str(out)}
    output.emit(value, [f"{len(group.members)} meters, set {digest} in {out}"], as_json)


def plan(
    directory: Directory,
    run: Run,
    group_set: Annotated[Path, typer.Option("--set", help="The signed set (.jws).")],
    from_: Annotated[str, typer.Option("--from", help="UTC date or time, ISO 8601.")],
    to: Annotated[str, typer.Option("--to", help="UTC date or time, ISO 8601 (excluded).")],
    as_json: Json = False,
) -> None:
    """Plan a run: which intervals are summed. Makes the run's folder."""
    from wattseal_host.files import read_token
    from wattseal_host.group.board import Board
    from wattseal_host.group.founding import GroupSet
    from wattseal_host.provider import group_sums
    from wattseal_host.provider.office import Office

    office = Office(directory)
    token = read_token(group_set)
    group = GroupSet.open(token, [office.public])
    from_s, to_s = output.utc_seconds(from_), output.utc_seconds(to)
    planned = group_sums.plan(group, from_s, to_s, office.key)
    board = Board(run, office.trust())
    board.post("set", token)
    board.post("plan", planned)
    slots = (to_s - from_s) // group.interval_s
    value = {"intervals": slots, "members": len(group.members), "needed": group.threshold}
    lines = [f"{slots} intervals, {group.threshold} of {len(group.members)} members are needed"]
    output.emit(value, lines, as_json)


def roster(directory: Directory, run: Run, as_json: Json = False) -> None:
    """List who dealt: from now on they are the ones whose masks cancel."""
    from wattseal_host.group.board import Board
    from wattseal_host.provider import group_sums
    from wattseal_host.provider.office import Office

    office = Office(directory)
    board = Board(run, office.trust())
    group = board.group()
    deals = board.tokens("deals")
    posted = board.post("roster", group_sums.roster(group, board.plan(group), deals, office.key))
    lines = [f"{len(deals)} of {len(group.members)} members take part: {posted}"]
    output.emit({"members": len(deals), "file": str(posted)}, lines, as_json)


def close(directory: Directory, run: Run, as_json: Json = False) -> None:
    """Say whose shares came. Who is late after this is not in the sum."""
    from wattseal_host.group.board import Board
    from wattseal_host.provider import group_sums
    from wattseal_host.provider.office import Office

    office = Office(directory)
    board = Board(run, office.trust())
    group = board.group()
    planned = board.plan(group)
    listed = board.roster(planned, group)
    shares = board.tokens("shares")
    posted = board.post("closing", group_sums.close(group, planned, listed, shares, office.key))
    gone = len(listed.deals) - len(shares)
    value = {"came": len(shares), "dropped": gone, "file": str(posted)}
    output.emit(value, [f"{len(shares)} shares came, {gone} dropped out: {posted}"], as_json)


def sums(directory: Directory, run: Run, ledger: LedgerFile, as_json: Json = False) -> None:
    """Unmask the sums, and certify them against the sealed records."""
    from wattseal_host.group.board import Board
    from wattseal_host.ledger import Ledger
    from wattseal_host.provider import group_sums
    from wattseal_host.provider.office import Office

    office = Office(directory)
    board = Board(run, office.trust())
    group = board.group()
    planned = board.plan(group)
    listed = board.roster(planned, group)
    closing = board.closing(listed, group)
    with Ledger.existing(ledger) as opened:
        total, token = group_sums.total(
            group,
            planned,
            listed,
            closing,
            board.tokens("shares"),
            board.tokens("reveals"),
            opened,
            office.key,
        )
    posted = board.post("sum", token)
    value = {
        "members": len(total.members),
        "intervals": len(total.values),
        "values": [str(value) for value in total.values],
        "file": str(posted),
    }
    whole = Decimal(sum(total.values)).scaleb(group.unit.exponent)
    lines = [
        f"{len(total.members)} members, {len(total.values)} intervals, {whole:f} "
        f"{group.unit.name} together; certified against their sealed records: {posted}"
    ]
    output.emit(value, lines, as_json)


def check(run: Run, trust: TrustFile, ledger: LedgerFile, as_json: Json = False) -> None:
    """Verify a run's sums against a ledger of one's own. Exit 1 if they are false."""
    from wattseal.errors import Refused

    from wattseal_host.group.board import Board
    from wattseal_host.group.total import Total, certify
    from wattseal_host.ledger import Ledger
    from wattseal_host.trust import Trust

    trusted = Trust.load(trust)
    board = Board(run, trusted)
    group = board.group()
    try:
        total = Total.open(board.token("sum"), group, trusted.providers)
        with Ledger.existing(ledger) as opened:
            certify(total, group, opened)
    except Refused as error:
        value = {"accepted": False, "code": error.code, "detail": error.detail}
        output.emit(value, [f"refused: {error.code} ({error.detail})"], as_json)
        raise typer.Exit(1) from error
    value = {"accepted": True, "code": "accepted", "detail": ""}
    output.emit(value, [f"accepted: sums of {len(total.members)} sealed meters"], as_json)


def loss(
    run: Run,
    trust: TrustFile,
    feeder: Annotated[
        Path, typer.Option(help="The feeder's readings, as `customer recover --csv` writes them.")
    ],
    drawing: Annotated[Path | None, typer.Option("--plot", help="Where a drawing goes.")] = None,
    as_json: Json = False,
) -> None:
    """Compare the sums with the feeder's meter: what was lost, or taken, on the way."""
    from wattseal_host.files import write_atomic
    from wattseal_host.group.board import Board
    from wattseal_host.group.total import Total
    from wattseal_host.provider import losses
    from wattseal_host.trust import Trust

    trusted = Trust.load(trust)
    board = Board(run, trusted)
    group = board.group()
    total = Total.open(board.token("sum"), group, trusted.providers)
    rows = losses.compare(total, group, losses.read_feeder(feeder, group))
    if drawing is not None:
        write_atomic(drawing, losses.plot(rows, group.unit.name).encode())
    fed = sum((row.fed for row in rows), Decimal(0))
    lost = sum((row.lost for row in rows), Decimal(0))
    percent = f"{lost / fed * 100:.2f}" if fed else None
    absent = len(group.members) - len(total.members)
    value = {
        "unit": group.unit.name,
        "fed": f"{fed:f}",
        "lost": f"{lost:f}",
        "lost_percent": percent,
        "members": len(total.members),
        "members_absent": absent,
        "intervals": [
            {
                "start": losses.utc_text(row.start_s),
                "fed": f"{row.fed:f}",
                "used": f"{row.used:f}",
                "lost": f"{row.lost:f}",
            }
            for row in rows
        ],
    }
    unit = group.unit.name
    worst = sorted(rows, key=lambda row: -row.lost)[:3]
    lines = [
        f"fed {fed:f} {unit}, lost {lost:f} {unit} ({percent} %) over {len(rows)} intervals",
        *(["what absent members used is counted as lost"] if absent else []),
        "the most in one interval:",
        *(f"  {losses.utc_text(row.start_s)}  {row.lost:f} {unit}" for row in worst),
    ]
    output.emit(value, lines, as_json)
