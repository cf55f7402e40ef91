"""Prefix sums in the ledger, and bills by them: the same point as record by record."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Malformed, Refused
from wattseal_host.engine import points_from_bytes, points_to_bytes, weighted_sum
from wattseal_host.errors import Unusable
from wattseal_host.ledger import Ledger
from wattseal_host.provider.on_ledger import LedgerReadings
from wattseal_host.provider.tariffs import Draft
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import weigh

CHANNELS = ("import", "export")
OUTAGE = {"flags": 1}


def grown(channels: int, shape: list[int]) -> SealingMeter:
    """A chain of readings, pairings (0), and outages of odd lengths up to the next boundary."""
    meter = SealingMeter(f"sums {channels} {shape}", channels=channels).origin()
    for number, kind in enumerate(shape):
        values = [(37 * number + c) % 5000 for c in range(channels)]
        if kind == 0:
            meter.paired()
        elif kind == 1:
            meter.reading(*values)
        else:
            meter.reading(*values, length_s=(kind - 2) * INTERVAL_S + 700, **OUTAGE)
            meter.reading(*values, length_s=INTERVAL_S - 700, **OUTAGE)
    return meter


def stored(path: Path, meter: SealingMeter, batch: int = 7) -> Ledger:
    ledger = Ledger(path)
    ledger.add_meter(House(meter).enrolment)
    for at in range(0, len(meter.sealed), batch):
        ledger.append(meter.meter, meter.sealed[at : at + batch], "utility")
    return ledger


def tariff_of(prices: list[tuple[int, list[int]]], end_s: int, rule: str) -> Tariff:
    """For each channel (slot in seconds, prices again and again)."""
    draft = Draft("sums", "EUR", START_S, end_s, long_records={"rule": rule})
    for channel, (slot_s, cycle) in zip(CHANNELS, prices, strict=False):
        count = -(-(end_s - START_S) // slot_s)
        listed = [Decimal(cycle[i % len(cycle)]) for i in range(count)]
        draft.parts.append(
            {"type": "series", "name": f"energy {channel}", "channel": channel,
             "start_s": START_S, "slot_s": slot_s, "prices": listed}
        )  # fmt: skip
    draft.tax("VAT", Decimal("5"))
    return draft.finish()


PRICES = st.tuples(
    st.sampled_from([900, 1800, 2700, 3600, 5 * 3600]),
    st.lists(st.integers(-40, 40) | st.just(0) | st.integers(-(2**40), 2**40), min_size=1,
             max_size=9),
)  # fmt: skip


@settings(max_examples=25)
@given(
    channels=st.sampled_from([1, 2]),
    shape=st.lists(st.sampled_from([0, 1, 1, 1, 1, 2, 3, 5]), min_size=1, max_size=14),
    prices=st.lists(PRICES, min_size=2, max_size=2),
    rule=st.sampled_from(["lowest", "highest"]),
    data=st.data(),
)
def test_summation_by_parts_is_the_weighted_sum(
    tmp_path_factory: pytest.TempPathFactory,
    channels: int,
    shape: list[int],
    prices: list[tuple[int, list[int]]],
    rule: str,
    data: st.DataObject,
) -> None:
    meter = grown(channels, [*shape, 1])
    tariff = tariff_of(prices, meter.end_s, rule)
    whole = Stretch.from_sealed(meter.sealed)
    ends = sorted({record.end_s for record in whole.records})
    from_s = data.draw(st.sampled_from(ends[:-1]))
    to_s = data.draw(st.sampled_from([end for end in ends if end > from_s]))
    with stored(tmp_path_factory.mktemp("sums") / "l.db", meter) as ledger:
        with ledger.view(meter.meter) as view:
            readings = LedgerReadings(view, from_s, to_s)
            magnitude, scalars = readings.weigh(tariff, CHANNELS[:channels])
        total = weighted_sum(readings.points(), scalars)
    stretch = whole.period(from_s, to_s)
    weights = weigh(tariff, stretch.records, CHANNELS[:channels])
    assert total == weighted_sum(stretch.commitments(), weights)
    assert magnitude == sum(map(abs, weights))
    assert readings.records == len(stretch.records)
    assert (readings.before, readings.last) == (
        stretch.records[0].previous, stretch.records[-1].digest,
    )  # fmt: skip


def test_a_calendar_touches_price_changes_alone(tmp_path: Path, house: House) -> None:
    with stored(tmp_path / "l.db", house.meter) as ledger, ledger.view(house.meter.meter) as view:
        readings = LedgerReadings(view, house.from_s, house.to_s)
        _, scalars = readings.weigh(house.tariff, CHANNELS[:1])
    # A Wednesday: 07:00, 16:30, 17:00, 23:00, and both ends.
    assert len(scalars) == len(readings.points()) == 6 and sum(scalars) == 0


def test_a_course_is_the_anchors_one_by_one(tmp_path: Path) -> None:
    """Outages and pairings among the readings; a damaged order in time is found."""
    meter = grown(2, [1, 0, 1, 1, 3, 0, 0, 1, 5, 1, 1])
    path = tmp_path / "l.db"
    with stored(path, meter) as ledger:
        with ledger.view(meter.meter) as view:
            first, last = view.anchors([START_S, meter.end_s])
            course = view.course(first, last)
            assert course.end_s[-1] == meter.end_s and len(course.sums) == last.seq - first.seq + 1
            for start_s, end_s, readings, sums in zip(*course, strict=True):
                if start_s < end_s:
                    (anchor,) = view.anchors([end_s])
                    assert (start_s, readings, sums) == (
                        anchor.start_s, anchor.readings, anchor.sums,
                    )  # fmt: skip
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE records SET start_s = start_s + 86400 WHERE seq = 4")
        with ledger.view(meter.meter) as view, pytest.raises(Unusable) as caught:
            view.course(first, last)
        assert caught.value.code == "ledger-damaged"


def prefix_sums(path: Path) -> list[tuple[int, bytes]]:
    with sqlite3.connect(path) as connection:
        return list(connection.execute("SELECT readings, sums FROM records ORDER BY seq"))


def expected_sums(meter: SealingMeter) -> list[tuple[int, bytes]]:
    stretch, readings, result = Stretch.from_sealed(meter.sealed), 0, []
    for number, record in enumerate(stretch.records, 1):
        readings += record.kind != 3
        points = stretch.pick(range(number)).commitments()
        columns = [points[c :: meter.channels] for c in range(meter.channels)]
        total = [weighted_sum(column, [1] * len(column)) for column in columns]
        result.append((readings, points_to_bytes(total)))
    return result


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("batch", [1, 3, 100])
def test_sums_grow_with_the_records(tmp_path: Path, channels: int, batch: int) -> None:
    meter = grown(channels, [1, 0, 1, 2, 1, 1])
    stored(tmp_path / "l.db", meter, batch).__exit__(None, None, None)
    assert prefix_sums(tmp_path / "l.db") == expected_sums(meter)


def test_a_refused_record_leaves_the_sums_of_those_before_it(tmp_path: Path) -> None:
    meter = grown(1, [1, 1, 0, 1, 1])
    bad = bytearray(meter.sealed[4])
    bad[-1] ^= 1
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.add_meter(House(meter).enrolment)
        with pytest.raises((Refused, Malformed)):
            ledger.append(meter.meter, [*meter.sealed[:4], bytes(bad)], "utility")
        assert prefix_sums(tmp_path / "l.db") == expected_sums(meter)[:4]
        ledger.append(meter.meter, meter.sealed, "utility")
    assert prefix_sums(tmp_path / "l.db") == expected_sums(meter)


KILLED = """
import os, sys
from sqlalchemy import event
from wattseal_host.ledger import Ledger
def at_commit(connection):
    if (connection.exec_driver_sql("SELECT max(seq) FROM records").scalar() or 0) >= {seq}:
        os.kill(os.getpid(), 9)
sealed = [bytes.fromhex(line) for line in sys.stdin.read().split()]
with Ledger({path!r}) as ledger:
    meter = ledger.meters()[0].meter
    event.listen(ledger._file.engine, "commit", at_commit)
    for at in range(0, len(sealed), 2):
        ledger.append(meter, sealed[at : at + 2], "utility")
"""


def test_a_killed_writer_leaves_records_and_sums_that_agree(tmp_path: Path) -> None:
    meter, path = grown(1, [1, 1, 1, 0, 1, 1]), tmp_path / "l.db"
    with Ledger(path) as ledger:
        ledger.add_meter(House(meter).enrolment)
    lines = "\n".join(sealed.hex() for sealed in meter.sealed)
    script = KILLED.format(seq=4, path=str(path))
    done = subprocess.run([sys.executable, "-c", script], input=lines, text=True, check=False)
    assert done.returncode == -9
    assert prefix_sums(path) == expected_sums(meter)[:4]
    with Ledger(path) as ledger:
        ledger.append(meter.meter, meter.sealed, "utility")
    assert prefix_sums(path) == expected_sums(meter)


def test_stored_points_with_the_identity() -> None:
    (point,) = points_from_bytes(points_to_bytes([None])) or [0]
    assert point is None
    stretch = Stretch.from_sealed(grown(1, [1, 1]).sealed).commitments()
    assert points_from_bytes(points_to_bytes([stretch[0], None, stretch[1]])) == [
        stretch[0], None, stretch[1],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "shift", [(1, 0), (0, 1), (-INTERVAL_S, 0), (0, INTERVAL_S), (9 * 86400, 0)]
)
def test_a_period_that_no_records_fill(
    tmp_path: Path, house: House, shift: tuple[int, int]
) -> None:
    with stored(tmp_path / "l.db", house.meter) as ledger, pytest.raises(Refused) as caught:
        end_s = house.meter.end_s
        with ledger.view(house.meter.meter) as view:
            LedgerReadings(view, START_S + shift[0], end_s + shift[1])
    assert caught.value.code == "period-incomplete"
