"""Keys, epochs and boots on the flash, and the pairing that changes them."""

import asyncio
import hashlib

import pytest
from meter.clock import Clock
from meter.keys import Keys
from meter.notice import Notice
from meter.pairing import Pairing, Pins
from wattseal.ecdsa import public_key
from wattseal.errors import Malformed, Refused
from wattseal.p256 import G, N, encode_point
from wattseal.pairing_customer import Customer
from wattseal.record import meter_id
from wattseal.spake2 import encode_share

CUSTOMER = bytes(range(32))
SECRET = b"s" * 32


class Entropy:
    """A generator that never repeats itself."""

    def __init__(self, seed=b""):
        self.state = seed

    def __call__(self, count):
        self.state = hashlib.sha256(self.state).digest()
        return self.state[:count]


def keys(storage, **options):
    return Keys(storage, Entropy(), lambda: b"noise", **options)


def test_first_boot_makes_them_and_later_boots_keep_them(storage):
    first = keys(storage)
    assert 0 < first.secret < N
    assert first.public == encode_point(public_key(first.secret))
    assert first.meter == meter_id(first.public)
    assert (first.boot, first.epoch, first.pending) == (1, 0, b"")
    second = Keys(storage, Entropy(b"other"), lambda: b"")
    assert (second.secret, second.epoch_secret) == (first.secret, first.epoch_secret)
    assert second.boot == 2


def test_noise_and_entropy_both_count(tmp_path):
    from meter.storage import Storage

    made = set()
    for number, (seed, noise) in enumerate([(b"a", b"x"), (b"a", b"y"), (b"b", b"x")]):
        (tmp_path / str(number)).mkdir()
        storage = Storage(str(tmp_path / str(number)))
        made.add(Keys(storage, Entropy(seed), lambda noise=noise: noise).secret)
    assert len(made) == 3


def test_the_boot_counter_never_falls(storage, tmp_path):
    keys(storage)
    (tmp_path / "keys" / "boot").unlink()
    assert keys(storage, last_boot=9).boot == 10
    assert keys(storage, last_boot=9).boot == 11


@pytest.mark.parametrize("name", ["device", "epochs"])
def test_lost_keys_are_not_made_anew_under_a_log(storage, tmp_path, name):
    keys(storage)
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(Refused) as refusal:
        keys(storage, must_exist=True)
    assert refusal.value.code == "keys-lost"


def test_an_epoch_waits_and_begins(storage):
    before = keys(storage)
    before.prepare_epoch(SECRET)
    pending = before.pending
    again = keys(storage)
    assert (again.epoch, again.pending) == (0, pending)
    again.begin_epoch()
    after = keys(storage)
    assert (after.epoch, after.epoch_secret, after.pending) == (1, pending, b"")


class Desk:
    """A meter to pair with, and what its notice shows."""

    def __init__(self, storage, ticks):
        self.told = []
        self.clock = Clock(ticks)
        self.keys = keys(storage)
        notice = Notice(self.clock, self.told.append)
        self.pairing = Pairing(self.clock, self.keys, notice, Pins(self.keys.random))

    def pin(self):
        return self.told[-1].split()[-1]

    def share(self, pin):
        """Return (the customer, its confirmation) after the exchange of shares."""
        customer = Customer(pin.encode(), 12345, CUSTOMER)
        share = asyncio.run(self.pairing.answer(customer.share))
        return customer, customer.confirm(self.keys.public, share)

    def pair(self):
        self.pairing.press()
        customer, confirmation = self.share(self.pin())
        epoch, own, random = self.pairing.confirm(confirmation, customer.random)
        return epoch, customer.secret(own, random)

    def refused(self, *arguments):
        with pytest.raises(Refused) as refusal:
            if len(arguments) == 1:
                asyncio.run(self.pairing.answer(*arguments))
            else:
                self.pairing.confirm(*arguments)
        return refusal.value.code


@pytest.fixture
def desk(storage, ticks):
    return Desk(storage, ticks)


GOOD_SHARE = encode_share(G)


def test_closed_without_the_button(desk):
    assert not desk.pairing.is_open()
    assert desk.refused(GOOD_SHARE) == "pairing-closed"
    assert desk.refused(bytes(32), bytes(32)) == "pairing-closed"


def test_both_sides_have_one_secret_and_both_contribute(desk):
    first = desk.pair()
    assert first == (1, desk.keys.pending)
    pin = desk.told[-3].split()[-1]
    assert len(pin) == 6 and pin.isdigit()
    assert desk.pair()[1] != first[1]


def test_one_try_for_one_press(desk):
    desk.pairing.press()
    pin = desk.pin()
    wrong = f"{(int(pin) + 1) % 1_000_000:06d}"
    customer, confirmation = desk.share(wrong)
    assert not desk.pairing.is_open()
    assert desk.refused(GOOD_SHARE) == "pairing-closed"
    assert desk.refused(confirmation, customer.random) == "pairing-pin"
    assert desk.refused(confirmation, customer.random) == "pairing-closed"
    assert desk.keys.pending == b""


def test_a_share_that_is_none_spends_the_pin(desk):
    desk.pairing.press()
    with pytest.raises(Malformed):
        asyncio.run(desk.pairing.answer(bytes(65)))
    assert desk.refused(GOOD_SHARE) == "pairing-closed"


def test_ten_thousand_guesses_get_no_further_than_one(desk):
    """A guesser whose every try is the right PIN but one: only the pressed button gives a try."""
    desk.pairing.press()
    desk.share("000000" if desk.pin() != "000000" else "000001")
    for _ in range(10_000):
        assert desk.refused(GOOD_SHARE) == "pairing-closed"
    assert desk.keys.pending == b""


def test_a_confirmation_of_another_exchange(desk):
    desk.pairing.press()
    customer, confirmation = desk.share(desk.pin())
    desk.pairing.press()
    assert desk.refused(confirmation, customer.random) == "pairing-closed"
    desk.share(desk.pin())
    assert desk.refused(confirmation, customer.random) == "pairing-pin"


def test_a_relay_cannot_put_its_own_key_in(desk):
    """What the customer confirms holds the meter's key: for another the meter refuses."""
    desk.pairing.press()
    customer = Customer(desk.pin().encode(), 12345, CUSTOMER)
    share = asyncio.run(desk.pairing.answer(customer.share))
    confirmation = customer.confirm(encode_point(G), share)
    assert desk.refused(confirmation, CUSTOMER) == "pairing-pin"


def test_the_window_lasts_a_minute_across_the_wrap_of_the_ticks(desk, ticks):
    desk.pairing.press()
    ticks.now_ms += 59_999
    assert desk.pairing.is_open()
    customer, confirmation = desk.share(desk.pin())
    ticks.now_ms += 1
    assert desk.refused(confirmation, customer.random) == "pairing-closed"
    desk.pairing.press()
    ticks.now_ms += 60_000
    assert desk.refused(GOOD_SHARE) == "pairing-closed"


def test_after_a_failed_flash_the_same_may_be_sent_again(desk, storage):
    def fail(name, data):
        raise OSError(28)

    desk.pairing.press()
    customer, confirmation = desk.share(desk.pin())
    storage.replace = fail
    with pytest.raises(OSError):
        desk.pairing.confirm(confirmation, customer.random)
    del storage.replace
    assert keys(storage).pending == b""
    epoch, own, random = desk.pairing.confirm(confirmation, customer.random)
    assert (epoch, keys(storage).pending) == (1, customer.secret(own, random))


def test_pins_are_spread_evenly(desk):
    """A thousand of them: no leading digit is rare, and few repeat."""
    pins = Pins(desk.keys.random)
    drawn = [pins.draw() for _ in range(1000)]
    assert all(len(pin) == 6 and pin.isdigit() for pin in drawn)
    assert len(set(drawn)) > 990
    for digit in "0123456789":
        assert 60 < sum(pin[0] == digit for pin in drawn) < 145
