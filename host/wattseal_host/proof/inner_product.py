"""The inner-product argument (Bünz et al. 2018, section 3), of l and r in P (PROOF.md section 5).

    P = Σ l_i G_i + Σ r_i y^-i H_i + <l, r> w Q

Each of k rounds halves the vectors; it ends at the 2 or 3 that n = f * 2^k leaves, which are sent
as they are: as many bytes as going on would take, or fewer, and no n in between powers of two
is padded far.

The prover does not fold generators each round: L and R of a few rounds are written over the
generators as they were, with the challenges multiplied into the scalars, and then the rounds'
folding is done at once (folding.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wattseal_host.proof.group import Group, Point, Vectors
from wattseal_host.proof.transcript import Transcript
from wattseal_host.proof.vectors import challenge_products, dot, fold_scalars, inverse, powers

LAZY_ROUNDS = 4
LEAST_FOLDED = 64  # shorter vectors are not worth folding


@dataclass(frozen=True)
class InnerProductProof:
    """L, R: one point a round; a, b: the last f scalars of either side."""

    L: tuple[Point, ...]
    R: tuple[Point, ...]
    a: tuple[int, ...]
    b: tuple[int, ...]


def shape(gates: int) -> tuple[int, int]:
    """(f, k): the least n = f * 2^k >= gates with f in (2, 3); k rounds, f scalars in the end."""
    k = 0
    while 3 << k < gates:
        k += 1
    # 2 * 2^k or 3 * 2^k fits, and 3 * 2^(k-1) does not.
    return (2, k) if 2 << k >= gates else (3, k)


def absorb_round(transcript: Transcript, group: Group, L: Point, R: Point) -> int:
    """One round of the conversation: L and R, and the challenge u."""
    transcript.absorb(b"L", group.encode(L))
    transcript.absorb(b"R", group.encode(R))
    return transcript.challenge(b"u")


class _Basis:
    """The folded generators of a round, as multiples of older ones.

    Folded G_j = Σ_b s_b G_(b*m + j); folded H_j = Σ_b s_b^-1 ratio^(b*m + j) H_(b*m + j).
    """

    def __init__(self, group: Group, vectors: Vectors, n: int, ratio: int) -> None:
        self._group, self._vectors, self._n = group, vectors, n
        self._ratios = powers(ratio, n, group.order)
        self._pending: list[int] = []

    def exp(self, g: Sequence[int], h: Sequence[int], q: int) -> Point:
        """Σ g_j (folded G_j) + Σ h_j (folded H_j) + q Q."""
        order = self._group.order
        weights = challenge_products(self._pending, order)
        g_all = [s * x % order for s in weights for x in g]
        h_all = [s * x % order if x else 0 for s in reversed(weights) for x in h]
        h_all = [x * y % order for x, y in zip(h_all, self._ratios, strict=True)]
        return self._vectors.exp(g_all, h_all, [self._group.Q], [q])

    def fold(self, challenge: int) -> None:
        self._pending.append(challenge)
        width = self._n >> len(self._pending)
        if len(self._pending) < LAZY_ROUNDS or width < LEAST_FOLDED:
            return
        order = self._group.order
        weights = challenge_products(self._pending, order)
        ratios = self._ratios[::width]
        h = [s * y % order for s, y in zip(reversed(weights), ratios, strict=True)]
        self._vectors = self._vectors.fold(weights, h)
        self._n, self._ratios, self._pending = width, self._ratios[:width], []


def prove(
    group: Group,
    vectors: Vectors,
    ratio: int,
    l: Sequence[int],  # noqa: E741 (the paper's symbol)
    r: Sequence[int],
    transcript: Transcript,
    tick: Callable[[int], None],
) -> InnerProductProof:
    """The argument for l and r, both of length f * 2^k; ratio = y^-1.

    Draws w, then absorbs the rounds. `tick(length)` is called after each.
    """
    order = group.order
    w = transcript.challenge(b"w")
    basis = _Basis(group, vectors, len(l), ratio)
    a, b = list(l), list(r)
    L: list[Any] = []
    R: list[Any] = []
    while len(a) > 3:
        half = len(a) // 2
        nothing = [0] * half
        a_low, a_high, b_low, b_high = a[:half], a[half:], b[:half], b[half:]
        L.append(
            basis.exp(nothing + a_low, b_high + nothing, w * dot(a_low, b_high, order) % order)
        )
        R.append(
            basis.exp(a_high + nothing, nothing + b_low, w * dot(a_high, b_low, order) % order)
        )
        u = absorb_round(transcript, group, L[-1], R[-1])
        u_inverse = inverse(u, order)
        a = fold_scalars(a, u, u_inverse, order)
        b = fold_scalars(b, u_inverse, u, order)
        if len(a) > 3:
            basis.fold(u)
        tick(half)
    return InnerProductProof(tuple(L), tuple(R), tuple(a), tuple(b))


@dataclass(frozen=True)
class Challenges:
    """w, and u of each round."""

    w: int
    u: tuple[int, ...]


def read_challenges(proof: InnerProductProof, transcript: Transcript, group: Group) -> Challenges:
    """The verifier's side of the conversation."""
    w = transcript.challenge(b"w")
    pairs = zip(proof.L, proof.R, strict=True)
    return Challenges(w, tuple(absorb_round(transcript, group, L, R) for L, R in pairs))
