"""A process of its own that collects and may be killed at any moment. Forked from a server that
has the modules already, so that a kill costs no start."""

from __future__ import annotations

from pathlib import Path

from wattseal_host.collect import resume
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.ledger import Ledger


def collect_from(path: str, ledger: Path, batch: int) -> None:
    resume.BATCH = batch
    with CustomerPort(path) as port, Ledger(ledger) as opened:
        resume.collect(opened, port)
