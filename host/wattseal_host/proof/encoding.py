"""A proof and its bytes (PROOF.md section 5). Version 1; every version ever released stays.

    1 byte version, then
    A_I A_O S T_1 T_3 T_4 T_5 T_6    points
    tau_x mu t_hat                   scalars
    L_1 R_1 … L_k R_k                points
    a_1 … a_f b_1 … b_f              scalars

The circuit's gates give k and f, and so the length. Points are compressed (33 bytes) and never
the identity, scalars are below n (32 bytes): no proof has two encodings.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattseal.errors import Malformed

from wattseal_host.proof.group import Group, Point
from wattseal_host.proof.inner_product import InnerProductProof, shape

VERSION = 1
POINTS = ("A_I", "A_O", "S", "T_1", "T_3", "T_4", "T_5", "T_6")
T_POWERS = (1, 3, 4, 5, 6)


@dataclass(frozen=True)
class Proof:
    """Symbols as in the paper: T of the powers 1, 3, 4, 5, 6; tau_x, mu: blindings; t_hat:
    <l, r>."""

    A_I: Point
    A_O: Point
    S: Point
    T: tuple[Point, ...]
    tau_x: int
    mu: int
    t_hat: int
    inner: InnerProductProof

    def encode(self, group: Group) -> bytes:
        """Misuse `point-identity` where a point has no encoding."""
        pairs = [p for pair in zip(self.inner.L, self.inner.R, strict=True) for p in pair]
        parts = [bytes([VERSION])]
        parts += [group.encode(p) for p in (self.A_I, self.A_O, self.S, *self.T)]
        parts += [_scalar(k, group) for k in (self.tau_x, self.mu, self.t_hat)]
        parts += [group.encode(p) for p in pairs]
        parts += [_scalar(k, group) for k in (*self.inner.a, *self.inner.b)]
        return b"".join(parts)


def _scalar(k: int, group: Group) -> bytes:
    return int(k).to_bytes(group.scalar_bytes, "big")


def length(gates: int, group: Group) -> int:
    """The bytes of a proof for a circuit of so many gates."""
    final, rounds = shape(gates)
    points, scalars = len(POINTS) + 2 * rounds, 3 + 2 * final
    return 1 + points * group.point_bytes + scalars * group.scalar_bytes


def decode(data: bytes, gates: int, group: Group) -> Proof:
    """Raises Malformed `proof-version`, `proof-length`, `point-*`, `scalar-range`."""
    if not data or data[0] != VERSION:
        raise Malformed("proof-version")
    if len(data) != length(gates, group):
        raise Malformed("proof-length", f"{len(data)} bytes, wants {length(gates, group)}")
    final, rounds = shape(gates)
    reader = _Reader(data, group)
    heads = reader.points(len(POINTS))
    tau_x, mu, t_hat = reader.scalars(3)
    pairs = reader.points(2 * rounds)
    a, b = reader.scalars(final), reader.scalars(final)
    inner = InnerProductProof(pairs[::2], pairs[1::2], a, b)
    A_I, A_O, S, *T = heads
    return Proof(A_I, A_O, S, tuple(T), tau_x, mu, t_hat, inner)


class _Reader:
    def __init__(self, data: bytes, group: Group) -> None:
        self._data, self._at, self._group = data, 1, group

    def _take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def points(self, count: int) -> tuple[Point, ...]:
        return tuple(self._group.decode(self._take(self._group.point_bytes)) for _ in range(count))

    def scalars(self, count: int) -> tuple[int, ...]:
        values = []
        for _ in range(count):
            value = int.from_bytes(self._take(self._group.scalar_bytes), "big")
            if value >= self._group.order:
                raise Malformed("scalar-range")
            values.append(value)
        return tuple(values)
