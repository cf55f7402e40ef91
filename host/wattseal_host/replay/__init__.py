"""Captured bytes of either port through the same parsers and the same ledger as live ones."""

from wattseal_host.replay.run import Finding, Outcome, replay

__all__ = ["Finding", "Outcome", "replay"]
