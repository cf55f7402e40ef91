"""Chains: what is complete is accepted, and each way of cheating has its own refusal.

The vectors in tests/vectors/chains hold one case per rule; here the rules meet random changes.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import reference
from wattseal import chain, ecdsa, events, record
from wattseal.chain import Chain, Config, verify_stretch
from wattseal.errors import Malformed, Misuse, Refused, WattsealError
from wattseal.standing import Standing

CONFIG = Config(1800, 0, 1)
START_S = 1_700_000_000
STATE = ("public_key", "meter", "config", "previous", "seq", "end_s", "boot", "epoch")


def begun():
    """Return a reference meter at the first boundary after its ORIGIN."""
    meter = reference.Meter("chain tests")
    meter.origin()
    meter.outage(-meter.time_s % 1800, flags=8)
    return meter


def state_at(meter, **changes):
    values = {
        "config": CONFIG, "previous": meter.previous, "seq": meter.seq, "start_s": meter.time_s,
        "boot": meter.boot, "epoch": meter.epoch,
    }  # fmt: skip
    return Chain(meter.device.public, **(values | changes))


def stretch(count=3):
    """Return (bodies, signature, a maker of the state before) of a day's middle."""
    meter = begun()
    before = {
        "previous": meter.previous, "seq": meter.seq, "start_s": meter.time_s,
        "boot": meter.boot, "epoch": meter.epoch, "config": CONFIG,
    }  # fmt: skip
    first = len(meter.bodies)
    for value in range(count):
        meter.reading(values=(value,))
    return meter.bodies[first:], meter.sign(), lambda: Chain(meter.device.public, **before)


def snapshot(state):
    told = {name: getattr(state.standing, name) for name in state.standing.__slots__}
    return {name: getattr(state, name) for name in STATE} | told


@st.composite
def lives(draw):
    """Return a meter that lived through any sequence of ordinary happenings."""
    meter = begun()
    opened = False
    for happening in draw(st.lists(st.sampled_from("iiilopbtc"), max_size=12)):
        if happening == "i":
            meter.reading(values=(draw(st.integers(0, 2**32 - 1)),))
        elif happening == "l":
            meter.reading(flags=1)
        elif happening == "o":
            meter.outage(draw(st.integers(1, 9)) * 1800 + draw(st.integers(1, 1799)))
            meter.outage(-meter.time_s % 1800, flags=5)
        elif happening == "p":
            meter.pair()
        elif happening == "t":
            opened = not opened
            meter.switch(5, 1 if opened else 2)
        elif happening == "c":
            meter.reboot()
            meter.set_clock(meter.seq, 0, meter.time_s)
        else:
            meter.reboot(draw(st.integers(1, 3)))
    return meter


@settings(max_examples=40)
@given(meter=lives())
def test_an_ordinary_life_is_accepted_whole_and_in_pieces(meter):
    whole = Chain(meter.device.public)
    records = verify_stretch(meter.bodies, meter.sign(), whole)
    assert [r.body for r in records] == meter.bodies
    assert whole.previous == meter.previous and whole.seq == meter.seq
    assert whole.end_s == meter.time_s and whole.epoch == meter.epoch
    assert sum(r.length_s for r in records) == meter.time_s - records[0].start_s
    assert records[-1].sealed == meter.bodies[-1] + meter.sign()
    pieces = Chain(meter.device.public)
    for body in meter.bodies:
        verify_stretch([body], meter.device.sign(body), pieces)
    assert snapshot(pieces) == snapshot(whole)


@settings(max_examples=40)
@given(meter=lives(), data=st.data())
def test_any_dropped_doubled_or_moved_record_is_refused(meter, data):
    meter.reading()
    bodies = meter.bodies
    at = data.draw(st.integers(0, len(bodies) - 2))
    to = data.draw(st.integers(0, len(bodies) - 2).filter(lambda i: i != at))
    moved = bodies[:at] + bodies[at + 1 :]
    moved.insert(to, bodies[at])
    dropped = bodies[:at] + bodies[at + 1 :]
    doubled = [*bodies[: at + 1], *bodies[at:]]
    for changed in (dropped, doubled, moved):
        with pytest.raises(Refused) as caught:
            verify_stretch(changed, meter.sign(), Chain(meter.device.public))
        assert caught.value.code == "chain-sequence"


def test_no_changed_byte_of_any_body_or_signature_is_accepted():
    bodies, signature, before = stretch()
    verify_stretch(bodies, signature, before())
    codes = set()

    def refused(changed_bodies, changed_signature):
        with pytest.raises((Malformed, Refused)) as caught:
            verify_stretch(changed_bodies, changed_signature, before())
        codes.add(caught.value.code)

    for index, body in enumerate(bodies):
        for at in range(len(body)):
            for bits in (1, 128):
                changed = body[:at] + bytes([body[at] ^ bits]) + body[at + 1 :]
                refused([*bodies[:index], changed, *bodies[index + 1 :]], signature)
    for at in range(64):
        for bits in (1, 16, 128):
            changed = signature[:at] + bytes([signature[at] ^ bits]) + signature[at + 1 :]
            refused(bodies, changed)
    assert {"chain-meter", "chain-sequence", "chain-link", "chain-time", "chain-epoch",
            "chain-config", "chain-signature", "record-version"} <= codes  # fmt: skip


def test_a_refusal_leaves_the_state_as_it_was():
    meter = begun()
    state = state_at(meter)
    before = snapshot(state)
    wrongs = (
        {"meter": bytes(16)}, {"seq": 9}, {"previous": bytes(32)}, {"start_s": 7}, {"boot": 0},
        {"epoch": 1}, {"exponent": 5}, {"length_s": 900}, {"channel_set": 3},
    )  # fmt: skip
    for wrong in wrongs:
        meter.bodies.clear()
        kept = (meter.seq, meter.time_s, meter.previous)
        values = (1, 2) if "channel_set" in wrong else (1,)
        body = meter.reading(values=values, **wrong)
        meter.seq, meter.time_s, meter.previous = kept
        decoded = record.decode_body(body)
        with pytest.raises(Refused):
            state.append(decoded, decoded.digest)
        assert snapshot(state) == before, wrong
    wrong_events = (
        lambda: meter.set_clock(0, START_S, START_S), lambda: meter.number(8, 0),
        lambda: meter.set_clock(9, START_S, START_S + 61), lambda: meter.number(7, 0),
        lambda: meter.reboot(0), lambda: meter.pair(epoch=1),
    )  # fmt: skip
    for number, write in enumerate(wrong_events):
        kept = (meter.seq, meter.time_s, meter.previous, list(meter.secrets))
        body = write()
        meter.seq, meter.time_s, meter.previous, meter.secrets = kept
        with pytest.raises(Refused):
            state.append(record.decode_body(body), record.body_digest(body))
        assert snapshot(state) == before, number
    body = meter.reading()
    state.append(record.decode_body(body), record.body_digest(body))
    assert state.seq == meter.seq


def test_what_events_said_is_replayed_by_who_holds_them():
    """The state of the events in the middle of a chain is that of its events alone."""
    meter = begun()
    meter.switch(5, 1)
    meter.set_clock(7, 0, meter.time_s)
    meter.reading()
    meter.calibrated()
    whole = Chain(meter.device.public)
    records = verify_stretch(meter.bodies, meter.sign(), whole)
    replayed = state_at(meter)
    replayed.standing = Standing(True)
    for event in records:
        if event.kind == record.EVENT:
            replayed.standing.take(event)
    assert snapshot(replayed) == snapshot(whole)


@pytest.mark.parametrize(
    ("settings_", "left"),
    [
        ([(0, 60)], 0), ([(0, -60)], 0), ([(0, 30), (50, 20)], 0), ([(-1, 5), (0, 60)], 0),
        ([(86399, 86440), (86441, 86460), (86470, 86500)], 11),
        ([(0, 61)], None), ([(0, 31), (40, 10)], None), ([(0, 10), (-1, 50)], None),
        ([(0, 50), (90_000, 90_060), (86_300, 86_301)], None),
    ],
)
def test_the_clock_moves_60_seconds_a_day(settings_, left):
    """Times in seconds after a midnight; `left` of the last day's budget, None: refused."""
    spent = (0, 0)
    for before_s, after_s in settings_:
        assert spent is not None
        spent = events.spend(*spent, 86400 * 20_000 + before_s, 86400 * 20_000 + after_s)
    assert spent is None if left is None else spent[1] == 60 - left


def test_rules_apply_in_their_order():
    """A record that breaks all rules from some rule on is refused with the first of them."""
    wrongs = [
        ("chain-meter", {"meter": bytes(16)}), ("chain-sequence", {"seq": 77}),
        ("chain-link", {"previous": bytes(32)}), ("chain-time", {"start_s": 7}),
        ("chain-boot", {"boot": 0}), ("chain-epoch", {"epoch": 9}),
        ("chain-config", {"exponent": 9}),
    ]  # fmt: skip
    for first in range(len(wrongs)):
        meter = begun()
        state = state_at(meter)
        breaking = {}
        for _, wrong in wrongs[first:]:
            breaking |= wrong
        body = meter.reading(**breaking)
        with pytest.raises(Refused) as caught:
            state.append(record.decode_body(body), b"")
        assert caught.value.code == wrongs[first][0]


def test_an_unknown_start_is_taken_from_the_first_record_and_held():
    bodies, signature, _ = stretch()
    meter = begun()
    state = Chain(meter.device.public, CONFIG, previous=meter.previous)
    verify_stretch(bodies, signature, state)
    assert (state.seq, state.boot, state.epoch) == (meter.seq + 3, 1, 0)
    with pytest.raises(Refused) as caught:
        Chain(meter.device.public, CONFIG, previous=meter.previous).append(
            record.decode_body(bodies[1]), b""
        )
    assert caught.value.code == "chain-link"


def test_a_key_that_is_no_point_makes_no_chain():
    for key in (bytes(33), b"\2" * 32, b"\4" + bytes(64)):
        with pytest.raises(Malformed):
            Chain(key)


def test_settings_out_of_range_are_misuse():
    for settings_ in ((0, 0, 1), (-1, 0, 1), (2**32, 0, 1), (1, 128, 1), (1, -129, 1), (1, 0, 2)):
        with pytest.raises(Misuse) as caught:
            Config(*settings_)
        assert caught.value.code == "config-range"
    assert Config(1, 2, 3) == Config(1, 2, 3) != Config(1, 2, 1)
    assert hash(Config(1, 2, 3)) == hash(Config(1, 2, 3))
    assert Config(1, 2, 3) != (1, 2, 3)


def test_nothing_is_no_stretch():
    with pytest.raises(Refused) as caught:
        verify_stretch([], bytes(64), Chain(begun().device.public))
    assert caught.value.code == "chain-empty"


def test_two_records_at_one_place_are_each_valid_and_evidence_together():
    """A fork: no stretch shows it, both ends verify, and the pair is what proves it."""
    meter = begun()
    first, second = state_at(meter), state_at(meter)
    kept = (meter.seq, meter.time_s, meter.previous)
    ends = []
    for value, state in ((1, first), (2, second)):
        meter.seq, meter.time_s, meter.previous = kept
        body = meter.reading(values=(value,))
        ends += verify_stretch([body], meter.device.sign(body), state)
    a, b = ends
    assert (a.meter, a.seq) == (b.meter, b.seq) and a.body != b.body
    public = ecdsa.public_key(meter.device.secret)
    assert all(ecdsa.verify(public, r.digest, r.signature) for r in ends)


def test_codes_of_the_chain_are_the_specified_ones():
    import ast
    from pathlib import Path

    tree = ast.parse(Path(chain.__file__).read_text())
    codes = {
        node.args[0].value for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused"
    }  # fmt: skip
    assert codes == {
        "chain-meter", "chain-sequence", "chain-link", "chain-time", "chain-boot", "chain-epoch",
        "chain-config", "chain-signature", "chain-empty",
    }  # fmt: skip
    assert issubclass(Refused, WattsealError)
