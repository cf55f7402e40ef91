"""The verifier: of one proof, or of many at once (PROOF.md section 5).

A proof holds if two sums of multiples of points are the identity. All sums of all proofs are
weighted with fresh random 128-bit numbers and computed as one multi-exponentiation.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from gmpy2 import mpz
from wattseal.errors import Malformed, Refused, WattsealError

from wattseal_host.proof import inner_product
from wattseal_host.proof.encoding import T_POWERS, Proof, decode
from wattseal_host.proof.group import P256, Group, Point
from wattseal_host.proof.instance import Instance
from wattseal_host.proof.prover import absorb_scalars
from wattseal_host.proof.vectors import challenge_products, dot, inverse, powers

FALSE = "proof-false"
WEIGHT_BITS = 128


@dataclass(frozen=True)
class Equation:
    """0 = Σ g_i G_i + Σ h_i H_i + G * G_scalar + H * H_scalar + Q * Q_scalar + Σ …"""

    G: Any
    H: Any
    Q: Any
    points: Sequence[Point]
    scalars: Sequence[Any]
    g: Sequence[Any] = ()
    h: Sequence[Any] = ()


def verify(instance: Instance, proof: bytes, group: Group = P256) -> None:
    """Return if the proof holds for exactly this instance.

    Raises Malformed (`proof-version`, `proof-length`, `point-*`, `scalar-range`) or Refused
    (`proof-public`, `proof-false`).
    """
    equations = read(instance, proof, group)
    if not _hold([equations], group):
        raise Refused(FALSE)


def verify_many(
    pairs: Sequence[tuple[Instance, bytes]], group: Group = P256
) -> list[WattsealError | None]:
    """For each (instance, proof) None if it holds, or the error `verify` would raise.

    All are parsed before the first weight is drawn. If the sum of those in form is not the
    identity, each half is looked at by itself, with new weights.
    """
    results: list[WattsealError | None] = [None] * len(pairs)
    parsed: dict[int, tuple[Equation, Equation]] = {}
    for index, (instance, proof) in enumerate(pairs):
        try:
            parsed[index] = read(instance, proof, group)
        except (Malformed, Refused) as error:
            results[index] = error

    def search(indices: list[int]) -> None:
        if not indices or _hold([parsed[index] for index in indices], group):
            return
        if len(indices) == 1:
            results[indices[0]] = Refused(FALSE, f"number {indices[0]}")
            return
        half = len(indices) // 2
        search(indices[:half])
        search(indices[half:])

    search(list(parsed))
    return results


def read(instance: Instance, data: bytes, group: Group = P256) -> tuple[Equation, Equation]:
    """Parse a proof and compute what is public of it: the two sums that must vanish."""
    instance.check()
    circuit, order = instance.circuit, group.order
    proof = decode(data, circuit.gates, group)
    transcript = instance.transcript(group)
    for label, point in zip((b"A_I", b"A_O", b"S"), (proof.A_I, proof.A_O, proof.S), strict=True):
        transcript.absorb(label, group.encode(point))
    y, z = transcript.challenge(b"y"), transcript.challenge(b"z")
    for i, point in zip(T_POWERS, proof.T, strict=True):
        transcript.absorb(b"T_%d" % i, group.encode(point))
    x = transcript.challenge(b"x")
    absorb_scalars(transcript, proof.tau_x, proof.mu, proof.t_hat, group)
    challenges = inner_product.read_challenges(proof.inner, transcript, group)

    weights = circuit.weights(z, instance.publics, order)
    ratios = powers(inverse(y, order), circuit.n, order)
    scaled_R = [i * w % order for i, w in zip(ratios, weights.R, strict=False)]
    delta = dot(scaled_R, weights.L, order)
    x2, x3 = x * x % order, x * x * x % order
    polynomial = Equation(
        G=(x2 * (delta + weights.c) - proof.t_hat) % order,
        H=-proof.tau_x,
        Q=mpz(0),
        points=[*instance.commitments, *proof.T],
        scalars=[*(x2 * w % order for w in weights.V), *(pow(x, i, order) for i in T_POWERS)],
    )
    g, h = _vector_scalars(proof, challenges, x, weights.L, weights.O, scaled_R, ratios, order)
    squares = [u * u % order for u in challenges.u]
    inner = Equation(
        G=mpz(0),
        H=-proof.mu,
        Q=challenges.w * (proof.t_hat - dot(proof.inner.a, proof.inner.b, order)) % order,
        points=[proof.A_I, proof.A_O, proof.S, *proof.inner.L, *proof.inner.R],
        scalars=[mpz(x), x2, x3, *squares, *(inverse(u2, order) for u2 in squares)],
        g=g,
        h=h,
    )
    return polynomial, inner


def _vector_scalars(
    proof: Proof,
    challenges: inner_product.Challenges,
    x: int,
    w_L: list[Any],
    w_O: list[Any],
    scaled_R: list[Any],
    ratios: list[Any],
    order: Any,
) -> tuple[list[Any], list[Any]]:
    """The scalars of G_i and H_i in P, less those of the folded vectors a and b.

    G_i: x y^-i (z W_R)_i - a_j s_b        for i = b*f + j
    H_i: y^-i (x (z W_L)_i + (z W_O)_i - b_j s_b^-1) - 1
    """
    blocks = challenge_products(challenges.u, order)
    a_s = [s * a for s in blocks for a in proof.inner.a]
    b_s = [s * b for s in reversed(blocks) for b in proof.inner.b]
    zero = mpz(0)
    g = [(x * w - s) % order for s, w in zip_longest(a_s, scaled_R, fillvalue=zero)]
    h = [
        (i * (x * left + out - s) - 1) % order
        for i, s, left, out in zip_longest(ratios, b_s, w_L, w_O, fillvalue=zero)
    ]
    return g, h


def _hold(proofs: Sequence[tuple[Equation, Equation]], group: Group) -> bool:
    """Whether all sums vanish, by one sum with fresh weights."""
    order = group.order
    n = max(len(inner.g) for _, inner in proofs)
    g, h = [mpz(0)] * n, [mpz(0)] * n
    bases = [mpz(0)] * 3
    points: list[Point] = []
    scalars: list[Any] = []
    for pair in proofs:
        for equation in pair:
            weight = mpz(secrets.randbits(WEIGHT_BITS))
            for i, scalar in enumerate((equation.G, equation.H, equation.Q)):
                bases[i] += weight * scalar
            points += equation.points
            scalars += [weight * scalar % order for scalar in equation.scalars]
            for vector, added in ((g, equation.g), (h, equation.h)):
                for i, scalar in enumerate(added):
                    vector[i] += weight * scalar
    points += [group.G, group.H, group.Q]
    scalars += [base % order for base in bases]
    g, h = [scalar % order for scalar in g], [scalar % order for scalar in h]
    return group.vectors(n).exp(g, h, points, scalars) is None
