"""The bill message: what a customer sends to a provider that has the ledger.

    offset len
    0      16  "wattseal-bill/1" and a zero byte
    16     16  meter
    32     4   from_s           36   4  to_s
    40     32  before           72   32 last
    104    32  contract digest  136  32 tariff digest
    168    3   currency code    171  1  digits of its minor unit
    172    16  amount, signed
    188    32  F, signed        220  32 R

With a circuit's proof it begins with "wattseal-bill/2" and a zero byte, and from 188 on it has

    188    1   bits             189  the proof, to the end

A bill over several tariffs or meters is a message of another version (`wide_message`).

Integers are big-endian, signed ones in two's complement. The statement and the proof of a bundle
are in it, whole; records and documents are the provider's own. Every byte string of this length
with fields in range is the encoding of what it decodes to.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattseal.errors import Malformed, Misuse
from wattseal.p256 import N

from wattseal_host.encoding import malformed
from wattseal_host.errors import Unusable
from wattseal_host.linear import MAX_FEE, LinearProof
from wattseal_host.proven_bill import MAX_PROOF_BYTES, CircuitProof
from wattseal_host.statement import Statement
from wattseal_host.tariff.scene import READING_BITS
from wattseal_host.units import Currency

LABEL = b"wattseal-bill/1\0"
BYTES = 252
CIRCUIT_LABEL = b"wattseal-bill/2\0"
_PROOF_AT = 189
AMOUNT_LIMIT = 1 << 127


@dataclass(frozen=True)
class BillMessage:
    """statement: its key left out of the bytes, being the meter's; proof: of the fee."""

    statement: Statement
    proof: LinearProof | CircuitProof

    def write(self) -> bytes:
        """252 bytes, or 189 and the circuit's proof. Misuse `bill-range` for a statement of
        several tariffs, or an amount beyond 127 bits."""
        said = self.statement
        if len(said.tariffs) != 1 or abs(said.amount) >= AMOUNT_LIMIT:
            raise Misuse("bill-range")
        proof = self.proof
        if isinstance(proof, LinearProof):
            label = LABEL
            tail = proof.fee.to_bytes(32, "big", signed=True) + proof.blinding.to_bytes(32, "big")
        else:
            label, tail = CIRCUIT_LABEL, bytes([proof.bits]) + proof.data
        return b"".join(
            (
                label,
                said.meter,
                said.from_s.to_bytes(4, "big"),
                said.to_s.to_bytes(4, "big"),
                said.before,
                said.last,
                said.contract,
                said.tariffs[0],
                said.currency.code.encode("ascii"),
                bytes([said.currency.minor_digits]),
                said.amount.to_bytes(16, "big", signed=True),
                tail,
            )
        )


def is_bill_message(data: bytes) -> bool:
    """Whether these bytes mean to be a bill message (of these versions)."""
    return data.startswith((LABEL, CIRCUIT_LABEL))


def read_meter(data: bytes) -> bytes:
    """The meter's id, 16 bytes. Raises Unusable `not-a-bill`, Malformed `bill-length`."""
    if not is_bill_message(data):
        raise Unusable("not-a-bill")
    if data.startswith(LABEL):
        if len(data) != BYTES:
            raise Malformed("bill-length", f"{len(data)} bytes, wants {BYTES}")
    elif not _PROOF_AT < len(data) <= _PROOF_AT + MAX_PROOF_BYTES:
        raise Malformed("bill-length", f"{len(data)} bytes")
    return data[16:32]


def read(data: bytes, key: bytes) -> BillMessage:
    """Parse a message, given the key (33 bytes) of the meter it names; nothing is verified.

    Raises Unusable `not-a-bill`, Malformed `bill-length` or `field-malformed`.
    """
    meter = read_meter(data)
    currency = read_currency(data[168:172])
    amount = int.from_bytes(data[172:188], "big", signed=True)
    proof = _read_proof(data)
    if amount == -AMOUNT_LIMIT:
        raise malformed("bill.amount")
    statement = Statement(
        contract=data[104:136],
        tariffs=(data[136:168],),
        meter=meter,
        key=key,
        from_s=int.from_bytes(data[32:36], "big"),
        to_s=int.from_bytes(data[36:40], "big"),
        before=data[40:72],
        last=data[72:104],
        currency=currency,
        amount=amount,
    )
    return BillMessage(statement, proof)


def _read_proof(data: bytes) -> LinearProof | CircuitProof:
    if data.startswith(CIRCUIT_LABEL):
        if data[188] not in READING_BITS:
            raise malformed("bill.bits")
        return CircuitProof(data[188], data[_PROOF_AT:])
    return read_fee(data[188:])


def read_currency(data: bytes) -> Currency:
    """From the code and the digits, 4 bytes. Malformed `field-malformed`."""
    try:
        code = data[:3].decode("ascii")
    except UnicodeDecodeError as error:
        raise malformed("bill.currency") from error
    return Currency.read({"code": code, "minor_digits": data[3]}, "bill.currency")


def read_fee(data: bytes) -> LinearProof:
    """From F and R, 64 bytes. Malformed `field-malformed`."""
    fee = int.from_bytes(data[:32], "big", signed=True)
    blinding = int.from_bytes(data[32:], "big")
    if abs(fee) >= MAX_FEE:
        raise malformed("bill.fee")
    if blinding >= N:
        raise malformed("bill.blinding")
    return LinearProof(fee, blinding)
