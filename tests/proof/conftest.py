"""What the tests of proofs share: commitments with known openings, and small circuits."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from wattseal.p256 import N
from wattseal_host.engine import commitment_to
from wattseal_host.proof import Builder, Instance, Linear, prove

Build = Callable[[Builder, list[Linear]], None]


@dataclass(frozen=True)
class Case:
    """An instance, its witness and the proof of it."""

    instance: Instance
    assignment: Any
    blindings: list[int]
    proof: bytes


def compiled(
    values: Sequence[int | None], hi: int, build: Build, publics: Sequence[int] = ()
) -> tuple[Any, Any]:
    """The circuit over inputs 0..hi (a None compiles only), and its assignment."""
    b = Builder()
    build(b, [b.input(0, hi, value) for value in values])
    return b.finish()


@pytest.fixture(scope="session")
def make() -> Callable[..., Case]:
    def make(
        values: Sequence[int],
        hi: int,
        build: Build,
        publics: Sequence[int] = (),
        context: Sequence[tuple[bytes, bytes]] = ((b"tariff", b"a tariff's digest"),),
    ) -> Case:
        circuit, assignment = compiled(values, hi, build)
        blindings = [secrets.randbelow(N) for _ in values]
        points = [commitment_to(v, r) for v, r in zip(values, blindings, strict=True)]
        instance = Instance(circuit, points, list(publics), context)
        return Case(instance, assignment, blindings, prove(instance, assignment, blindings))

    return make
