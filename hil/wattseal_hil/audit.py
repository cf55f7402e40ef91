"""What must hold when a scenario is over, whatever the meter thinks of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from wattseal.chain import Chain, Config
from wattseal.commitment import opens_all, unmask_reading
from wattseal.errors import WattsealError
from wattseal.keytree import BLOCK_RECORDS, blinding, block_key, epoch_id, pad
from wattseal.p256 import decode_point
from wattseal.record import EVENT, PAIRED, Record, decode_origin, decode_paired, decode_sealed

from wattseal_hil.account import Account
from wattseal_hil.talk import Talk
from wattseal_hil.witness import Witness

_LOG_INTACT, _LOG_DAMAGED = 2, 512
_SAMPLES = 6


def audit(
    witness: Witness,
    talk: Talk,
    account: Account,
    secrets: Mapping[int, bytes | None],
    now_s: float,
    timely: bool,
) -> list[Record]:
    """Ask the meter for everything it has sealed, and note what cannot be.

    secrets: of the epochs this customer paired; None where it never heard which. timely: the
    meter's clock was always right, so sealing is not behind. Raises BoardError meter-….
    """
    status, sealed = _whole_log(talk)
    oldest = int(status["oldest_seq"])
    for number, data in enumerate(sealed):
        witness.see(data, "history", oldest + number)
    if len(sealed) != status["next_seq"] - oldest:
        witness.problem("log-short", f"{len(sealed)} records of {status['next_seq']}")
    for seq, shown in witness.records.items():
        if seq >= oldest + len(sealed):
            witness.problem("record-lost", f"record {seq} was shown, {len(sealed)} are left")
        elif seq >= oldest and sealed[seq - oldest] != shown:
            witness.problem("two-bodies", f"record {seq}")
    if status["status"] & (_LOG_INTACT | _LOG_DAMAGED) != _LOG_INTACT:
        witness.problem("log-damaged", f"status {status['status']}")
    # What the meter has dropped since was shown before, or nobody can tell the whole.
    kept = [witness.records.get(seq, b"") for seq in range(oldest)]
    whole = all(kept)
    records = [decode_sealed(data) for data in ([*kept, *sealed] if whole else sealed)]
    if records:
        _chain(witness, records, status["interval_s"])
    _utility(witness, talk, oldest, sealed)
    total = _opened(witness, talk, records, secrets, status) if whole else None
    _energy(witness, account, records, total, status, now_s, timely)
    return records


def _whole_log(talk: Talk) -> tuple[dict[str, Any], list[bytes]]:
    """(status, sealed records from the oldest on) of one moment: between two seals."""
    status = talk.status()
    while True:
        sealed = talk.history(int(status["oldest_seq"])) if status["next_seq"] else []
        after = talk.status()
        if (after["next_seq"], after["oldest_seq"]) == (status["next_seq"], status["oldest_seq"]):
            return after, sealed
        status = after


def _chain(witness: Witness, records: list[Record], interval_s: int) -> None:
    """The chain holds, from its beginning if that is there, and its last signature is good."""
    head = records[0]
    try:
        if head.seq == 0:
            chain = Chain(decode_origin(head.payload)[3])
        else:
            if witness.key is None:
                return  # the beginning was never shown
            config = Config(interval_s, head.exponent, head.channel_set)
            chain = Chain(witness.key, config, head.previous, head.seq, head.start_s)
        for record in records:
            chain.append(record, record.digest)
        chain.check_signature(records[-1].signature)
    except WattsealError as error:
        witness.problem(error.code, error.detail)
    except (IndexError, ValueError) as error:
        witness.problem("chain-origin", str(error))


def _utility(witness: Witness, talk: Talk, oldest: int, sealed: list[bytes]) -> None:
    """The utility's port has the same records."""
    if not sealed:
        return
    step = max(1, len(sealed) // _SAMPLES)
    for number in {*range(0, len(sealed), step), len(sealed) - 1}:
        if talk.file_record(oldest + number) != sealed[number]:
            witness.problem("two-bodies", f"record {oldest + number}, by file record")


def _opened(
    witness: Witness,
    talk: Talk,
    records: list[Record],
    secrets: Mapping[int, bytes | None],
    status: Mapping[str, Any],
) -> int | None:
    """Sealed units, by the customer's own secrets; None where nobody here can open a record.

    The current epoch may be opened by what the meter tells, each opening against its commitment.
    """
    told = {}
    epoch = status["epoch"]
    if epoch not in secrets and records:
        first = next((r.seq for r in records if r.epoch == epoch), len(records))
        first = max(first, status["oldest_seq"])
        told = {(o[0], o[1]): o for o in talk.openings(first)}
    points, values, blindings = [], [], []
    total, whole = 0, True
    keys: dict[tuple[int, int], bytes] = {}
    for record in records:
        if record.kind == EVENT and record.event == PAIRED:
            _named(witness, record, secrets)
        for channel, (commitment, ciphertext) in enumerate(record.channels):
            secret = secrets.get(record.epoch)
            if secret:
                block = (record.epoch, record.seq // BLOCK_RECORDS)
                if block not in keys:
                    keys[block] = block_key(secret, record.meter, *block)
                place = (keys[block], record.meter, record.boot, record.seq, channel)
                value, _ = unmask_reading(ciphertext, pad(*place))
                factor = blinding(*place)
            elif (record.seq, channel) in told:
                _, _, value, _, factor = told[record.seq, channel]
            else:
                whole = False
                continue
            points.append(decode_point(commitment))
            values.append(value)
            blindings.append(factor)
            total += value if channel == 0 else 0
    # Chance that nobody could foresee who chose the inputs; the same in every run.
    entropy = hashlib.sha256(b"".join(record.digest for record in records)).digest()
    if points and not opens_all(points, values, blindings, entropy):
        witness.problem("opening-wrong", f"among {len(points)} readings")
    return total if whole else None


def _named(witness: Witness, record: Record, secrets: Mapping[int, bytes | None]) -> None:
    """A secret that was told is that of its epoch."""
    epoch, name = decode_paired(record.payload)
    secret = secrets.get(epoch, b"")
    if secret and epoch_id(secret, record.meter, epoch) != name:
        witness.problem("secret-lost", f"epoch {epoch} is not that of the secret told")


def _energy(
    witness: Witness,
    account: Account,
    records: list[Record],
    total: int | None,
    status: Mapping[str, object],
    now_s: float,
    timely: bool,
) -> None:
    """Registers and sealed readings against what the load drew."""
    if not witness.power:
        return
    begin_s = witness.power[0][0]
    register_wh = int(str(status["register_wh"]))
    least_wh, most_wh = account.bounds_wh(begin_s, now_s)
    if not least_wh - 1 <= register_wh <= most_wh:
        witness.problem("register-wrong", f"{register_wh} Wh, not {least_wh:.1f} to {most_wh:.1f}")
    for (shown_s, shown_wh), boot_s in _before_boots(witness, account):
        after = [wh for at_s, wh in witness.registers if at_s >= boot_s] or [register_wh]
        if after[0] < shown_wh:
            witness.problem(
                "register-lost", f"{shown_wh} Wh shown at {shown_s:.0f}, {after[0]} after a boot"
            )
    if total is None or not records:
        return
    unit_wh = 10.0 ** records[-1].exponent
    sealed_wh = total * unit_wh
    if sealed_wh > register_wh + 1 or sealed_wh > most_wh:
        witness.problem("sealed-too-much", f"{sealed_wh:g} Wh, the register is {register_wh} Wh")
    if timely:
        # What came after the newest record's end, and what fills no whole unit.
        rest_wh = account.energy_wh(records[-1].end_s - account.burst_s - 1, now_s) + unit_wh + 1
        if register_wh - sealed_wh > rest_wh * 1.01 + 1:
            witness.problem("sealed-too-little", f"{sealed_wh:g} Wh of {register_wh} Wh")


def _before_boots(witness: Witness, account: Account) -> list[tuple[tuple[float, int], float]]:
    """For each boot but the first: the last register a checkpoint held for sure, and when it is."""
    found = []
    lasting = list(witness.registers)
    for (cut_s, was_on), (boot_s, on) in zip(witness.power, witness.power[1:], strict=False):
        if was_on or not on:
            continue
        # What a cut may have cost stays lost, however often the power fails after it.
        sure_s = account.durable_s(cut_s)
        lasting = [shown for shown in lasting if not sure_s < shown[0] <= cut_s]
        earlier = [shown for shown in lasting if shown[0] <= sure_s]
        if earlier:
            found.append((earlier[-1], boot_s))
    return found
