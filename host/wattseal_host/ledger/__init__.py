"""The ledger: meters, their sealed records, and apart from them what was turned away."""

from wattseal_host.ledger.apart import Reject
from wattseal_host.ledger.store import Ledger
from wattseal_host.ledger.sums import Anchor, Course, View

__all__ = ["Anchor", "Course", "Ledger", "Reject", "View"]
