"""What the website says of what it could not do, by code."""

from __future__ import annotations

from wattseal_host.words import meaning

NO_KEY = "This is not the key. The command that serves this page printed it."
_WORDS = {
    "port-none": "No meter's port was named, so there is nothing live.",
    "port-waiting": "The port is open; nothing came yet.",
    "port-missing": "The meter's port is gone: is the cable plugged in? It is tried again.",
    "port-silent": "The meter is silent: has it power?",
    "port-answer": "The meter answers what it should not.",
    "port-refused": "The meter refused to answer.",
    "meter-pinned": "Another meter is at this port than the one paired with your secret file.",
    "meter-replaced": "Another meter answered at this port before.",
    "meter-unasked": "The meter is not at hand, so whom it would answer is not known here.",
    "meter-unknown": "The ledger has nothing of your meter.",
    "readings-none": "There is no reading of this time that your secret file opens.",
    "opening-false": "A record does not hold what it says. Its meter or this ledger is not right.",
    "epoch-unknown": "Some of these records are of an epoch whose secret is not in your file.",
    "period-incomplete": "The ledger has no whole month yet.",
    "tariff-period": "The tariff does not hold for all of this time.",
    "compare-currency": "The tariffs are not all in one currency.",
    "file-missing": "There is no ledger yet.",
    "system": "A file could not be read or written.",
    "secret-exposed": "Others may read your secret file: run chmod 600 on it.",
    "log-gap": "The meter no longer has what this ledger lacks.",
    "log-rewound": "The meter has fewer records than this ledger.",
    "meter-forked": "The meter signed two histories. Keep this ledger: it has the evidence.",
    "meter-wiped": "The meter began its history anew. Keep this ledger: it has the evidence.",
    "releases-malformed": "The list of releases is damaged, or another meter's.",
}


def of(code: str) -> str:
    return _WORDS.get(code) or meaning(code) or f"It could not be done: {code}."
