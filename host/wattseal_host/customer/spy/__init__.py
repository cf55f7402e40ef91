"""The spy test: what a release would give away of single readings, found before it is released."""

from wattseal_host.customer.spy.examine import examine_bill, examine_tariff
from wattseal_host.customer.spy.rows import FUSE_KW, Finding, Limit, Row, Slot
from wattseal_host.customer.spy.words import in_words, refuse

__all__ = [
    "FUSE_KW",
    "Finding",
    "Limit",
    "Row",
    "Slot",
    "examine_bill",
    "examine_tariff",
    "in_words",
    "refuse",
]
