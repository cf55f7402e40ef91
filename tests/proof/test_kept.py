"""Kept proofs: they verify, are proven in the same bytes again, and hold as the paper has it."""

import json
from dataclasses import dataclass
from typing import Any

import paper
import pytest
from hash_to_curve_reference import hash_to_curve
from make_kept import CASES, KEPT
from wattseal.errors import Refused
from wattseal.p256 import N
from wattseal_host.proof import P256, Assignment, Builder, Circuit, Instance, prove, verify
from wattseal_host.proof.circuit import Symbol
from wattseal_host.proof.generators import hash_points, point_q

FILES = sorted(KEPT.glob("*.json"))


@dataclass
class Kept:
    json: dict[str, Any]
    circuit: Circuit
    instance: Instance
    proof: bytes


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def kept(request) -> Kept:
    case = json.loads(request.param.read_text())
    circuit = Circuit(
        case["gates"],
        tuple(Symbol(kind == "v", lo, hi) for kind, lo, hi in case["symbols"]),
        tuple((tuple((v, k) for v, k in terms), constant) for constant, terms in case["rows"]),
    )
    points = [P256.decode(bytes.fromhex(text)) for text in case["commitments"]]
    context = [(label.encode(), bytes.fromhex(data)) for label, data in case["context"]]
    instance = Instance(circuit, points, case["publics"], context)
    return Kept(case, circuit, instance, bytes.fromhex(case["proof"]))


def test_there_is_one_of_each() -> None:
    assert {path.stem for path in FILES} == set(CASES)


def test_it_verifies(kept) -> None:
    verify(kept.instance, kept.proof)


def test_it_is_proven_again_in_the_same_bytes(kept) -> None:
    wires = kept.json["wires"]
    inputs = iter(kept.json["values"])
    publics = iter(kept.json["publics"])
    symbols = [next(inputs) if s.committed else next(publics) for s in kept.circuit.symbols]
    assignment = Assignment(wires["L"], wires["R"], wires["O"], symbols)
    blindings = [int(text, 16) for text in kept.json["blindings"]]
    entropy = bytes.fromhex(kept.json["entropy"])
    assert prove(kept.instance, assignment, blindings, entropy=entropy) == kept.proof


def test_the_gadgets_still_build_the_circuit(kept, request) -> None:
    """A gadget that changes makes other circuits: the proofs of before would be lost."""
    b = Builder()
    CASES[request.node.callspec.id](b)
    circuit, _ = b.finish()
    assert circuit.digest == kept.circuit.digest


def test_the_paper_agrees(kept) -> None:
    assert paper.holds(kept.json)


def test_the_paper_refuses_what_the_verifier_refuses(kept) -> None:
    case = dict(kept.json)
    other = [case["publics"][0] - 1, *case["publics"][1:]]
    assert not paper.holds({**case, "publics": other})
    assert not paper.holds({**case, "context": case["context"][:1]})
    tau_x = 1 + 8 * 33
    for at in (tau_x, tau_x + 32, tau_x + 64, len(kept.proof) - 32):
        value = (int.from_bytes(kept.proof[at : at + 32], "big") + 1) % N
        forged = kept.proof[:at] + value.to_bytes(32, "big") + kept.proof[at + 32 :]
        assert not paper.holds({**case, "proof": forged.hex()})
        with pytest.raises(Refused):
            verify(kept.instance, forged)


def test_the_generators_are_the_hashes_they_are_said_to_be() -> None:
    for name in "GH":
        points = hash_points(name, 0, 6)
        for i, found in enumerate(points):
            message = b"wattseal/1/generator/vector-%s/" % name.encode() + i.to_bytes(4, "big")
            assert tuple(map(int, found)) == hash_to_curve(message, paper.DST)
    assert tuple(map(int, point_q())) == hash_to_curve(b"wattseal/1/generator/Q", paper.DST)
