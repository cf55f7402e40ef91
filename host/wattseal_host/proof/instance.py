"""What is proven, as both sides know it before the proof: the public instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattseal.errors import Misuse, Refused

from wattseal_host.proof.circuit import Circuit
from wattseal_host.proof.encoding import VERSION
from wattseal_host.proof.group import Group, Point
from wattseal_host.proof.transcript import Transcript


@dataclass(frozen=True)
class Instance:
    """A circuit with its public parts.

    commitments: of the committed inputs, in the order they were declared; sums of commitments
    may stand for sums of readings. publics: the public numbers, in their order. context: pairs
    (label, bytes) the proof is bound to: contract, tariff, chain digests, recipient, …
    """

    circuit: Circuit
    commitments: Sequence[Point]
    publics: Sequence[int] = ()
    context: Sequence[tuple[bytes, bytes]] = ()

    def check(self) -> None:
        """Misuse `instance-shape`; Refused `proof-public` for a public number out of bounds."""
        circuit = self.circuit
        shape = (len(circuit.inputs), len(circuit.publics))
        if shape != (len(self.commitments), len(self.publics)):
            raise Misuse("instance-shape")
        for j, value in zip(circuit.publics, self.publics, strict=True):
            symbol = circuit.symbols[j]
            if type(value) is not int or not symbol.lo <= value <= symbol.hi:
                raise Refused("proof-public", f"{value} is not in {symbol.lo}..{symbol.hi}")

    def transcript(self, group: Group) -> Transcript:
        """A transcript that has absorbed all of it; nothing is drawn before."""
        transcript = Transcript(group.order)
        transcript.absorb(b"version", bytes([VERSION]))
        transcript.absorb(b"generators", group.digest)
        transcript.absorb(b"circuit", self.circuit.digest)
        transcript.absorb(b"context", len(self.context).to_bytes(4, "big"))
        for label, data in self.context:
            transcript.absorb(b"context-label", label)
            transcript.absorb(b"context-data", data)
        publics = ",".join(str(value) for value in self.publics)
        transcript.absorb(b"publics", publics.encode("ascii"))
        points = b"".join(group.encode(point) for point in self.commitments)
        transcript.absorb(b"V", points)
        return transcript
