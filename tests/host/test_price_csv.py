"""Price files: exact decimals, local hours that come twice or never, gaps, and what is needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from households import utc_s
from hypothesis import given
from hypothesis import strategies as st
from wattseal.errors import Misuse, WattsealError
from wattseal_host.provider.price_csv import PriceList
from wattseal_host.provider.tariffs import Draft

Load = Callable[..., PriceList]
ZONE = "Europe/Brussels"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def make(*rows: str, zone: str = ZONE, header: str = "start,price") -> PriceList:
        path = tmp_path / "prices.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return PriceList.load(path, zone)

    return make


def hours(day: str, *names: str) -> list[str]:
    return [f"{day} {name},0.{i + 1:02d}" for i, name in enumerate(names)]


AUTUMN = [f"{h:02d}:00" for h in (0, 1, 2, 2, 3, 4)]
SPRING = [f"{h:02d}:00" for h in (0, 1, 3, 4)]


def test_the_hour_that_comes_twice_and_is_listed_twice(load: Load) -> None:
    prices = load(*hours("2023-10-29", *AUTUMN))
    start_s = utc_s("2023-10-29", ZONE)
    first_s, listed = prices.series(start_s, start_s + 6 * 3600)
    assert (first_s, prices.slot_s) == (start_s, 3600)
    assert listed == [Decimal(f"0.0{i}") for i in range(1, 7)]


def test_the_hour_that_comes_twice_and_is_listed_once(load: Load) -> None:
    prices = load(*hours("2023-10-29", "00:00", "01:00", "02:00", "03:00"))
    start_s = utc_s("2023-10-29", ZONE)
    assert prices.series(start_s, start_s + 5 * 3600)[1] == [
        Decimal(text) for text in ("0.01", "0.02", "0.03", "0.03", "0.04")
    ]
    halves = load(*hours("2023-10-29", "01:30", "02:00", "02:30", "03:00"))
    start_s = utc_s("2023-10-29 01:30", ZONE)
    assert [str(price) for price in halves.series(start_s, start_s + 6 * 1800)[1]] == [
        "0.01", "0.02", "0.03", "0.02", "0.03", "0.04"
    ]  # fmt: skip


def test_the_hour_that_never_comes(load: Load) -> None:
    prices = load(*hours("2023-03-26", *SPRING))
    start_s = utc_s("2023-03-26", ZONE)
    assert len(prices.series(start_s, start_s + 4 * 3600)[1]) == 4
    with pytest.raises(Misuse, match="row 3: 2023-03-26 02:00:00 never comes"):
        load(*hours("2023-03-26", "00:00", "01:00", "02:00", "03:00"))


def test_only_what_is_needed_must_be_there(load: Load) -> None:
    rows = hours("2023-07-01", "00:00", "01:00", "05:00", "06:00", "07:00")
    prices = load(*rows)
    from_s = utc_s("2023-07-01 05:30", ZONE)
    assert prices.series(from_s, from_s + 3600) == (
        from_s - 1800,
        [Decimal("0.03"), Decimal("0.04")],
    )
    with pytest.raises(Misuse) as caught:
        prices.series(utc_s("2023-07-01 01:30", ZONE), from_s)
    assert caught.value.code == "prices-gap" and "2023-07-01 02:00 +02:00" in caught.value.detail
    for edge in ("2023-06-30 23:00", "2023-07-01 08:00"):
        with pytest.raises(Misuse, match="prices-gap"):
            prices.series(utc_s(edge, ZONE), utc_s(edge, ZONE) + 1800)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["2023-07-01 00:00,0.1"], "two rows"),
        (["2023-07-01 00:00,0.1", "2023-07-01 00:00,0.2"], "too often"),
        (["2023-07-01 01:00,0.1", "2023-07-01 00:00,0.2"], "out of order"),
        (["2023-07-01 00:00,0.1", "2023-07-01 01:00,cheap"], "line 3"),
        (["2023-07-01 00:00,0.1", "2023-07-01 01:00,nan"], "line 3"),
        (["2023-07-01 00:00,0.1", "2023-07-01 01:00,"], "line 3"),
        (["2023-07-01 00:00,0.1", "first of July,0.2"], "line 3"),
        (["0001-01-01,0.1", "0001-01-02,0.2"], "line 2"),
        (["9999-12-30T00:00-10:00,0.1", "9999-12-31T00:00-10:00,0.2"], "line 2"),
        (["2023-07-01 00:00:00.5,0.1", "2023-07-01 01:00:00.5,0.2"], "line 2"),
        (["2023-07-01 00:00,0.1", "2023-07-01 01:00"], "line 3"),
        (["2023-07-01 00:00,0.1", "2023-07-01 01:00Z,0.2"], "others none"),
        (["2023-07-01 00:00,0.1", "2023-07-01 01:00,0.2", "2023-07-01 02:30,0.2"], "grid"),
        (["2023-07-01 00:00,0.1", "2023-07-01 01:00,1234567890.123456789"], "digits"),
    ],
)
def test_files_that_do_not_say_it_are_refused(load: Load, rows: list[str], words: str) -> None:
    with pytest.raises(Misuse, match=words):
        load(*rows)


def test_a_header_is_needed_and_columns_between_are_free(load: Load, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no header"):
        load("2023-07-01 01:00,0.1", header="2023-07-01 00:00,0.1")
    rows = ["2023-07-01T00:00Z,Low,7e-05", "2023-07-01T02:00+01:00,High,-12"]
    prices = load(*rows, header="from,band,price")
    start_s = utc_s("2023-07-01")
    assert prices.prices == {start_s: Decimal("0.00007"), start_s + 3600: Decimal(-12)}
    with pytest.raises(Misuse, match="zone-unknown"):
        load(*rows, zone="Europe/Atlantis")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Misuse, match="UTF-8"):
        PriceList.load(tmp_path / "binary.csv", "UTC")


def test_prices_become_exact_integers(load: Load) -> None:
    prices = load("2023-07-01 00:00,11.7600", "2023-07-01 01:00,-3.995", zone="UTC")
    start_s = utc_s("2023-07-01")
    for currency, exponent in (("GBP", -5), ("JPY", -3), ("KWD", -6)):
        made = Draft("pence", currency, start_s, start_s + 7200)
        made.series("energy", prices, minor_units=True)
        tariff = made.finish()
        assert tariff.price_exponent == exponent
        assert tariff.steps("import").prices == (11760, -3995)


STAMPS = st.one_of(
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
    st.sampled_from(["0001-01-01", "9999-12-31 23:59", "2023-10-29 02:00", "2023-03-26 02:30"]),
    st.text(max_size=12),
)
CELLS = st.one_of(st.text(max_size=8), st.sampled_from(["1", "-0.5", "1e99", "1e-99", '"', "\x00"]))


@given(st.lists(st.tuples(STAMPS, CELLS), max_size=4), st.sampled_from(["UTC", ZONE]))
def test_any_text_is_a_price_list_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], zone: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    text = "start,price\n" + "".join(f"{stamp},{cell}\n" for stamp, cell in rows)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        prices = PriceList.load(path, zone)
        start_s = min(prices.prices)
        made = Draft("any", "EUR", start_s, start_s + prices.slot_s)
        made.series("energy", prices)
        made.finish()
    except WattsealError as error:
        assert error.code


def test_a_year_of_local_hours_has_no_hole(load: Load) -> None:
    """8760 hours as a market lists them: one missing in spring, one doubled in autumn."""
    start, rows = datetime(2023, 1, 1, tzinfo=UTC), []
    from zoneinfo import ZoneInfo

    for i in range(8760):
        local = (start + timedelta(hours=i)).astimezone(ZoneInfo("Europe/London"))
        rows.append(f"{local:%Y-%m-%d %H:%M},{i}")
    prices = load(*rows, zone="Europe/London")
    from_s = int(start.timestamp())
    assert prices.series(from_s, from_s + 8760 * 3600) == (
        from_s,
        [Decimal(i) for i in range(8760)],
    )
