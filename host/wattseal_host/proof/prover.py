"""The prover (Bünz et al. 2018, section 5, protocols 3 and 4; PROOF.md section 5)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from hashlib import shake_256
from itertools import zip_longest
from typing import Any

from gmpy2 import mpz
from wattseal.errors import Misuse

from wattseal_host.proof import inner_product
from wattseal_host.proof.circuit import Assignment
from wattseal_host.proof.encoding import T_POWERS, Proof
from wattseal_host.proof.group import P256, Group, Point, Vectors
from wattseal_host.proof.instance import Instance
from wattseal_host.proof.labels import NONCES
from wattseal_host.proof.transcript import WIDE_BYTES, Transcript
from wattseal_host.proof.vectors import dot, inverse, powers

Progress = Callable[[float], None]


def prove(
    instance: Instance,
    assignment: Assignment,
    blindings: Sequence[int],
    progress: Progress | None = None,
    entropy: bytes | None = None,
    group: Group = P256,
) -> bytes:
    """A proof in bytes. blindings: of the commitments, in their order.

    Checks first that the assignment satisfies the circuit (Misuse `assignment-false`) and that
    the openings are those of the commitments (Misuse `opening-false`). `progress` gets the part
    done, 0 to 1. `entropy`: 32 bytes, of the system by default; the nonces are a hash of it and
    of all that is secret, so that a bad source of randomness alone gives nothing away.
    """
    instance.check()
    fault = instance.circuit.fault(assignment, group.order)
    if fault is not None:
        raise Misuse("assignment-false", fault)
    values = [assignment.symbols[j] for j in instance.circuit.inputs]
    _check_openings(instance.commitments, values, blindings, group)
    publics = [assignment.symbols[j] for j in instance.circuit.publics]
    if publics != list(instance.publics):
        raise Misuse("assignment-false", "public numbers")
    return prove_unchecked(instance, assignment, blindings, progress, entropy, group)


def _check_openings(
    points: Sequence[Point], values: Sequence[int], blindings: Sequence[int], group: Group
) -> None:
    weights = [secrets.randbits(128) for _ in points]
    value = sum(w * v for w, v in zip(weights, values, strict=True)) % group.order
    blinding = sum(w * r for w, r in zip(weights, blindings, strict=True)) % group.order
    if group.exp([*points, group.G, group.H], [*weights, -value, -blinding]) is not None:
        raise Misuse("opening-false")


def prove_unchecked(
    instance: Instance,
    assignment: Assignment,
    blindings: Sequence[int],
    progress: Progress | None = None,
    entropy: bytes | None = None,
    group: Group = P256,
) -> bytes:
    """`prove` for whatever is given; of what does not hold the result is no proof."""
    transcript = instance.transcript(group)
    nonces = _Nonces(assignment, blindings, transcript, entropy, group)
    vectors = group.vectors(instance.circuit.n)
    while True:
        run = _Run(instance, assignment, blindings, nonces, vectors, progress, group)
        try:
            return run.prove().encode(group)
        except Misuse as error:
            # A point came out as the identity, which has no encoding: in P-256 never seen.
            if error.code != "point-identity":
                raise


class _Nonces:
    """Uniform scalars, from entropy and everything secret (hedged)."""

    def __init__(
        self,
        assignment: Assignment,
        blindings: Sequence[int],
        transcript: Transcript,
        entropy: bytes | None,
        group: Group,
    ) -> None:
        secret = ",".join(map(str, (*assignment.symbols, *assignment.L, *assignment.R, *blindings)))
        entropy = secrets.token_bytes(32) if entropy is None else entropy
        seed = (NONCES, len(entropy).to_bytes(1, "big"), entropy, transcript.state, secret.encode())
        self._seed = shake_256(b"".join(seed)).digest(32)
        self._taken = 0
        self._order = group.order

    def draw(self, count: int) -> list[Any]:
        stream = shake_256(self._seed + self._taken.to_bytes(4, "big")).digest(count * WIDE_BYTES)
        self._taken += 1
        return [
            mpz.from_bytes(stream[at : at + WIDE_BYTES], "big") % self._order
            for at in range(0, len(stream), WIDE_BYTES)
        ]


class _Run:
    """One attempt."""

    def __init__(
        self,
        instance: Instance,
        assignment: Assignment,
        blindings: Sequence[int],
        nonces: _Nonces,
        vectors: Vectors,
        progress: Progress | None,
        group: Group,
    ) -> None:
        self.instance, self.group, self.vectors = instance, group, vectors
        self.transcript = instance.transcript(group)
        self.nonces, self.blindings = nonces, blindings
        n = instance.circuit.n
        padding = [0] * (n - len(assignment.L))
        self.a_L = assignment.L + padding
        self.a_R = assignment.R + padding
        self.a_O = assignment.O + padding
        self._progress = progress
        # S, the first rounds' L and R with their folding, and a rest that shrinks.
        self._total, self._done = 10.0 * n, 0.0

    def _tick(self, work: float) -> None:
        self._done += work
        if self._progress is not None:
            self._progress(min(1.0, self._done / self._total))

    def _send(self, label: bytes, point: Point) -> None:
        self.transcript.absorb(label, self.group.encode(point))

    def prove(self) -> Proof:
        group, order, n = self.group, self.group.order, self.instance.circuit.n
        exp, H = self.vectors.exp, group.H
        alpha, beta, rho = self.nonces.draw(3)
        s_L, s_R = self.nonces.draw(n), self.nonces.draw(n)
        A_I = exp(self.a_L, self.a_R, [H], [alpha])
        A_O = exp(self.a_O, [], [H], [beta])
        S = exp(s_L, s_R, [H], [rho])
        for label, point in ((b"A_I", A_I), (b"A_O", A_O), (b"S", S)):
            self._send(label, point)
        self._tick(n)
        y, z = self.transcript.challenge(b"y"), self.transcript.challenge(b"z")
        ratio = inverse(y, order)
        weights = self.instance.circuit.weights(z, self.instance.publics, order)
        ys, ratios = powers(y, n, order), powers(ratio, n, order)

        def padded(w: list[Any]) -> Any:
            return (x for x, _ in zip_longest(w, range(n), fillvalue=mpz(0)))

        # l(X) = l_1 X + l_2 X^2 + l_3 X^3, r(X) = r_0 + r_1 X + r_3 X^3
        l_1 = [
            (a + i * w) % order for a, i, w in zip(self.a_L, ratios, padded(weights.R), strict=True)
        ]
        l_2, l_3 = self.a_O, s_L
        r_0 = [(w - p) % order for p, w in zip(ys, padded(weights.O), strict=True)]
        r_1 = [(p * a + w) % order for p, a, w in zip(ys, self.a_R, padded(weights.L), strict=True)]
        r_3 = [p * s % order for p, s in zip(ys, s_R, strict=True)]
        t = {
            1: dot(l_1, r_0, order),
            3: dot(l_2, r_1, order) + dot(l_3, r_0, order),
            4: dot(l_3, r_1, order) + dot(l_1, r_3, order),
            5: dot(l_2, r_3, order),
            6: dot(l_3, r_3, order),
        }
        tau = dict(zip(T_POWERS, self.nonces.draw(5), strict=True))
        T = tuple(group.exp([group.G, H], [t[i], tau[i]]) for i in T_POWERS)
        for i, point in zip(T_POWERS, T, strict=True):
            self._send(b"T_%d" % i, point)
        x = self.transcript.challenge(b"x")
        x2, x3 = x * x % order, x * x * x % order
        l = [  # noqa: E741
            (a * x + b * x2 + c * x3) % order for a, b, c in zip(l_1, l_2, l_3, strict=True)
        ]
        r = [(a + b * x + c * x3) % order for a, b, c in zip(r_0, r_1, r_3, strict=True)]
        t_hat = dot(l, r, order)
        tau_x = sum(tau[i] * pow(x, i, order) for i in T_POWERS)
        tau_x += x2 * dot(weights.V, self.blindings, order)
        tau_x, mu = tau_x % order, (alpha * x + beta * x2 + rho * x3) % order
        absorb_scalars(self.transcript, tau_x, mu, t_hat, group)
        rounds = 0

        def tick(half: int) -> None:
            nonlocal rounds
            rounds += 1
            self._tick(1.2 * n if rounds < 4 else 4.5 * n if rounds == 4 else half)

        inner = inner_product.prove(group, self.vectors, ratio, l, r, self.transcript, tick)
        self._tick(self._total)
        return Proof(A_I, A_O, S, T, tau_x, mu, t_hat, inner)


def absorb_scalars(transcript: Transcript, tau_x: int, mu: int, t_hat: int, group: Group) -> None:
    """The three scalars, before the inner product begins."""
    for label, scalar in ((b"tau_x", tau_x), (b"mu", mu), (b"t_hat", t_hat)):
        transcript.absorb(label, int(scalar).to_bytes(group.scalar_bytes, "big"))
