"""The beginning of `told`: from its file, and from what the log says beyond it.

The file is written after each event and before any other record, so at boot it may lack the newest
record's news at most; where it is lost it is made again from the log.
"""

from binascii import crc32

from wattseal.events import WITHDRAWN, decode_clock_set, decode_switch, spend
from wattseal.record import (
    APPLET,
    BOOT,
    CALIBRATED,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    PAIRED,
    ROTATED,
    TAMPER,
    decode_body,
)

from meter.told import APPLETS_AT, DIGEST_AT, DIGEST_BYTES, NAME, NUMBERS, VERSION


def load(told, storage, log):
    """Take the file into a Told, or make its content again from what the log still holds."""
    data = storage.read(NAME)
    first = log.count - 1
    lost = len(data) < APPLETS_AT + 4 or data[0] != VERSION or (
        crc32(data[:-4]) != int.from_bytes(data[-4:], "big")
    )
    if not lost:
        for i, name in enumerate(NUMBERS):
            setattr(told, name, int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big"))
        told.spent_s, told.case, told.consent = data[1], data[2], data[3]
        told.calibration = data[DIGEST_AT:APPLETS_AT]
        for at in range(APPLETS_AT, len(data) - 4, DIGEST_BYTES + 4):
            applet = data[at : at + DIGEST_BYTES]
            told.applets += (applet,)
            served = data[at + DIGEST_BYTES : at + DIGEST_BYTES + 4]
            told.served[applet] = int.from_bytes(served, "big")
    else:
        first = log.oldest
        told.unsaved = True
    record = None
    for seq in range(max(first, 0), log.count):
        body = log.body(seq)
        if body:
            record = decode_body(body)
            _follow(told, record)
    if record and lost:
        # When they exported was in the file alone: it may have been just now.
        for applet in told.applets:
            told.served.setdefault(applet, record.end_s)


def _follow(told, record):
    event = record.event
    payload = record.payload
    if event not in (0, BOOT):
        told.unsaved = True
    if event == CLOCK_SET:
        counter, before_s, after_s = decode_clock_set(payload)
        if counter > told.order:
            told.order = counter
            if before_s:
                spent = spend(told.day, told.spent_s, before_s, after_s)
                told.day, told.spent_s = spent or (told.day, told.spent_s)
        if counter == told.counter:
            told.counter = 0
    elif event == TAMPER:
        told.case = decode_switch(payload)[0]
    elif event == CONSENT:
        told.consent = decode_switch(payload)[0]
    elif event == PAIRED:
        told.consent = WITHDRAWN
        told.forget_applets()
    elif event == APPLET:
        told.follow(payload)
    elif event == CALIBRATED:
        told.calibration = payload
    elif event == ROTATED:
        told.oldest = int.from_bytes(payload, "big")
    elif event == CLOSED:
        told.order = int.from_bytes(payload, "big")
