"""What a refusal means, for people who know none of the words of this field.

The code of a refusal is stable and short; here is a sentence for each, or for all that begin alike.
"""

from __future__ import annotations

_SENTENCES = {
    "accepted": "Every check was made, and none found a fault.",
    "bill-": "The message is no bill of a form known here, or was cut short.",
    "chain-": "The records are not an unbroken, unaltered piece of this meter's chain: something "
    "in them was changed, left out, repeated or put in another order, or is another meter's.",
    "contract-number": "The meters of the bill are not of one contract.",
    "contract-": "The contract shown does not say that this meter is billed by this tariff at this "
    "time, or is another meter's.",
    "disclosure-recipient": "The answers were made for somebody else.",
    "disclosure-": "The file is not as its maker's software writes it.",
    "enrolment-": "What is said of the meter (unit, interval, channels) is not what it seals.",
    "evidence-": "The evidence is not written in its one spelling.",
    "field-": "The file lacks something it must have, or something in it is not of its kind.",
    "fork-": "The two records do not show that a meter signed two for one place.",
    "hints-": "The file's points and records do not fit together.",
    "json-": "The file is not readable text of the form it claims.",
    "jws-": "A document is not signed by whom it must be, or was altered after signing.",
    "key-": "A key in the file is no key.",
    "ledger-differs": "The bill is sound in itself, but its records are not those the provider "
    "has: the meter has signed two histories, or the provider's has not come so far.",
    "opening-": "A ciphertext does not say what its commitment holds: nothing of it may be used.",
    "ledger-": "The provider's own records are not as it wrote them.",
    "meter-": "The records are not those of the meter that the documents name.",
    "period-overlap": "A bill for part of this period was accepted before.",
    "period-": "The records do not fill the period from its first second to its last.",
    "point-": "A commitment in a record is no such thing: the record or its file was altered.",
    "proof-false": "What is claimed does not follow from the sealed readings: the proof is another "
    "one's, or was altered, or the amount or answer is wrong.",
    "proof-public": "The amount or answer is one that no readings could give.",
    "proof-": "The proof is not of the form it must have.",
    "query-": "A question is not one that can be asked of these records.",
    "record-": "A record is not of the form a meter writes.",
    "replacement-superseded": "The bill goes by a document in whose place the provider has signed "
    "another: it is made anew by the present one.",
    "replacement-": "The document does not link these two meters, or there is none.",
    "scalar-": "A number in the proof is out of its range.",
    "signature-": "The meter's signature is not valid for these records.",
    "stretch-begin": "The records of the new meter do not begin where the provider's document says "
    "that its billing begins.",
    "stretch-config": "The meters of the bill do not measure in the same way.",
    "stretch-empty": "A meter of the bill measured nothing in its part of the period.",
    "stretch-open": "The meter that was replaced had not been closed: what it measured afterwards "
    "is not in the bill.",
    "stretch-overlap": "Two meters are billed for the same time.",
    "stretch-repeated": "One meter is billed as if it were two.",
    "statement-amount": "The amount claimed is not the one that was proven.",
    "statement-": "The bill says of itself what its documents and records do not bear out.",
    "tariff-change": "The tariff changes in the middle of a record, and nobody can say what of it "
    "falls under which: the period is billed in two bills.",
    "tariff-currency": "The tariffs of the bill are in different currencies.",
    "tariff-magnitude": "The tariff reckons with numbers beyond what can be proven.",
    "tariff-": "The tariff is unreadable, does not apply to this meter or time, or is not the one "
    "agreed on.",
    "unit-": "The tariff prices another measure than the meter's.",
    "untrusted-keys": "The file is signed, but not with keys that were named as trusted here. "
    "Whether it is true does not follow.",
    "weights-": "The prices are beyond what can be proven.",
}


def meaning(code: str) -> str:
    """A sentence on a refusal's code; "" for a code of none of the kinds here."""
    found = [start for start in _SENTENCES if code.startswith(start)]
    return _SENTENCES[max(found, key=len)] if found else ""
