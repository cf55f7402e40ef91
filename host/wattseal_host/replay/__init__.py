"""Captured bytes of either port through the same parsers and the same ledger as live ones."""

from wattseal_host.replay.run import CaptureClock, Finding, Outcome, replay, replay_chunks

__all__ = ["CaptureClock", "Finding", "Outcome", "replay", "replay_chunks"]
