"""What the spy test found, for people: the slots by the tariff's local time."""

from __future__ import annotations

from collections.abc import Iterable

from wattseal.errors import Refused

from wattseal_host.customer.spy.rows import Finding
from wattseal_host.tariff.zone import Zone

NAMED = 3


def refuse(findings: Iterable[Finding], zone: Zone) -> None:
    """Raise Refused by the first finding's code, with all of them in words, if there are any."""
    found = list(findings)
    if found:
        raise Refused(found[0].code, "; ".join(dict.fromkeys(in_words(f, zone) for f in found)))


def in_words(finding: Finding, zone: Zone) -> str:
    """A finding with its slots in the tariff's local time."""
    named = [f"from {zone.text(a)} to {zone.text(b)}" for a, b in finding.spans[:NAMED]]
    if len(finding.spans) > NAMED:
        named.append(f"{len(finding.spans) - NAMED} more")
    return finding.about.replace("{when}", ", ".join(named))
