"""The verifier of the paper, once more: slow, from its formulas (Bünz et al. 2018, sections 3 and
5.2) and PROOF.md, for one proof at a time.

Points are those of the `ecdsa` package, generators by the test vectors' second implementation of
hashing to the curve, the matrices are matrices, and the inner product is folded round by round.
Nothing of `wattseal` or `wattseal_host` is imported.
"""

from __future__ import annotations

import hashlib
from typing import Any

import ecdsa
from ecdsa.ellipticcurve import INFINITY, PointJacobi
from hash_to_curve_reference import hash_to_curve

CURVE = ecdsa.NIST256p.curve
N = int(ecdsa.NIST256p.order)
P = int(CURVE.p())
G = ecdsa.NIST256p.generator
DST = b"WATTSEAL-V1-P256_XMD:SHA-256_SSWU_RO_"
LABEL = b"wattseal/1/proof/"


def generator(message: bytes) -> PointJacobi:
    x, y = hash_to_curve(message, DST)
    return PointJacobi(CURVE, x, y, 1, N)


def total(points: list[Any], scalars: list[int]) -> Any:
    result: Any = INFINITY
    for point, scalar in zip(points, scalars, strict=True):
        result = result + point * (scalar % N)
    return result


class Transcript:
    def __init__(self) -> None:
        self.state = bytes(32)

    def absorb(self, label: bytes, data: bytes) -> None:
        head = LABEL + b"absorb\0" + self.state + bytes([len(label)]) + label
        self.state = hashlib.sha256(head + len(data).to_bytes(8, "big") + data).digest()

    def challenge(self, label: bytes) -> int:
        head = LABEL + b"challenge\0" + self.state + bytes([len(label)]) + label
        blocks = [hashlib.sha256(head + i.to_bytes(4, "big")).digest() for i in range(2)]
        wide = b"".join(blocks)[:48]
        self.absorb(label, wide)
        return int.from_bytes(wide, "big") % N


def point(data: bytes) -> PointJacobi:
    return PointJacobi.from_bytes(CURVE, data, order=N)


def holds(case: dict[str, Any]) -> bool:
    """Whether the proof of a kept case is one. Its JSON is described in make_kept.py."""
    gates, symbols, rows = case["gates"], case["symbols"], case["rows"]
    publics, proof = case["publics"], bytes.fromhex(case["proof"])
    V = [point(bytes.fromhex(text)) for text in case["commitments"]]
    n, rounds = min((f << k, k) for f in (2, 3) for k in range(24) if f << k >= gates)
    inputs = [j for j, symbol in enumerate(symbols) if symbol[0] == "v"]
    public = [j for j, symbol in enumerate(symbols) if symbol[0] == "p"]

    # W_L a_L + W_R a_R + W_O a_O = W_V v + c, a row of `rows` each.
    Q = len(rows)
    W = {name: [[0] * n for _ in range(Q)] for name in "LRO"}
    W_V, c = [[0] * len(inputs) for _ in range(Q)], [0] * Q
    for q, (constant, terms) in enumerate(rows):
        c[q] = -constant
        for variable, coefficient in terms:
            if variable >= 0:
                W["LRO"[variable % 3]][q][variable // 3] += coefficient
            elif -1 - variable in inputs:
                W_V[q][inputs.index(-1 - variable)] -= coefficient
            else:
                c[q] -= coefficient * publics[public.index(-1 - variable)]

    # The bytes of the proof.
    assert proof[0] == 1
    at = 1

    def take(count: int) -> bytes:
        nonlocal at
        at += count
        return proof[at - count : at]

    A_I, A_O, S, T_1, T_3, T_4, T_5, T_6 = (take(33) for _ in range(8))
    tau_x, mu, t_hat = (take(32) for _ in range(3))
    LR = [(take(33), take(33)) for _ in range(rounds)]
    f = n >> rounds
    a = [int.from_bytes(take(32), "big") for _ in range(f)]
    b = [int.from_bytes(take(32), "big") for _ in range(f)]
    assert at == len(proof)

    # The conversation.
    H = generator(b"wattseal/1/generator/H")
    u = generator(b"wattseal/1/generator/Q")
    encoded = [p.to_bytes("compressed") for p in (G, H, u)]
    names = [b"wattseal/1/generator/vector-G/\0", b"wattseal/1/generator/vector-H/\0"]
    stands_for = [LABEL + b"generators\0", bytes([len(DST)]), DST, *names, *encoded]
    text = [f"gates {gates}", *(f"{kind} {lo} {hi}" for kind, lo, hi in symbols)]
    text += [f"{k} " + " ".join(f"{v}:{x}" for v, x in terms) for k, terms in rows]
    script = Transcript()
    script.absorb(b"version", b"\1")
    script.absorb(b"generators", hashlib.sha256(b"".join(stands_for)).digest())
    digest = hashlib.sha256(LABEL + b"circuit\0" + "\n".join(text).encode()).digest()
    script.absorb(b"circuit", digest)
    script.absorb(b"context", len(case["context"]).to_bytes(4, "big"))
    for label, data in case["context"]:
        script.absorb(b"context-label", label.encode())
        script.absorb(b"context-data", bytes.fromhex(data))
    script.absorb(b"publics", ",".join(map(str, publics)).encode())
    script.absorb(b"V", bytes.fromhex("".join(case["commitments"])))
    for name, data in ((b"A_I", A_I), (b"A_O", A_O), (b"S", S)):
        script.absorb(name, data)
    y, z = script.challenge(b"y"), script.challenge(b"z")
    T = {1: T_1, 3: T_3, 4: T_4, 5: T_5, 6: T_6}
    for i, data in T.items():
        script.absorb(b"T_%d" % i, data)
    x = script.challenge(b"x")
    for name, data in ((b"tau_x", tau_x), (b"mu", mu), (b"t_hat", t_hat)):
        script.absorb(name, data)
    w = script.challenge(b"w")
    us = []
    for L, R in LR:
        script.absorb(b"L", L)
        script.absorb(b"R", R)
        us.append(script.challenge(b"u"))

    # z^[Q+1] without its first: z, z^2, … times each matrix.
    zs = [pow(z, q + 1, N) for q in range(Q)]

    def row(matrix: list[list[int]], width: int) -> list[int]:
        return [sum(zs[q] * matrix[q][i] for q in range(Q)) % N for i in range(width)]

    zL, zR, zO, zV = row(W["L"], n), row(W["R"], n), row(W["O"], n), row(W_V, len(inputs))
    zc = sum(k * p for k, p in zip(c, zs, strict=True)) % N
    y_minus = [pow(y, -i, N) for i in range(n)]
    delta = sum(p * r * k for p, r, k in zip(y_minus, zR, zL, strict=True)) % N

    # t_hat = t(x): the first equation.
    tau_x_, mu_, t = (int.from_bytes(s, "big") for s in (tau_x, mu, t_hat))
    left = total([G, H], [t, tau_x_])
    right = total([G, *V], [x * x * (delta + zc), *(x * x * k for k in zV)])
    for i, data in T.items():
        right = right + point(data) * pow(x, i, N)
    if left != right:
        return False

    # P, and <l, r> = t_hat for the l and r in it: the second.
    g = [generator(b"wattseal/1/generator/vector-G/" + i.to_bytes(4, "big")) for i in range(n)]
    h = [generator(b"wattseal/1/generator/vector-H/" + i.to_bytes(4, "big")) for i in range(n)]
    h = [one * k for one, k in zip(h, y_minus, strict=True)]
    P_ = total([point(A_I), point(A_O), point(S)], [x, x * x, x * x * x])
    P_ = P_ + total(h, [-pow(y, i, N) for i in range(n)])
    P_ = P_ + total(h, [x * k for k in zL]) + total(h, zO)
    P_ = P_ + total(g, [x * p * k for p, k in zip(y_minus, zR, strict=True)])
    P_ = P_ + H * (-mu_ % N) + u * (w * t % N)
    for (L, R), challenge in zip(LR, us, strict=True):
        half, inverse = len(g) // 2, pow(challenge, -1, N)
        g = [g[i] * inverse + g[half + i] * challenge for i in range(half)]
        h = [h[i] * challenge + h[half + i] * inverse for i in range(half)]
        P_ = point(L) * pow(challenge, 2, N) + P_ + point(R) * pow(inverse, 2, N)
    product = sum(p * q for p, q in zip(a, b, strict=True)) % N
    return bool(total([*g, *h, u], [*a, *b, w * product]) == P_)
