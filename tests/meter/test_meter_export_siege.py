"""Whoever holds the relay tries PINs, and leaves exports half-open, for as long as they like.

On the 32-bit VM with the heap of a chip: a sample in `make test`, all in `make test-slow`.
"""

import time

import pytest
from export_bench import (
    ANSWERED,
    ASKED,
    CONFIRMATION,
    DONE,
    EXPIRED,
    NONE,
    PIN_SHOWN,
    PIN_WRONG,
    REQUEST,
    SERVING,
    SESSION,
    SHARE,
    TAKEN,
    Service,
    applet,
)
from meter_bench import START_S, board
from test_meter_fitting import HEAP_BYTES, SHIM_BYTES
from wattseal.fixed_base import G_BASE
from wattseal.p256 import to_affine
from wattseal.spake2 import encode_share
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.pairing import read_pin
from wattseal_host.errors import PortError

HALF_HOUR_S = 1800
BEGIN_S = START_S + 2 * HALF_HOUR_S
END_S = START_S + 18 * HALF_HOUR_S
LEAK_BYTES = 512  # what a meter in service holds differs by so much from one moment to the next
FULL = pytest.mark.slow


@pytest.fixture(scope="module")
def at(tmp_path_factory, vm32):
    options = {
        "vm": vm32, "heap_bytes": HEAP_BYTES + SHIM_BYTES, "form": "romfs",
        "settings": {"interval_s": HALF_HOUR_S},
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("siege")
    with board(folder, load=ConstantLoad(1000), start_s=START_S, **options) as meter:
        meter.power_on()
        meter.run_until(END_S + 60)
        service = Service(meter)
        service.name, data = applet()
        service.deploy(data)
        exported(service)  # all that stays of an export, names above all, is there
        yield service
        service.close()


def exported(at):
    one = at.export(BEGIN_S, END_S)
    at.agree(one, at.name)
    assert at.fetch(one)
    at.passes(700)


def free_bytes(at):
    """Heap that is free after a collection, with nothing in hand; the least of some minutes."""
    at.passes(700 - (at.board.now_s - 60) % HALF_HOUR_S % 300)
    assert at.told()[0] == NONE
    at.board.watch_heap()
    at.passes(150)
    return at.board.heap_low_bytes


class Attacker:
    """Guesses at a PIN that is shown to somebody else; any point is a share of some PIN."""

    def __init__(self, at, rng):
        self._at = at
        self._rng = rng
        self.shares = set()  # that the meter gave: one for each exchange it went into

    def share(self):
        scalar = self._rng.getrandbits(255)
        steps = G_BASE.steps(scalar)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                return encode_share(to_affine(done.value))

    def tries(self, session, count):
        """Guess so often in a session, by shares and confirmations; the states and results."""
        seen = set()
        for number in range(count):
            if number % 2:
                seen.add(self._at.mail(CONFIRMATION, session + self._rng.randbytes(32)))
            else:
                seen.add(self._at.mail(SHARE, session + self.share()))
            given = self._at.part(28, 65)
            if any(given):
                self.shares.add(given)
        return seen


@pytest.mark.parametrize("tries", [120, pytest.param(10_000, marks=FULL)])
def test_however_many_tries_at_a_pin_get_no_further_than_one(at, rng, tries):
    begun_s = time.monotonic()
    free = free_bytes(at)
    attacker = Attacker(at, rng)
    presses = 3
    for _ in range(presses):
        one = at.export(BEGIN_S, END_S)
        assert at.mail(REQUEST, one.request(at.name)) == (ASKED, TAKEN)
        assert attacker.tries(one.session, 10) == {(ASKED, SESSION)}  # there is no PIN yet
        assert at.press() == (PIN_SHOWN, SESSION)
        pin = read_pin(at.board)
        seen = attacker.tries(one.session, tries // presses)
        assert (ANSWERED, TAKEN) in seen and (NONE, PIN_WRONG) in seen
        assert {state for state, _ in seen} <= {ANSWERED, NONE}
        assert {result for _, result in seen} == {TAKEN, PIN_WRONG, SESSION}
        assert at.mail(SHARE, one.share(pin)) == (NONE, SESSION)  # the right one comes too late
        with pytest.raises(PortError, match="exception 2"):
            at.port.export_chunk(0)
    assert len(attacker.shares) == presses
    exported(at)
    report(at, f"{tries} tries at PINs", begun_s, free)


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=FULL)])
def test_exports_left_half_open(at, count):
    """Wherever they are left: asked, with a PIN shown, after a share, in the chunks."""
    begun_s = time.monotonic()
    free = free_bytes(at)
    left = dict.fromkeys((ASKED, PIN_SHOWN, ANSWERED, SERVING), 0)
    for number in range(count):
        one = at.export(BEGIN_S, END_S)
        assert at.mail(REQUEST, one.request(at.name)) == (ASKED, TAKEN)
        step = list(left)[number // 10 % len(left)] if number % 10 == 0 else ASKED
        if step != ASKED:
            assert at.press() == (PIN_SHOWN, TAKEN)
        if step == ANSWERED:
            assert at.mail(SHARE, one.share("000000")) == (ANSWERED, TAKEN)
        if step == SERVING:
            assert at.mail(SHARE, one.share(read_pin(at.board))) == (ANSWERED, TAKEN)
            at.mail(CONFIRMATION, one.answer(at.part(28, 65)))
            assert at.told()[0] in (SERVING, DONE) and at.chunk(0)
        if step == ASKED:
            at.passes(61)  # then the next one may take its place
        else:
            at.passes(601)
            assert at.told() == (NONE, EXPIRED)
        left[step] += 1
    assert all(left.values())
    exported(at)
    report(at, f"{count} half-open exports", begun_s, free)


def report(at, what, begun_s, before):
    """Say what it took, and hold the memory against what was there before."""
    after = free_bytes(at)
    spent_s = time.monotonic() - begun_s
    print(f"{what}: {spent_s:.0f} s; {before} bytes of heap free before, {after} after")
    assert after >= before - LEAK_BYTES
