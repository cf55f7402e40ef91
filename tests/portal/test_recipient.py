"""The recipient's side against a meter in process: what a relay can do to an export, and cannot."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peer_meter import PeerMeter
from sealed_house import INTERVAL_S, START_S, SealingMeter
from wattseal import manifest
from wattseal.errors import Refused, WattsealError
from wattseal_host import keys
from wattseal_host.export import items, recipient
from wattseal_host.export.recipient import Export
from wattseal_host.portal import mailbox as box

ORIGIN = "https://portal.example"
DAY_S = 86400
END_S = START_S + 2 * DAY_S


def applet(origin: str = ORIGIN, granularity_s: int = 0) -> tuple[bytes, bytes]:
    """(manifest, signature) of a website's applet."""
    key = keys.generate_key()
    made = manifest.Manifest()
    made.kind, made.version = manifest.ONE_TIME, 1
    made.publisher_key, made.recipient_key = keys.public_bytes(key), bytes(33)
    made.reads, made.granularity_s, made.reach_s, made.every_s = 3, granularity_s, 0, 0
    made.name, made.publisher, made.origin = b"Portal", b"Portal Ltd", origin.encode()
    body = made.encode()
    return body, keys.sign_digest(key, manifest.digest(body))


@pytest.fixture
def meter(house: SealingMeter) -> PeerMeter:
    return PeerMeter(house)


def approve(meter: PeerMeter, origin: str = ORIGIN, granularity_s: int = 0) -> bytes:
    body, signature = applet(origin, granularity_s)
    meter.mail(recipient.MANIFEST, body + signature)
    meter.press()
    digest: bytes = manifest.digest(body)
    assert digest in meter.applets
    return digest


def ask(meter: PeerMeter, one: Export, digest: bytes) -> None:
    meter.mail(recipient.REQUEST, one.request(digest))
    meter.press()


def exchange(meter: PeerMeter, one: Export, pin: str) -> box.Mailbox:
    meter.mail(recipient.SHARE, one.share(pin))
    told = box.read(meter.mailbox_bytes())
    assert told.state == box.ANSWERED
    meter.mail(recipient.CONFIRMATION, one.answer(told.share))
    return box.read(meter.mailbox_bytes())


def fetch(meter: PeerMeter, one: Export) -> list[items.Item]:
    told = exchange(meter, one, meter.pin)
    one.confirmed(told.confirmation)
    for number in range(told.chunks):
        one.open(number, number == told.chunks - 1, meter.export_chunk(number))
    return one.finish(box.read(meter.mailbox_bytes()).signature)


def whole(meter: PeerMeter, granularity_s: int, from_s: int = START_S, to_s: int = END_S):
    digest = approve(meter)
    one = Export(ORIGIN, meter.house.key, from_s, to_s, granularity_s)
    ask(meter, one, digest)
    return fetch(meter, one)


def checked(meter: PeerMeter, found: list[items.Item], granularity_s: int, sealed=None):
    house = meter.house
    return items.check(
        found, sealed or house.sealed, house.key, START_S, END_S, granularity_s, INTERVAL_S
    )


@pytest.mark.parametrize(("granularity_s", "count"), [(0, 96), (3600, 48), (DAY_S, 2)])
def test_readings_and_sums_are_those_of_the_meter(
    meter: PeerMeter, granularity_s: int, count: int
) -> None:
    opened = checked(meter, whole(meter, granularity_s), granularity_s).opened
    assert len(opened) == count
    assert sum(one.value for one in opened) == sum(v[0] for v in meter.house.values.values())
    if not granularity_s:
        assert [one.value for one in opened] == [v[0] for v in meter.house.values.values()]
    assert sum(one.end_s - one.start_s for one in opened) == 2 * DAY_S


def test_two_channels_and_edges_of_blocks() -> None:
    house = SealingMeter("both ways", channels=2).origin()
    for at in range(90):
        house.reading(100 + at, 7 * at)
    meter = PeerMeter(house)
    from_s, to_s = START_S + 5 * INTERVAL_S, START_S + 77 * INTERVAL_S
    found = whole(meter, 0, from_s, to_s)
    assert {item.kind for item in found} == {1, 2}
    opened = items.check(found, house.sealed, house.key, from_s, to_s, 0, INTERVAL_S).opened
    assert len(opened) == 2 * 72 and opened[1].value == 7 * 5


def test_items_of_other_readings_are_refused(meter: PeerMeter) -> None:
    found = whole(meter, 3600)
    first = found[0]
    cheats = {
        "export-opening": [first._replace(total=first.total + 1), *found[1:]],
        "export-twice": [*found, first],
        "export-records": [first._replace(seq=5000)],
        "export-empty": [],
    }
    for code, told in cheats.items():
        with pytest.raises(Refused) as caught:
            checked(meter, told, 3600)
        assert caught.value.code == code
    with pytest.raises(Refused) as caught:
        items.check(
            found, meter.house.sealed, meter.house.key, START_S + 7200, END_S, 3600, INTERVAL_S
        )
    assert caught.value.code == "export-scope"


@pytest.mark.parametrize("what", ["dropped", "altered", "cut"])
def test_sealed_records_that_a_relay_changed_are_refused(meter: PeerMeter, what: str) -> None:
    found, sealed = whole(meter, 0), list(meter.house.sealed)
    if what == "dropped":
        del sealed[40]
    elif what == "altered":
        sealed[40] = sealed[40][:60] + bytes([sealed[40][60] ^ 1]) + sealed[40][61:]
    else:
        del sealed[60:]
    with pytest.raises(WattsealError):
        checked(meter, found, 0, sealed)


def test_a_wrong_pin_costs_the_pin(meter: PeerMeter) -> None:
    one = Export(ORIGIN, meter.house.key, START_S, END_S, 0)
    ask(meter, one, approve(meter))
    pin = meter.pin
    told = exchange(meter, one, f"{(int(pin) + 1) % 10**6:06}")
    assert told.state == box.NONE and told.code == "export-pin"
    assert told.confirmation == bytes(32)
    again = Export(ORIGIN, meter.house.key, START_S, END_S, 0, one.session)
    meter.mail(recipient.SHARE, again.share(pin))
    assert box.read(meter.mailbox_bytes()).code == "export-over"


@pytest.mark.parametrize("field", ["origin", "start_s", "end_s", "granularity_s", "key", "session"])
def test_a_relay_that_swaps_anything_asked_leaves_no_key(meter: PeerMeter, field: str) -> None:
    """The display shows what the relay made of it; the browser holds on to what it asked."""
    asked = {
        "origin": ORIGIN, "key": meter.house.key, "start_s": START_S, "end_s": END_S,
        "granularity_s": 0, "session": bytes(range(16)),
    }  # fmt: skip
    other = {
        "origin": "https://evil.example", "start_s": START_S + INTERVAL_S,
        "end_s": END_S - INTERVAL_S, "granularity_s": 1800, "key": SealingMeter("other").key,
        "session": b"\1" * 16,
    }[field]  # fmt: skip
    ask(meter, Export(**asked), approve(meter))
    meant = Export(**{**asked, field: other})
    own = bytes(range(16))
    meter.swap = lambda kind, message: own + message[16:] if kind > 2 else message
    told = exchange(meter, meant, meter.pin)
    assert told.code == "export-pin"
    with pytest.raises(Refused):
        meant.confirmed(told.confirmation)


@pytest.mark.parametrize("what", ["altered", "dropped", "reordered", "replayed", "last", "cut"])
def test_chunks_that_a_relay_changed_are_refused(meter: PeerMeter, what: str) -> None:
    one = Export(ORIGIN, meter.house.key, START_S, END_S, 3600)
    ask(meter, one, approve(meter))
    told = exchange(meter, one, meter.pin)
    one.confirmed(told.confirmation)
    chunks = [meter.export_chunk(number) for number in range(told.chunks)]
    one.open(0, False, chunks[0])
    bad = {
        "altered": (False, chunks[1][:-1] + bytes([chunks[1][-1] ^ 1])),
        "dropped": (False, chunks[2]),
        "reordered": (False, chunks[3]),
        "replayed": (False, chunks[0]),
        "last": (True, chunks[1]),
        "cut": (False, chunks[1][:-16]),
    }[what]
    with pytest.raises(Refused) as caught:
        one.open(1, *bad)
    assert caught.value.code == "export-chunk"
    one.open(1, False, chunks[1])  # the right one, asked for again, is taken


def test_an_export_cut_short_has_no_signature(meter: PeerMeter) -> None:
    one = Export(ORIGIN, meter.house.key, START_S, END_S, 3600)
    ask(meter, one, approve(meter))
    told = exchange(meter, one, meter.pin)
    one.confirmed(told.confirmation)
    for number in range(told.chunks):
        chunk = meter.export_chunk(number)
        if number < told.chunks - 1:
            one.open(number, False, chunk)
    with pytest.raises(Refused) as caught:
        one.finish(box.read(meter.mailbox_bytes()).signature)
    assert caught.value.code == "export-signature"


def test_an_export_played_again_is_refused(meter: PeerMeter) -> None:
    """All that a relay has seen of an export opens nothing in the next one."""
    digest = approve(meter)
    one = Export(ORIGIN, meter.house.key, START_S, END_S, 3600)
    ask(meter, one, digest)
    fetch(meter, one)
    seen = list(meter.calls[-2:])
    old = box.read(meter.mailbox_bytes())
    chunks = [meter.export_chunk(number) for number in range(old.chunks)]
    for kind, message in ((3, seen[0][1]), (4, seen[1][1])):
        meter.mail(kind, message)
        assert box.read(meter.mailbox_bytes()).code == "export-over"
    two = Export(ORIGIN, meter.house.key, START_S, END_S, 3600)
    ask(meter, two, digest)
    two.share(meter.pin)
    two.answer(old.share)
    with pytest.raises(Refused) as caught:
        two.confirmed(old.confirmation)
    assert caught.value.code == "spake2-confirmation"
    told = exchange(meter, two, meter.pin)
    two.confirmed(told.confirmation)
    with pytest.raises(Refused):
        two.open(0, False, chunks[0])


def test_a_manifest_with_a_bad_signature_is_never_shown(meter: PeerMeter) -> None:
    body, signature = applet()
    forged = applet("https://other.example")[1]
    for message in (body + forged, body + bytes(64), body[:-1] + signature, signature):
        meter.mail(recipient.MANIFEST, message)
        assert box.read(meter.mailbox_bytes()).code == "applet-bad" and not meter.shown
    meter.press()
    assert not meter.applets


def test_a_website_that_asks_for_more_than_was_consented(meter: PeerMeter) -> None:
    digest = approve(meter, granularity_s=3600)
    for start_s, end_s, granularity_s in (
        (START_S, END_S, 0), (START_S, END_S, 1800), (START_S, END_S, 5400),
        (START_S + 1800, END_S, 3600), (START_S, END_S - 1800, 3600),
    ):  # fmt: skip
        one = Export(ORIGIN, meter.house.key, start_s, end_s, granularity_s)
        meter.mail(recipient.REQUEST, one.request(digest))
        assert box.read(meter.mailbox_bytes()).code == "export-scope"
    one = Export(ORIGIN, meter.house.key, START_S, END_S, 3600)
    meter.mail(recipient.REQUEST, one.request(bytes(32)))
    assert box.read(meter.mailbox_bytes()).code == "applet-unknown"


@given(data=st.binary(max_size=300), at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=60)
def test_whatever_comes_out_of_a_chunk_is_refused_by_name(
    house: SealingMeter, data: bytes, at: int, bit: int
) -> None:
    """Random bytes, and good items with one bit changed: errors of ours, or the truth."""
    meter = PeerMeter(house)
    meter._scope = ORIGIN.encode(), START_S, END_S, 3600
    meter._inside = meter._records
    changed = bytearray(b"".join(meter._items()))
    changed[at % len(changed)] ^= 1 << bit
    for told in (data, bytes(changed)):
        with suppress(WattsealError):
            checked(meter, items.Item.all_of(told), 3600)
            raise AssertionError("a changed item was taken")
    with suppress(WattsealError):
        box.read(data)
