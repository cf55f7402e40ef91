"""The ledger: meters, their sealed records, and apart from them what was turned away."""

from wattseal_host.ledger.apart import Reject
from wattseal_host.ledger.store import Ledger

__all__ = ["Ledger", "Reject"]
