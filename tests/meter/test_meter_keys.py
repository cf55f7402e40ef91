"""Keys, epochs and boots on the flash, and the pairing that changes them."""

import hashlib

import pytest
from meter.clock import Clock
from meter.keys import Keys
from meter.pairing import Pairing
from wattseal.ecdsa import public_key
from wattseal.errors import Refused
from wattseal.keytree import new_epoch_secret
from wattseal.p256 import N, encode_point
from wattseal.record import meter_id

CUSTOMER = bytes(range(32))


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
    before.prepare_epoch(CUSTOMER)
    pending = before.pending
    again = keys(storage)
    assert (again.epoch, again.pending) == (0, pending)
    again.begin_epoch()
    after = keys(storage)
    assert (after.epoch, after.epoch_secret, after.pending) == (1, pending, b"")


def test_both_sides_contribute_to_a_secret(storage, monkeypatch):
    meter = keys(storage)
    monkeypatch.setattr(meter, "random", lambda label: b"m" * 32)
    meter.prepare_epoch(CUSTOMER)
    assert meter.pending == new_epoch_secret(b"m" * 32, CUSTOMER, meter.meter)


@pytest.fixture
def pairing(storage, ticks):
    return Pairing(Clock(ticks), keys(storage))


def refused(pairing):
    with pytest.raises(Refused) as refusal:
        pairing.pair(CUSTOMER)
    return refusal.value.code


def test_closed_without_the_button(pairing):
    assert not pairing.is_open()
    assert refused(pairing) == "pairing-closed"


def test_one_secret_for_one_press(pairing):
    pairing.press()
    epoch, secret = pairing.pair(CUSTOMER)
    assert (epoch, len(secret)) == (1, 32)
    assert refused(pairing) == "pairing-closed"
    pairing.press()
    assert pairing.pair(CUSTOMER) != (epoch, secret)


def test_the_window_lasts_a_minute_across_the_wrap_of_the_ticks(pairing, ticks):
    pairing.press()
    ticks.now_ms += 59_999
    assert pairing.is_open()
    ticks.now_ms += 1
    assert refused(pairing) == "pairing-closed"


def test_a_failed_flash_leaves_the_window_open_and_the_old_state(pairing, storage):
    def fail(name, data):
        raise OSError(28)

    pairing.press()
    storage.replace = fail
    with pytest.raises(OSError):
        pairing.pair(CUSTOMER)
    del storage.replace
    assert keys(storage).pending == b""
    assert pairing.pair(CUSTOMER)[0] == 1
