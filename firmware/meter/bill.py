"""The meter bills itself: a bill's weighted sums, run over its own log. Loaded for a command only.

    ?bill SEQ             #bill {json}         begins before this record
    ?bill COUNT W [W2]    #bill {json}         the next COUNT records, at a weight for each channel
    ?bill                 #bill {json}         what has come together

`COUNT` records of one price are one run; events in it weigh nothing. The answer is the opening of
Σ W·C over the records so far: `fee` = Σ W·v and `blinding` = Σ W·r mod n, the digest before the
first record, that of the last, and the number of the next. Whoever asks has the customer's port,
which tells single openings too: what is gained is that no reading has to leave the meter.
"""

import asyncio

from micropython import const
from wattseal.errors import Malformed, Refused
from wattseal.p256 import N, encode_scalar
from wattseal.record import decode_body

_MOST_DIGITS = const(40)
_ANSWER = '#bill {{"next":{},"fee":"{}","blinding":"{}","before":"{}","last":"{}"}}'
_AT_ONCE = const(4)  # records between two chances for the rest of the meter

# What `state`, a list, holds: [next record, fee, blinding, digest before, digest of the last].


async def answer(words, state, log, openings, keys, line):
    """Do one command, whose words these are, and answer it by the coroutine `line`.

    Malformed `bad-command`; Refused `bill-unbegun`, `record-gone`, `opening-other-epoch`: then
    the state is as before the command.
    """
    if len(words) == 1:
        state[:] = [_number(words[0]), 0, 0, b"", b""]
    elif words:
        if not state:
            raise Refused("bill-unbegun")
        state[:] = await _run(
            state, _number(words[0]), [_weight(word) for word in words[1:]], log, openings, keys
        )
    elif not state:
        raise Refused("bill-unbegun")
    seq, fee, blinding, before, last = state
    await line(
        _ANSWER.format(seq, fee, encode_scalar(blinding).hex(), _hex(before), _hex(last))
    )


def _hex(data):
    return data.hex() if data else ""  # of none MicroPython says b''


async def _run(state, count, weights, log, openings, keys):
    seq, fee, blinding, before, last = state
    if count > log.count - seq:
        raise Refused("record-gone")
    end = seq + count
    while seq < end:
        body = log.body(seq)
        if not body:
            raise Refused("record-gone")
        record = decode_body(body)
        before = before or record.previous
        last = record.digest
        if record.channels:
            if record.epoch != keys.epoch:
                raise Refused("opening-other-epoch")
            if len(record.channels) != len(weights):
                raise Malformed("bad-command")
        for channel in range(len(record.channels)):
            weight = weights[channel]
            if weight:
                fee += weight * openings.reading(record, channel)[0]
                blinding += weight * openings.blinding(record.boot, seq, channel)
        seq += 1
        if seq % _AT_ONCE == 0:
            blinding %= N
            await asyncio.sleep_ms(0)
    blinding %= N
    return [seq, fee, blinding, before, last]


def _number(word):
    if not 0 < len(word) <= 10 or not word.isdigit():
        raise Malformed("bad-command")
    return int(word)


def _weight(word):
    """Return the value of up to 40 decimal digits, with a minus or without."""
    digits = word[1:] if word[:1] == b"-" else word
    if not 0 < len(digits) <= _MOST_DIGITS or not digits.isdigit():
        raise Malformed("bad-command")
    return int(word)
