"""Gadgets: what circuits are made of. Each says what it costs in multiplication gates."""

from wattseal_host.proof.gadgets.compare import at_least, excess
from wattseal_host.proof.gadgets.highest import sum_of_highest
from wattseal_host.proof.gadgets.maximum import maximum
from wattseal_host.proof.gadgets.numbers import number, range_check
from wattseal_host.proof.gadgets.one_hot import band, one_hot
from wattseal_host.proof.gadgets.piecewise import piecewise, polynomial
from wattseal_host.proof.gadgets.products import one_is_zero, product, select
from wattseal_host.proof.gadgets.rounding import round_public, round_to
from wattseal_host.proof.gadgets.table import look_up
from wattseal_host.proof.gadgets.tiers import tiers

__all__ = [
    "at_least",
    "band",
    "excess",
    "look_up",
    "maximum",
    "number",
    "one_hot",
    "one_is_zero",
    "piecewise",
    "polynomial",
    "product",
    "range_check",
    "round_public",
    "round_to",
    "select",
    "sum_of_highest",
    "tiers",
]
