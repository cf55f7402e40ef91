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
    "database": "This website does not reach its list of accounts just now. Try again in some "
    "minutes.",
    "portal-full": "Too many people are looking at their readings just now. Try again later.",
    "handover-empty": "This file has no reading.",
    "tariff-period": "This tariff does not price the whole period.",
    "tariff-browser": "This tariff can only be worked out where this website opens the readings.",
    "tariff-granularity": "This tariff needs finer readings: its price changes within yours.",
    "export-period": "A period begins before it ends, and is 400 days long at most.",
    "export-empty": "Your meter has nothing of yours for this whole period: not yet, no more, or "
    "not since you paired with it.",
    "export-taken": "The PIN was typed already, perhaps in another tab.",
    "export-unpressed": "Nobody pressed your meter's button in time. Ask again.",
    "export-late": "The PIN was not typed within five minutes. Ask again.",
    "export-pin": "That was not the PIN on the display. It is spent: ask again for another.",
    "export-over": "This request is over: another came, or the meter was switched off. Ask again.",
    "export-idle": "Nothing was fetched for too long, and your meter gave up. Ask again.",
    "export-declined": "This was refused at your meter, by its button.",
    "export-withdrawn": "What this website may do was withdrawn, or the meter paired anew.",
    "export-scope": "Your meter refused: this is more than you allowed this website.",
    "export-refused": "Your meter refused. Ask again.",
    "export-chunk": "What came was changed on its way, or is another export's. Nothing was used.",
    "export-signature": "Your meter did not sign for what came. Nothing was used.",
    "export-unit": "Your supplier's relay says otherwise of your meter than its sealed records do. "
    "Nothing was used.",
    "export-channels": "What came is not whole: a direction is missing. Nothing was used.",
    "export-records": "What came does not match what your meter sealed. Nothing was used.",
    "export-twice": "What came has a reading twice. Nothing was used.",
    "export-opening": "A value that came is not the one your meter sealed. Nothing was used.",
    "spake2-confirmation": "It is not your meter that answered, or the PIN was wrong.",
    "applet-unpressed": "Nobody approved this website at the meter in time. Ask again.",
    "applet-unknown": "Your meter does not know this website any more. Ask again.",
    "applet-grid": "Your meter refused this website: its sums do not fit those of another one "
    "that you allowed, and both together would tell more than either.",
    "applet-bad": "Your meter did not accept this website's applet.",
    "meter-busy": "Another request is in hand at your meter. Try again in some minutes.",
    "meter-memory": "Your meter is too busy for this just now: its memory is full. Wait some "
    "minutes, then ask again; nothing is lost.",
    "meter-silent": "Your meter did not answer for three minutes. Is it switched on? Ask again.",
    "port-missing": "Your meter is not reached just now: its line is unplugged.",
    "port-silent": "Your meter does not answer just now. Is it switched on?",
    "port-answer": "What your meter answers is garbled just now.",
    "port-refused": "Your meter does not take requests.",
    "relay-silent": "Your supplier's relay was not reached for three minutes. Ask again.",
    "relay-missing": "Your supplier's relay is not reached just now.",
    "relay-answer": "Your supplier's relay answers nothing that makes sense.",
    "relay-busy": "The line to your meter is taken just now.",
    "relay-meter": "Your supplier's relay does not know this meter.",
    "relay-token": "Your supplier's relay does not know this website.",
    "tariff-channel": "This tariff prices something your meter does not measure.",
}


def of(error: WattsealError) -> str:
    if error.code.startswith("chain-") or error.code.startswith("signature-"):
        return "The records in this file are not whole, or not your meter's own."
    return of_code(error.code)


def of_code(code: str) -> str:
    return _WORDS.get(code, "This could not be read.")


PHASES = {
    "busy": "Your meter is busy with something else. Yours comes next; keep this page open.",
    "deploying": "Your request is on its way to your meter.",
    "sent": "Your request is on its way to your meter.",
    "applet": "Your meter's display asks whether this website may ever ask it. Read all of "
    "it, wait three seconds, then press its button.",
    "asked": "Your meter's display shows who asks, for what. If all of that is right, press its "
    "button.",
    "pin": "Your meter's display shows a PIN of six digits. Type it here.",
    "exchange": "Your meter checks the PIN.",
    "confirm": "Your meter checks the PIN.",
    "serving": "The encrypted readings are on their way.",
    "checking": "Each reading is checked against what your meter sealed.",
    "done": "Done.",
    "failed": "",
}
