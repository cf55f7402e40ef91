"""The ledger takes what verifies, keeps the rest apart, and is complete at every moment."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sealed_house import START_S, House, SealingMeter
from wattseal import ecdsa
from wattseal.errors import Malformed, Misuse, Refused
from wattseal_host.errors import Unusable
from wattseal_host.ledger import Ledger
from wattseal_host.provider.bills import check_bill
from wattseal_host.stretch import Stretch


@pytest.fixture
def ledger(tmp_path: Path, house: House) -> Ledger:
    opened = Ledger(tmp_path / "ledger.db")
    opened.add_meter(house.enrolment, house.enrolment_jws.token)
    return opened


def test_records_come_back_as_they_went_in(ledger: Ledger, house: House) -> None:
    meter, sealed = house.meter.meter, house.meter.sealed
    assert ledger.append(meter, sealed[:10], "utility") == 10
    assert ledger.append(meter, sealed[5:], "customer") == len(sealed) - 10
    assert ledger.append(meter, sealed, "utility") == 0
    assert ledger.next_seq(meter) == len(sealed)
    assert ledger.sealed(meter) == sealed
    assert ledger.sealed(meter, 50) == sealed[50:]
    period = ledger.period(meter, house.from_s, house.to_s)
    assert period.hints == house.stretch().hints
    assert [r.body for r in period.records] == [r.body for r in house.stretch().records]
    assert ledger.meters() == [house.enrolment]
    assert ledger.enrolment_jws(meter) == house.enrolment_jws.token


def damaged(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (0, "record-version"),
        (5, "chain-meter"),
        (29, "chain-sequence"),
        (33, "chain-time"),
        (120, "chain-signature"),
        (76, "chain-signature"),
        (174, "chain-signature"),
    ],
)
def test_a_damaged_record_is_kept_apart(ledger: Ledger, house: House, at: int, code: str) -> None:
    meter, sealed = house.meter.meter, house.meter.sealed
    bad = damaged(sealed[8], at)
    with pytest.raises((Refused, Malformed)) as caught:
        ledger.append(meter, [*sealed[:8], bad, *sealed[9:]], "utility")
    assert caught.value.code == code
    assert ledger.sealed(meter) == sealed[:8]
    (reject,) = ledger.rejects(meter)
    assert (reject.code, reject.sealed, reject.source) == (code, bad, "utility")
    assert ledger.append(meter, sealed[8:], "utility") == len(sealed) - 8


def test_a_well_signed_record_that_does_not_follow_is_refused(ledger: Ledger, house: House) -> None:
    meter, sealed = house.meter.meter, house.meter.sealed
    with pytest.raises(Refused, match="chain-sequence"):
        ledger.append(meter, sealed[1:], "utility")
    ledger.append(meter, sealed, "utility")
    # The same sequence number, another body, a good signature: a fork.
    fork = SealingMeter().origin().paired().reading(1)
    with pytest.raises(Refused, match="meter-forked"):
        ledger.append(meter, fork.sealed, "utility")
    assert ledger.sealed(meter) == sealed


def test_a_point_off_the_curve_is_refused_though_it_is_signed(tmp_path: Path) -> None:
    meter = SealingMeter("off the curve").origin().reading(5)
    body = bytearray(meter.sealed[1][:-64])
    while True:
        body[73] = (body[73] + 1) % 256
        try:
            Stretch.from_sealed([bytes(body) + meter.sealed[1][-64:]])
        except Malformed as error:
            assert error.code == "point-off-curve"
            break
    from wattseal.record import body_digest

    sealed = bytes(body) + ecdsa.sign(meter.secret_key, body_digest(bytes(body)))
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.add_meter(House(meter).enrolment)
        with pytest.raises(Malformed, match="point-off-curve"):
            ledger.append(meter.meter, [meter.sealed[0], sealed], "utility")


def test_meters_are_known_by_key_and_configuration(ledger: Ledger, house: House) -> None:
    with pytest.raises(Misuse, match="meter-unknown"):
        ledger.next_seq(bytes(16))
    other = House(SealingMeter(exponent=1).origin())
    with pytest.raises(Refused, match="meter-differs"):
        ledger.add_meter(other.enrolment)
    ledger.add_meter(House(SealingMeter("second").origin()).enrolment)
    assert len(ledger.meters()) == 2


def test_a_period_must_be_filled(ledger: Ledger, house: House) -> None:
    ledger.append(house.meter.meter, house.meter.sealed[:20], "utility")
    for from_s, to_s in ((START_S, house.to_s), (START_S - 1, START_S + 1800), (0, 9)):
        with pytest.raises(Refused, match="period-incomplete"):
            ledger.period(house.meter.meter, from_s, to_s)


def test_the_provider_compares_a_bill_with_its_own_ledger(ledger: Ledger, house: House) -> None:
    data = house.bill().data
    assert check_bill(data, house.trust, ledger).code == "ledger-differs"
    ledger.append(house.meter.meter, house.meter.sealed, "utility")
    assert check_bill(data, house.trust, ledger).accepted
    # A meter that signs two chains: this bill is good by itself, and not the ledger's.
    fork = SealingMeter().origin().paired()
    for _ in range(48):
        fork.reading(1)
    forked = House(fork, provider=house.provider).bill().data
    assert check_bill(forked, house.trust, ledger).code == "ledger-differs"


def test_a_file_that_is_no_ledger_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    path.write_bytes(b"this is no database, however long one reads it" * 100)
    with pytest.raises(Unusable, match="ledger-file"):
        Ledger(path)
    with pytest.raises(Unusable, match="ledger-file"):
        Ledger(tmp_path / "missing" / "l.db")


def test_two_writers_take_turns(tmp_path: Path, house: House) -> None:
    meter, sealed = house.meter.meter, house.meter.sealed
    Ledger(tmp_path / "l.db").add_meter(house.enrolment)

    def write(_: int) -> int:
        with Ledger(tmp_path / "l.db") as ledger:
            return ledger.append(meter, sealed, "utility")

    with ThreadPoolExecutor() as pool:
        stored = list(pool.map(write, range(4)))
    assert sorted(stored) == [0, 0, 0, len(sealed)]


def test_a_database_of_somebody_else_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE meters (name TEXT)")
    connection.close()
    with Ledger(path) as ledger, pytest.raises(Unusable, match="ledger-file"):
        ledger.meters()


def test_rows_of_unknown_meters_are_refused_by_the_database(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        connection = ledger._file.engine.raw_connection()
        with pytest.raises(sqlite3.IntegrityError):
            connection.cursor().execute("INSERT INTO cursors VALUES (7, 'utility', 0, 0)")
        connection.close()
