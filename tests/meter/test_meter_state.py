import pytest
from meter.state import State


def saved(storage):
    state = State(storage)
    state.next_seq = 7
    state.interval_s = 1800
    state.registers_uj = [2**70 + 1, 5]
    state.sealed_units = [2**40, 3]
    state.hidden_flags = 2
    state.quality_flags = 5
    state.save()
    return state


def fields(state):
    return {name: value for name, value in vars(state).items() if not name.startswith("_")}


def test_round_trip(storage):
    before = saved(storage)
    after = State(storage)
    assert after.load()
    assert fields(after) == fields(before)


def test_first_boot_has_none(storage):
    assert not State(storage).load()


def test_an_unchanged_checkpoint_is_written_too(storage):
    """Else the flash would tell on the utility port whether anything was consumed."""
    state = saved(storage)
    written = []
    storage.replace = lambda name, data: written.append(name)
    state.save()
    state.registers_uj[0] += 1
    state.save()
    assert written == ["live/state"] * 2


def test_a_failed_write_is_tried_again_next_time(storage):
    state = saved(storage)
    replace = storage.replace

    def fail(name, data):
        raise OSError(5)

    storage.replace = fail
    state.registers_uj[0] += 1
    with pytest.raises(OSError):
        state.save()
    storage.replace = replace
    state.save()
    after = State(storage)
    assert after.load()
    assert after.registers_uj == state.registers_uj


def test_any_damage_is_noticed(storage, tmp_path):
    saved(storage)
    file = tmp_path / "live" / "state"
    good = file.read_bytes()
    for at in range(len(good)):
        file.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        assert not State(storage).load()
    for length in range(len(good)):
        file.write_bytes(good[:length])
        assert not State(storage).load()
