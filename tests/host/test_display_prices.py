"""The price list of the meter's display: its bytes, its way to the meter, and what is shown."""

import re
from fractions import Fraction

import pytest
from in_process import wattseal
from wattseal.errors import WattsealError
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.meter import Meter
from wattseal_hil.rig.emulated import EmulatedRig
from wattseal_host import keys
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer.price_list import encode, load
from wattseal_host.customer.store import Secrets
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.zone import Zone
from wattseal_host.trust import Trust
from wattseal_host.units import Unit

DAY_S = 86_400
# Saturday; clocks go forward in the night to Sunday.
FROM_S = 1_774_652_400  # 2026-03-27T23:00Z, midnight in Berlin
TO_S = FROM_S + 30 * DAY_S - 3600
WH = Unit("Wh", 0)


def document(*parts, **fields):
    return {
        "name": "Day and night",
        "currency": {"code": "EUR", "minor_digits": 2},
        "price_exponent": -5,
        "per": {"name": "Wh", "exponent": 3},
        "valid": {"from_s": FROM_S, "to_s": TO_S},
        "zone": Zone.from_iana("Europe/Berlin", FROM_S, TO_S).write(),
        "long_records": {"rule": "highest"},
        "rounding": {"step_minor": 1, "mode": "half-away-from-zero"},
        "parts": list(parts),
        **fields,
    }


DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
ENERGY = {
    "type": "time-of-use", "name": "energy", "channel": "import",
    "bands": [{"name": "day", "price": 31_200}, {"name": "night", "price": 19_850}],
    "seasons": [{"begins": "01-01", "days": [{"on": DAYS, "switches": [
        {"at": "00:00", "band": "night"}, {"at": "06:00", "band": "day"},
        {"at": "22:00", "band": "night"}]}]}],
}  # fmt: skip
STANDING = {"type": "standing", "name": "meter", "amount": 40_000, "per": "day"}


def tariff(*parts, **fields):
    return Tariff.read(document(*parts, **fields))


def test_the_bytes():
    data = encode(tariff(ENERGY, STANDING), WH, ("import",), FROM_S, TO_S)
    assert data[:5] == b"\x01\x01EUR"
    scale = data[5]
    assert int.from_bytes(data[6:10], "big") == FROM_S
    assert int.from_bytes(data[10:14], "big") == TO_S
    standing = int.from_bytes(data[14:20], "big")
    assert Fraction(standing, 10**scale) == Fraction(40_000, 10**5)
    assert data[20] == 2  # offsets
    count = int.from_bytes(data[21:23], "big")
    assert count == 61  # two a day; midnight changes nothing
    assert len(data) == 23 + 2 * 6 + count * 8
    first = data[35:43]
    assert int.from_bytes(first[:4], "big") == FROM_S
    assert Fraction(int.from_bytes(first[4:], "big"), 10**scale) == Fraction(19_850, 10**8)
    # The change of the clocks: 06:00 is an hour earlier from Sunday on.
    starts = [int.from_bytes(data[35 + 8 * k : 39 + 8 * k], "big") for k in range(count)]
    assert FROM_S + DAY_S + 5 * 3600 in starts


@pytest.mark.parametrize(
    ("of", "period", "code"),
    [
        (tariff(ENERGY), (FROM_S - 1, TO_S), "prices-period"),
        (tariff(ENERGY), (FROM_S, TO_S + 1), "prices-period"),
        (tariff(ENERGY, per={"name": "l", "exponent": 0}), (FROM_S, TO_S), "tariff-unit"),
        (tariff({"type": "series", "name": "spot", "channel": "import", "start_s": FROM_S,
                 "slot_s": 900, "prices": list(range(2880))}), (FROM_S, TO_S), "prices-size"),
        (tariff({"type": "tiers", "name": "energy", "channel": "import", "mode": "cumulative",
                 "unit_exponent": 3,
                 "span": "period", "tiers": [{"up_to": 100, "price": 10}, {"price": 20}]}),
         (FROM_S, TO_S), "prices-shaped"),
        (tariff(ENERGY, {"type": "minimum", "name": "least", "amount": 10**6, "span": "period"}),
         (FROM_S, TO_S), "prices-shaped"),
    ],
)  # fmt: skip
def test_what_the_display_could_not_show_is_refused(of, period, code):
    with pytest.raises(WattsealError) as caught:
        encode(of, WH, ("import",), *period)
    assert caught.value.code == code


def page(rig, pattern):
    rig.press_button()
    if "PIN" in rig.display.text:
        rig.press_button()
    return rig.display.expect(pattern, 40)


def expected(meter, prices, at_s):
    """Cost and use by the host's own reckoning, of all sealed records."""
    fee, by_day = 0, {}
    records = meter.records()
    paired = max(record.seq for record in records if record.event)
    values = {opening.seq: opening.value for opening in meter.openings(paired + 1)}
    for record in records:
        if record.seq in values and record.start_s >= FROM_S:
            day = prices.zone.text(record.start_s)[:10]
            by_day[day] = by_day.get(day, 0) + values[record.seq]
            fee += prices.steps("import").at(record.start_s) * values[record.seq]
    days = len(prices.zone.days(FROM_S, at_s))
    return Fraction(fee, 10**8) + days * Fraction(40_000, 10**5), by_day


def by_command(folder, rig, held, prices):
    """The same by `wattseal customer tariff display`, from the signed tariff."""
    office = keys.generate_key()
    (folder / "tariff.jws").write_text(prices.sign(office).token)
    (folder / "trust.json").write_bytes(Trust((keys.public_bytes(office),)).write())
    held.save(folder / "secrets.json")
    done = wattseal(
        "customer", "tariff", "display", folder / "tariff.jws", "--trust", folder / "trust.json",
        "--port", rig.customer_port, "--secrets", folder / "secrets.json",
        "--from", "2026-03-27T23:00Z", "--to", "2026-04-26T22:00Z",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the display reckons with Day and night" in done.stdout


def test_the_display_shows_what_the_host_reckons(tmp_path):
    prices = tariff(ENERGY, STANDING)
    settings = {"burst_ms": 60_000, "telegram_ms": 60_000}
    rig = EmulatedRig(
        load=ConstantLoad(1200), start_s=FROM_S - 3600, settings=settings
    )
    with rig:
        rig.start()
        meter = Meter(rig)
        paired = meter.pair()
        rig.sleep_until(FROM_S + 10)
        held = Secrets(
            bytes.fromhex(paired.meter), bytes.fromhex(paired.key), {paired.epoch: paired.secret}
        )
        data = encode(prices, WH, ("import",), FROM_S, TO_S)
        with CustomerPort(rig.customer_port) as port:
            assert port.prices().tag == b""
            with pytest.raises(WattsealError, match="price-list"):
                port.send_prices(40, data[40:80])  # not the next bytes
            # A proof of somebody who has another secret, and a list that is none.
            stranger = Secrets(held.meter, held.key, {paired.epoch: bytes(32)})
            for who, what, code in (
                (stranger, data, "consent-proof"), (held, data[:-1], "price-list"),
                (held, b"\x02" + data[1:], "price-list"), (held, b"x", "price-list"),
            ):  # fmt: skip
                with pytest.raises(WattsealError) as caught:
                    load(port, who, what)
                assert caught.value.detail == code
            assert port.prices().tag == b""
            assert load(port, held, data) == paired.epoch
            told = port.prices()
            assert (told.from_s, told.until_s) == (FROM_S, TO_S)
        by_command(tmp_path, rig, held, prices)
        with CustomerPort(rig.customer_port) as port:
            assert port.prices().tag == told.tag
        # Sunday of 23 hours, shortly after 14:00.
        at_s = FROM_S + DAY_S + 13 * 3600 + 5
        rig.sleep_until(at_s)
        shown = page(rig, r"Cost since\n2026-03-28\n\n +(\d+\.\d\d)\n\n +EUR\n\nnow +0\.3120")
        cost, by_day = expected(meter, prices, at_s)
        assert abs(Fraction(shown[1]) - cost) <= Fraction(1, 100)
        rig.sleep(90)
        used = page(rig, r"Today\n +(\d+\.\d+) kWh in\n\nYesterday\n +(\d+\.\d+) kWh in")
        assert abs(float(used[1]) - by_day["2026-03-29"] / 1000) < 0.1
        assert float(used[2]) == pytest.approx(by_day["2026-03-28"] / 1000, abs=1e-9)
        assert by_day["2026-03-28"] == pytest.approx(28_800, rel=0.01)
        # Power fails: the list stays; all is summed up anew.
        rig.reset()
        rig.sleep(60)
        again = page(rig, r"Cost since\n2026-03-28\n\n +(\d+\.\d\d)\n")
        assert 0 <= float(again[1]) - float(shown[1]) < 0.1
        # Who moves in has neither the list nor the use of before.
        meter.pair()
        rig.sleep(3600)
        assert page(rig, "no price list")
        assert re.search(r"Yesterday\n +0\.000 kWh", rig.display.expect("Today(.|\n)*", 40)[0])


def test_an_export_credit_counts_against_it():
    credit = {"type": "flat", "name": "export", "channel": "export", "price": -8_000}
    data = encode(tariff(ENERGY, credit), WH, ("import", "export"), FROM_S, TO_S)
    assert data[1] == 2
    assert int.from_bytes(data[43:47], "big", signed=True) == -8 * 10 ** (data[5] - 5)
