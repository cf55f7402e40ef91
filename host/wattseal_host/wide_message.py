"""The bill message of a bill over several tariffs or meters, `wattseal-bill/3`.

    offset len
    0      16  "wattseal-bill/3" and a zero byte
    16     1   meters, m             17  1  tariffs, t; one of the two above 1
    18     1   0: the fee opened; else the bits of a circuit's proof
    19     3   currency code         22  1  digits of its minor unit
    23     16  amount, signed
    39     120*m  of each meter: id 16, from_s 4, to_s 4, before 32, last 32, contract digest 32
           32*t   digests of the tariffs
           64     F, signed, and R; or the circuit's proof, to the end

Keys and the documents that join the meters are the provider's own. One byte string to a bill.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Malformed, Misuse
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host.bill_message import AMOUNT_LIMIT, BillMessage, read_currency, read_fee
from wattseal_host.encoding import malformed
from wattseal_host.errors import Unusable
from wattseal_host.linear import LinearProof
from wattseal_host.proven_bill import MAX_PROOF_BYTES, CircuitProof
from wattseal_host.statement import (
    MAX_METERS,
    MAX_TARIFFS,
    AnyStatement,
    Metered,
    Statement,
    statement_over,
)
from wattseal_host.tariff.scene import READING_BITS

LABEL = b"wattseal-bill/3\0"
_HEAD, _METER, _FEE = 39, 120, 64


def write(statement: AnyStatement, proof: LinearProof | CircuitProof) -> bytes:
    """The message of any bill, in the oldest version that can say it. Misuse `bill-range`."""
    if isinstance(statement, Statement) and len(statement.tariffs) == 1:
        return BillMessage(statement, proof).write()
    if abs(statement.amount) >= AMOUNT_LIMIT:
        raise Misuse("bill-range")
    if isinstance(proof, LinearProof):
        bits = 0
        tail = proof.fee.to_bytes(32, "big", signed=True) + proof.blinding.to_bytes(32, "big")
    else:
        bits, tail = proof.bits, proof.data
    return b"".join(
        (
            LABEL,
            bytes([len(statement.stretches), len(statement.tariffs), bits]),
            statement.currency.code.encode("ascii"),
            bytes([statement.currency.minor_digits]),
            statement.amount.to_bytes(16, "big", signed=True),
            *map(_meter, statement.stretches),
            *statement.tariffs,
            tail,
        )
    )


def is_wide(data: bytes) -> bool:
    """Whether these bytes mean to be a message of this version."""
    return data.startswith(LABEL)


def read_meters(data: bytes) -> list[bytes]:
    """The meters' ids. Raises Unusable `not-a-bill`, Malformed `bill-length`, `field-malformed`."""
    if not is_wide(data):
        raise Unusable("not-a-bill")
    meters, tail = _counts(data)
    proof = len(data) - tail
    if not (0 < proof <= MAX_PROOF_BYTES if data[18] else proof == _FEE):
        raise Malformed("bill-length", f"{len(data)} bytes")
    return [data[at : at + METER_ID_BYTES] for at in range(_HEAD, _HEAD + _METER * meters, _METER)]


def read(
    data: bytes, keys: Sequence[bytes], links: tuple[bytes, ...]
) -> tuple[AnyStatement, LinearProof | CircuitProof]:
    """Parse a message, given the meters' keys (33 bytes each) and the digests of the documents that
    join them; nothing is verified. Raises as `read_meters`."""
    read_meters(data)
    meters, tail = _counts(data)
    stretches = tuple(_read_meter(data, at, key) for at, key in enumerate(keys))
    listed = data[_HEAD + _METER * meters : tail]
    tariffs = tuple(listed[at : at + DIGEST_BYTES] for at in range(0, len(listed), DIGEST_BYTES))
    currency = read_currency(data[19:23])
    amount = int.from_bytes(data[23:39], "big", signed=True)
    if amount == -AMOUNT_LIMIT:
        raise malformed("bill.amount")
    if data[18] not in (0, *READING_BITS):
        raise malformed("bill.bits")
    proof: LinearProof | CircuitProof
    proof = CircuitProof(data[18], data[tail:]) if data[18] else read_fee(data[tail:])
    return statement_over(stretches, links, tariffs, currency, amount), proof


def _counts(data: bytes) -> tuple[int, int]:
    """(meters, where the proof begins)."""
    if len(data) < _HEAD:
        raise Malformed("bill-length", f"{len(data)} bytes")
    meters, tariffs = data[16], data[17]
    if not (1 <= meters <= MAX_METERS and 1 <= tariffs <= MAX_TARIFFS and meters + tariffs > 2):
        raise malformed("bill.counts")
    return meters, _HEAD + _METER * meters + DIGEST_BYTES * tariffs


def _meter(one: Metered) -> bytes:
    times = one.from_s.to_bytes(4, "big") + one.to_s.to_bytes(4, "big")
    return one.meter + times + one.before + one.last + one.contract


def _read_meter(data: bytes, at: int, key: bytes) -> Metered:
    own = data[_HEAD + _METER * at : _HEAD + _METER * (at + 1)]
    return Metered(
        contract=own[88:],
        meter=own[:16],
        key=key,
        from_s=int.from_bytes(own[16:20], "big"),
        to_s=int.from_bytes(own[20:24], "big"),
        before=own[24:56],
        last=own[56:88],
    )
