"""Proofs that are kept for ever: what was proven once verifies, and is proven in the same bytes.

    python tests/proof/make_kept.py NAME …     (from the project's root; never over a released one)

A case in JSON: gates, symbols [kind, lo, hi], rows [constant, [[variable, coefficient], …]] as
circuit.py numbers them; values and blindings of the committed inputs, entropy (hex) and the
wires L, R, O that the prover had; commitments and proof in hex, publics, context [label, hex].
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wattseal.p256 import N
from wattseal_host.engine import commitment_to
from wattseal_host.proof import P256, Builder, Instance, gadgets, prove

KEPT = Path(__file__).with_name("kept")


def seeded(name: str) -> int:
    return int.from_bytes(hashlib.sha512(b"kept proof " + name.encode()).digest(), "big") % N


def tiers(b: Builder) -> None:
    """45,210 units by rising blocks, in cents, ties to even."""
    parts = gadgets.tiers(b, b.input(0, 2**20, 45_210), [10_000, 30_000])
    price = 2_000 * parts[0] + 2_700 * parts[1] + 3_555 * parts[2]
    amount = b.public(-(10**9), 10**9, 11_952)
    gadgets.round_public(b, price, 10_000, "half-even", amount)


def demand(b: Builder) -> None:
    """The highest and the sum of the two highest of five readings, and a comparison."""
    readings = [b.input(0, 4095, value) for value in (310, 4095, 0, 4095, 17)]
    b.equal(gadgets.maximum(b, readings), b.public(0, 4095, 4095))
    b.equal(gadgets.sum_of_highest(b, readings, 2), b.public(0, 8190, 8190))
    b.equal(gadgets.at_least(b, readings[0], readings[4]), b.public(0, 1, 1))


def steps(b: Builder) -> None:
    """A class of its own for each of three readings, and a table of it."""
    fee: Any = 0
    for value in (0, 100, 101):
        reading = b.input(0, 255, value)
        classes = gadgets.band(b, reading, [100, 200])
        fee = fee + 5 * classes[0] + 50 * classes[1] + 70 * classes[2]
    gadgets.round_public(b, fee, 1, "floor", b.public(0, 1000, 60))


CASES: dict[str, Callable[[Builder], None]] = {"tiers": tiers, "demand": demand, "steps": steps}


def make(name: str) -> dict[str, Any]:
    b = Builder()
    CASES[name](b)
    circuit, assignment = b.finish()
    values = [assignment.symbols[j] for j in circuit.inputs]
    publics = [assignment.symbols[j] for j in circuit.publics]
    blindings = [seeded(f"{name} {i}") for i in range(len(values))]
    points = [commitment_to(v, r) for v, r in zip(values, blindings, strict=True)]
    context = [(b"tariff", bytes(range(32))), (b"bill", name.encode())]
    entropy = seeded(name).to_bytes(32, "big")
    instance = Instance(circuit, points, publics, context)
    proof = prove(instance, assignment, blindings, entropy=entropy)
    return {
        "gates": circuit.gates,
        "symbols": [["vp"[not s.committed], s.lo, s.hi] for s in circuit.symbols],
        "rows": [[constant, [list(term) for term in terms]] for terms, constant in circuit.rows],
        "values": values,
        "blindings": [f"{blinding:064x}" for blinding in blindings],
        "wires": {name: [int(x) for x in getattr(assignment, name)] for name in "LRO"},
        "entropy": entropy.hex(),
        "context": [[label.decode(), data.hex()] for label, data in context],
        "publics": publics,
        "commitments": [P256.encode(point).hex() for point in points],
        "proof": proof.hex(),
    }


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        KEPT.mkdir(exist_ok=True)
        (KEPT / f"{wanted}.json").write_text(json.dumps(make(wanted)) + "\n")
