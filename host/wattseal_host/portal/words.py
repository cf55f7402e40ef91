"""What the site says when something is refused, by code; never what the visitor sent."""

from __future__ import annotations

from wattseal.errors import WattsealError

_WORDS = {
    "user-name": "A user name has 3 to 40 letters, digits, dots, hyphens or underscores.",
    "meter-id": "A meter id has 32 characters, 0-9 and a-f. Your meter's display shows it.",
    "password-length": "A password has 10 to 200 characters.",
    "name-taken": "This user name is taken.",
    "log-on": "User name or password is wrong.",
    "too-often": "Too many tries. Wait a little, then try again.",
    "form": "This form was not complete, or too old. Load the page again.",
    "consent": "Without your consent nothing is read: tick the box to agree.",
    "handover-meter": "This file is another meter's than the one of your account.",
    "handover-opening": "A reading in this file is not the one your meter sealed.",
    "portal-full": "Too many people are looking at their readings just now. Try again later.",
    "handover-empty": "This file has no reading.",
    "tariff-period": "This tariff does not price the whole period.",
    "tariff-channel": "This tariff prices something your meter does not measure.",
}


def of(error: WattsealError) -> str:
    if error.code.startswith("chain-") or error.code.startswith("signature-"):
        return "The records in this file are not whole, or not your meter's own."
    return _WORDS.get(error.code, "This could not be read.")
