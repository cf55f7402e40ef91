"""A finite map."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.one_hot import one_hot
from wattseal_host.proof.linear import Linear, linear_sum


def look_up(b: Builder, x: Linear, table: Sequence[tuple[int, int]]) -> Linear:
    """The value beside the key x; x is constrained to be a key. Cost: that of `one_hot`.

    table: (key, value), keys distinct. On the prover's side Misuse `gadget-key` for another x.
    """
    keys = [key for key, _ in table]
    if not keys or len(set(keys)) != len(keys):
        raise Misuse("gadget-table")
    if x.value is not None and x.value not in keys:
        raise Misuse("gadget-key")
    bits = one_hot(b, len(keys), None if x.value is None else keys.index(x.value))
    b.equal(x, linear_sum((key, bit) for key, bit in zip(keys, bits, strict=True)))
    values = [value for _, value in table]
    found = linear_sum((value, bit) for value, bit in zip(values, bits, strict=True))
    return found.within(min(values), max(values))
