"""The meter on the emulated board: the unmodified firmware on a real MicroPython VM."""

import pytest
from meter_bench import START_S, Customer, board
from wattseal.chain import Chain, verify_stretch
from wattseal.commitment import commit, unmask_reading
from wattseal.keytree import blinding, block_key, epoch_id, pad
from wattseal.p256 import encode_point
from wattseal.record import (
    BOOT,
    CALIBRATED,
    CLOCK_UNSET,
    EVENT,
    INTERVAL,
    LEAD_IN,
    OUTAGE,
    PAIRED,
    POWER_LOST,
    decode_origin,
    decode_paired,
)
from wattseal_hil import pairing
from wattseal_hil.loads import ConstantLoad

HOUR_S = 3600


@pytest.fixture
def house(tmp_path):
    """Give boards on one flash, one after the other: house(load=…, start_s=…) and its customer."""
    opened = []

    def switch_on(**options):
        while opened:
            opened.pop().close()
        one = board(tmp_path, **{"load": ConstantLoad(1000), "start_s": START_S, **options})
        opened.append(one)
        one.power_on()
        customer = Customer(one)
        opened.append(customer)
        return one, customer

    yield switch_on
    while opened:
        opened.pop().close()


def verify(records):
    """Refuse a chain that is not whole from its ORIGIN on; return its public key."""
    key = decode_origin(records[0].payload)[3]
    chain = Chain(key)
    verify_stretch([record.body for record in records], records[-1].signature, chain)
    return key


def opened(records, secret, epoch):
    """Open an epoch's readings from the secret alone and check each commitment."""
    values = []
    for record in records:
        if record.kind == EVENT or record.epoch != epoch:
            continue
        key = block_key(secret, record.meter, epoch, record.seq // 32)
        for channel, (commitment, ciphertext) in enumerate(record.channels):
            place = (key, record.meter, record.boot, record.seq, channel)
            value, flags = unmask_reading(ciphertext, pad(*place))
            assert flags == 0
            assert encode_point(commit(value, blinding(*place))) == commitment
            values.append(value)
    return values


def main_records(records):
    """Without the events every boot has to tell (see test_meter_events)."""
    return [record for record in records if record.event not in (BOOT, CALIBRATED)]


def shapes(records):
    return [
        (record.kind, record.start_s - START_S, record.length_s, record.flags)
        for record in main_records(records)
    ]


def test_a_morning_with_a_pairing(house):
    meter, customer = house()
    meter.run_until(START_S + 1000)
    assert customer.ask("?pair " + "5a" * 65) == ["#error pairing-closed"]
    meter.press_button()
    assert customer.status()["pairing_open"]
    paired = pairing.pair(customer.ask, pairing.read_pin(meter))
    status = customer.status()
    assert (status["pairing_open"], status["pairing_pending"], status["epoch"]) == (False, True, 0)
    meter.run_until(START_S + 6 * HOUR_S)

    records = customer.records()
    assert verify(records).hex() == paired.key == customer.status()["key"]
    assert shapes(records)[:4] == [
        (EVENT, 0, 0, 0), (INTERVAL, 0, 1800, 0), (EVENT, 1800, 0, 0), (INTERVAL, 1800, 1800, 0),
    ]
    secret = paired.secret
    assert records[4].event == PAIRED
    assert decode_paired(records[4].payload) == (1, epoch_id(secret, records[0].meter, 1))
    values = opened(records, secret, 1)
    assert len(values) == 11
    status = customer.status()
    assert (status["epoch"], status["next_seq"], status["status"]) == (1, 16, 39)

    # The openings on the port are those of the secret; older epochs stay shut.
    lines = customer.ask("?openings 5 100")
    assert [int(line.split()[3]) for line in lines[:-1]] == values
    assert lines[-1] == "#end 16"
    assert customer.ask("?openings 0 100") == ["#error opening-other-epoch"]

    # Nothing is lost between load, register and records.
    drawn_wh = meter.load_energy_wh(START_S, START_S + 6 * HOUR_S)
    assert status["register_wh"] == pytest.approx(drawn_wh, rel=0.002)
    assert status["register_wh"] == status["sealed_units"][0]


@pytest.mark.parametrize("watts", [30, 400, 10_000])
def test_a_day_of_energy_is_within_a_five_hundredth(house, watts):
    meter, customer = house(load=ConstantLoad(watts), settings={"unit_exponent": -3})
    meter.run_until(START_S + 24 * HOUR_S)
    sealed_mwh = customer.status()["sealed_units"][0]
    assert sealed_mwh == pytest.approx(24_000 * watts, rel=0.002)


def test_telegrams_carry_the_newest_record_and_parse(house):
    from test_meter_p1 import crc_bit_by_bit, lines_of

    meter, customer = house()
    meter.run_until(START_S + HOUR_S + 60)
    customer.status()
    telegrams = customer.telegrams()
    assert len(telegrams) == 61
    for telegram in telegrams:
        assert int(telegram[-6:-2], 16) == crc_bit_by_bit(telegram[:-6].encode())
    lines = lines_of(telegrams[-1].encode())
    assert bytes.fromhex(lines["0-0:96.128.0"]) == customer.records()[-1].sealed
    assert float(lines["1-0:1.8.1"].removesuffix("*kWh")) == pytest.approx(1.017, abs=0.002)
    assert lines["0-0:1.0.0"] == "260101020100W"


def test_answers_never_interleave_with_telegrams(house):
    """History is asked for again and again while telegrams are due all the time."""
    meter, customer = house(settings={"telegram_ms": 1000, "burst_ms": 1000, "interval_s": 10})
    meter.run_until(START_S + 300)
    meter.set_pace(100)
    while len(customer.telegrams()) < 400:
        assert len(customer.records()) >= 31
    meter.set_pace(None)
    customer.status()
    assert customer.neither() == ""


def test_a_short_power_cut_leaves_an_interval_and_a_long_one_an_outage(house):
    meter, customer = house()
    meter.run_until(START_S + 2 * HOUR_S + 630)
    before = customer.status()
    meter.power_off()
    meter.run_until(START_S + 2 * HOUR_S + 900)
    meter.power_on()
    after = customer.status()
    # From the last checkpoint: at most a minute of 1 kW is gone.
    assert before["register_wh"] - 17 <= after["register_wh"] <= before["register_wh"]
    assert after["boot"] == before["boot"] + 1
    meter.run_until(START_S + 3 * HOUR_S)
    meter.power_off()
    meter.run_until(START_S + 7 * HOUR_S + 60)
    meter.power_on()
    meter.run_until(START_S + 8 * HOUR_S)
    records = customer.records()
    verify(records)
    assert shapes(records)[4:] == [
        (INTERVAL, 3 * 1800, 1800, 0),
        (INTERVAL, 4 * 1800, 1800, POWER_LOST),
        (INTERVAL, 5 * 1800, 1800, 0),
        (OUTAGE, 6 * 1800, 9 * 1800, POWER_LOST),
        (INTERVAL, 15 * 1800, 1800, 0),
    ]
    status = customer.status()
    assert status["sealed_units"][0] == status["register_wh"]


def test_the_sealed_total_is_rebuilt_where_the_checkpoint_is_old(house):
    """With a checkpoint an hour the newest records are known from the log alone."""
    options = {"settings": {"checkpoint_ms": 3_600_000}}
    meter, customer = house(**options)
    meter.run_until(START_S + 3 * HOUR_S + 60)
    before = customer.status()
    meter.power_off()
    meter.power_on()
    after = customer.status()
    assert after["sealed_units"] == before["sealed_units"]
    assert after["register_wh"] >= after["sealed_units"][0]


def test_origin_amid_an_interval_leads_in(house):
    meter, customer = house(start_s=START_S + 600)
    meter.run_until(START_S + HOUR_S)
    records = customer.records()
    verify(records)
    assert shapes(records) == [
        (EVENT, 600, 0, 0), (OUTAGE, 600, 1200, LEAD_IN), (INTERVAL, 1800, 1800, 0),
    ]


def test_no_clock_no_seal_and_no_energy_lost(house):
    meter, customer = house(rtc=False)
    meter.run_until(START_S + 3 * HOUR_S)
    status = customer.status()
    assert (status["clock_set"], status["next_seq"], status["status"] & 1) == (False, 0, 0)
    assert status["register_wh"] == pytest.approx(3000, rel=0.002)
    meter, customer = house(start_s=START_S + 3 * HOUR_S + 60)
    meter.run_until(START_S + 4 * HOUR_S)
    records = customer.records()
    verify(records)
    assert shapes(records) == [
        (EVENT, 3 * HOUR_S + 60, 0, 0),
        (OUTAGE, 3 * HOUR_S + 60, 1740, LEAD_IN | CLOCK_UNSET),
        (INTERVAL, 3 * HOUR_S + 1800, 1800, 0),
    ]
    assert customer.status()["sealed_units"][0] == pytest.approx(4000, rel=0.01)


def test_refused_settings_leave_defaults_and_a_status_bit(house):
    meter, customer = house(settings={"interval_s": 7})
    status = customer.status()
    assert (status["interval_s"], status["status"] & 8) == (1800, 8)
    assert meter.console.count("settings.json is refused") == 1


def test_the_chain_keeps_its_configuration(house):
    meter, customer = house(settings={"interval_s": 900})
    meter.run_until(START_S + HOUR_S)
    meter, customer = house(settings={"interval_s": 600}, start_s=START_S + HOUR_S)
    meter.run_until(START_S + 2 * HOUR_S)
    status = customer.status()
    assert (status["interval_s"], status["status"] & 8) == (900, 8)
    verify(customer.records())


def test_import_and_export(house):
    meter, customer = house(settings={"channel_set": 3, "unit_exponent": -1})
    meter.run_until(START_S + HOUR_S)
    assert customer.status()["sealed_units"] == [pytest.approx(10_000, rel=0.002), 0]
    records = customer.records()
    verify(records)
    assert [len(record.channels) for record in main_records(records)] == [0, 2, 2]
    assert len(customer.ask("?openings 0 9")) == 5


@pytest.mark.parametrize(
    "line",
    [
        "?", "?status now", "?pair", "?pair 00", "?pair " + "zz" * 65, "?pair " + "00" * 66,
        "?pair " + "00" * 32,
        "?history", "?history 0", "?history -1 1", "?history 0 1 2", "?history 0x0 1",
        "?history 99999999999 1", "?openings a b", "status", "#end 0", "x" * 5000, "?history  0 1",
    ],
)
def test_bad_commands(house, line):
    _, customer = house()
    assert customer.ask(line) == ["#error bad-command"]
    assert customer.status()["next_seq"] == 3


def test_service_after_garbage_on_both_ports(house, rng):
    import serial

    meter, customer = house()
    line = serial.Serial(meter.utility_port, timeout=0.2)
    for _ in range(30):
        customer.send(rng.randbytes(rng.randrange(1, 400)))
        line.write(rng.randbytes(rng.randrange(1, 400)))
    customer.send(b"\r\n")
    line.read(10_000)
    line.write(bytes.fromhex("010300000001840a"))
    assert line.read(7)[:5] == bytes.fromhex("0103025753")
    line.close()
    meter.run_until(START_S + 60)
    assert customer.ask("?history 0 1")[-1] == "#end 1"


@pytest.fixture(scope="module")
def two_word_sizes(tmp_path_factory):
    from wattseal_hil.errors import BoardError
    from wattseal_hil.vm import find_vm

    try:
        return [find_vm(64), find_vm(32)]
    except BoardError as error:
        if error.code == "vm-missing":
            pytest.skip(f"no 32-bit MicroPython: {error}")
        raise


def test_same_seed_same_bytes_on_64_and_32_bits(two_word_sizes, tmp_path):
    seen = []
    for vm in two_word_sizes:
        with board(
            tmp_path / str(vm.bits), vm=vm, seed=7, load=ConstantLoad(733), start_s=START_S
        ) as meter:
            meter.power_on()
            customer = Customer(meter)
            meter.run_until(START_S + 5 * HOUR_S)
            records = [record.sealed for record in customer.records()]
            seen.append((records, customer.telegrams()))
            customer.close()
    assert len(seen[0][0]) == 13
    assert seen[0] == seen[1]
