"""Every domain label of the argument system (PROOF.md section 3).

As in the protocol's labels each ends in its only NUL byte, so none is a prefix of another. They
stand here and not in the protocol's file because no meter hashes them.
"""

ABSORB = b"wattseal/1/proof/absorb\0"
CHALLENGE = b"wattseal/1/proof/challenge\0"
CIRCUIT = b"wattseal/1/proof/circuit\0"
GENERATORS = b"wattseal/1/proof/generators\0"
NONCES = b"wattseal/1/proof/nonces\0"
CACHE = b"wattseal/1/proof/generator-cache\0"

# Messages hashed to the curve under the protocol's GENERATOR_DST.
GENERATOR_Q = b"wattseal/1/generator/Q"
GENERATOR_VECTOR_G = b"wattseal/1/generator/vector-G/"
GENERATOR_VECTOR_H = b"wattseal/1/generator/vector-H/"
