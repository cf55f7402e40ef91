"""Telegrams: their CRC, their form, their time."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from meter.crc16 import ARC, MODBUS, crc16
from meter.energy import Energy
from meter.local_time import LocalTime, civil_from_days, days_from_civil
from meter.p1 import Telegrams

METER = bytes(range(16))


def crc_bit_by_bit(data):
    """CRC-16/ARC by its definition, as an oracle."""
    register = 0
    for byte in data:
        for bit in range(8):
            carry = (register ^ byte >> bit) & 1
            register = register >> 1 ^ (0xA001 if carry else 0)
    return register


def test_crc_check_values():
    """The check values of the CRC catalogue for the ASCII digits 1 to 9."""
    assert crc16(b"123456789", ARC) == 0xBB3D
    assert crc16(b"123456789", MODBUS) == 0x4B37


def test_crc_goes_on_from_an_earlier_result(rng):
    data = rng.randbytes(500)
    assert crc16(data[200:], crc16(data[:200], ARC)) == crc16(data, ARC) == crc_bit_by_bit(data)


def energy(import_uj=0, export_uj=0):
    return Energy(True, import_uj, export_uj)


def lines_of(telegram):
    return dict(re.findall(r"([0-9]-[0-9]:[0-9.]+)\(([^)]*)\)\r\n", telegram.decode("ascii")))


def test_form():
    telegram = Telegrams(METER).build(
        1_767_225_600, energy(123_456_789 * 3_600_000_000 + 1, 3_599_999_999_999),
        2_345_678, 230_149, 10_199, bytes.fromhex("00AB12"),
    )
    assert re.fullmatch(rb"/WSL5\\wattseal\r\n\r\n([^\r\n/!]+\r\n)+![0-9A-F]{4}\r\n", telegram)
    body, crc = telegram[:-6], telegram[-6:-2]
    assert int(crc, 16) == crc_bit_by_bit(body)
    assert len(telegram) < 1500
    assert lines_of(telegram) == {
        "1-3:0.2.8": "50",
        "0-0:96.1.1": METER.hex().encode().hex().upper(),
        "0-0:96.128.0": "00AB12",
        "0-0:1.0.0": "260101010000W",
        "1-0:1.8.1": "123456.789*kWh",
        "1-0:1.8.2": "000000.000*kWh",
        "1-0:2.8.1": "000000.999*kWh",
        "1-0:2.8.2": "000000.000*kWh",
        "0-0:96.14.0": "0001",
        "1-0:1.7.0": "02.346*kW",
        "1-0:2.7.0": "00.000*kW",
        "1-0:32.7.0": "230.1*V",
        "1-0:31.7.0": "010*A",
        "1-0:21.7.0": "02.346*kW",
        "1-0:22.7.0": "00.000*kW",
    }


def test_export_stands_in_its_own_lines():
    lines = lines_of(Telegrams(METER).build(0, energy(), -500_000, 230_000, 0, b""))
    assert (lines["1-0:1.7.0"], lines["1-0:2.7.0"]) == ("00.000*kW", "00.500*kW")


def test_no_record_no_line_and_a_new_one_replaces_the_old():
    telegrams = Telegrams(METER)

    def sealed(record):
        telegram = telegrams.build(1, energy(), 0, 0, 0, record)
        assert int(telegram[-6:-2], 16) == crc_bit_by_bit(telegram[:-6])
        return lines_of(telegram).get("0-0:96.128.0")

    assert [sealed(record) for record in (b"", b"\x01", b"\x02")] == [None, "01", "02"]


def test_local_time_is_that_of_the_netherlands(rng):
    zone = ZoneInfo("Europe/Amsterdam")
    local = LocalTime()
    instants = [rng.randrange(1_262_304_000, 4_102_444_800) for _ in range(3000)]
    for year in range(2024, 2060):
        for month in (3, 10):
            change = datetime(year, month, 31, 1, tzinfo=UTC)
            instants += [
                int(change.timestamp()) - day * 86_400 + offset
                for day in range(8)
                for offset in (-3601, -3600, -1, 0, 1, 3600)
            ]
        new_year = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
        instants += [new_year - 3601, new_year - 3600, new_year]
    for utc_s in instants:
        expected = datetime.fromtimestamp(utc_s, zone)
        letter = "S" if expected.dst() else "W"
        assert local.stamp(utc_s) == expected.strftime("%y%m%d%H%M%S") + letter


@pytest.mark.parametrize("day", [0, 59, 60, 10_957, 11_016, 11_017, 20_454, 47_540])
def test_calendar(day):
    assert days_from_civil(*civil_from_days(day)) == day
    date = datetime.fromtimestamp(day * 86_400, UTC)
    assert civil_from_days(day) == (date.year, date.month, date.day)
