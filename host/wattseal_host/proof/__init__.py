"""Zero-knowledge proofs about committed readings: Bulletproofs for arithmetic circuits on P-256.

PROOF.md beside this file is the specification. In short:

    b = Builder()
    total = b.input(0, 2**43, value)            # behind a commitment
    amount = b.public(0, 10**9, payable)
    gadgets.round_public(b, 31 * total, 100, "half-up", amount)
    circuit, assignment = b.finish()
    instance = Instance(circuit, [commitment], [payable], [(b"tariff", digest)])
    proof = prove(instance, assignment, [blinding])
    verify(instance, proof)

Without values the builder only compiles; the verifier runs the same code.
"""

from wattseal_host.proof import gadgets
from wattseal_host.proof.builder import Builder
from wattseal_host.proof.circuit import Assignment, Circuit
from wattseal_host.proof.encoding import length
from wattseal_host.proof.group import P256, Group
from wattseal_host.proof.instance import Instance
from wattseal_host.proof.linear import Linear, linear_sum
from wattseal_host.proof.prover import prove
from wattseal_host.proof.verifier import verify, verify_many

__all__ = [
    "P256",
    "Assignment",
    "Builder",
    "Circuit",
    "Group",
    "Instance",
    "Linear",
    "gadgets",
    "length",
    "linear_sum",
    "prove",
    "verify",
    "verify_many",
]
