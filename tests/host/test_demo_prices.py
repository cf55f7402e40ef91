"""`wattseal demo` with prices of its user's, and the commands about tariffs and releases."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sealed_house import House, SealingMeter
from test_spy import house_of
from wattseal_host.customer.store import Secrets
from wattseal_host.files import write_token
from wattseal_host.ledger import Ledger

COMMAND = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]


def wattseal(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


def load_csv(path: Path, count: int = 200) -> Path:
    """Half-hours dated 2013, 100 to 900 Wh each."""
    rows = []
    for i in range(count):
        start = datetime.fromtimestamp(1_370_044_800 + 1800 * i, ZoneInfo("UTC"))
        rows.append(f"{start:%Y-%m-%d %H:%M},0.{100 + 277 * i % 800}\n")
    path.write_text("start,kwh\n" + "".join(rows))
    return path


def price_csv(path: Path, spy: bool = False) -> tuple[Path, dict[str, Decimal]]:
    """Pence by the local hour around the 25-hour day of 2023; 02:00 is listed once for both."""
    pence: dict[str, Decimal] = {}
    for day in (28, 29, 30):
        for hour in range(24):
            price = Decimal(7 * (24 * day + hour) % 41 - 6) + Decimal("0.375")
            pence[f"2023-10-{day} {hour:02d}:00"] = Decimal(0) if spy else price
    if spy:
        pence["2023-10-29 19:00"] = Decimal(1)
    path.write_text("local,p/kWh\n" + "".join(f"{at},{price}\n" for at, price in pence.items()))
    return path, pence


@pytest.mark.slow
def test_prices_zone_start_and_currency(tmp_path: Path) -> None:
    prices, pence = price_csv(tmp_path / "prices.csv")
    out = tmp_path / "out"
    done = wattseal(
        "demo", "--load", load_csv(tmp_path / "load.csv"), "--prices", prices, "--minor-units",
        "--currency", "GBP", "--zone", "Europe/London", "--start", "2023-10-28", "--days", 3,
        "--out", out, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["from"], result["to"]) == ("2023-10-27T23:00:00Z", "2023-10-31T00:00:00Z")
    assert result["records"] == 2 * 73 and result["currency"] == "GBP"
    secrets = out / "customer.json"
    opened = wattseal(
        "customer", "openings", "--secrets", secrets, "--ledger", out / "ledger.db",
        "--from", result["from"], "--to", result["to"], "--json",
    )  # fmt: skip
    total = Decimal(0)
    for opening in json.loads(opened.stdout)["openings"]:
        local = datetime.fromisoformat(opening["start"]).astimezone(ZoneInfo("Europe/London"))
        total += Decimal(opening["value"]) / 1000 * pence[f"{local:%Y-%m-%d %H:00}"] / 100
    assert result["fee"] == str(total.quantize(Decimal("0.01"), ROUND_HALF_EVEN))
    assert (out / "report.html").read_text().startswith("<!DOCTYPE html>")
    listed = wattseal("customer", "releases", "--secrets", secrets, "--json")
    (release,) = json.loads(listed.stdout)["releases"]
    assert release["amount"] == result["fee"] and release["consent"] == []
    assert "GBP" in wattseal("customer", "releases", "--secrets", secrets).stdout


def test_a_spy_is_refused_by_the_demo(tmp_path: Path) -> None:
    prices, _ = price_csv(tmp_path / "spy.csv", spy=True)
    demo = [
        "demo", "--prices", prices, "--zone", "Europe/London", "--start", "2023-10-29",
        "--days", 1, "--out", tmp_path / "out",
    ]  # fmt: skip
    done = wattseal(*demo)
    assert done.returncode == 2 and done.stderr.startswith("error: disclosure-window: ")
    assert "from 2023-10-29 19:00 to 2023-10-29 20:00" in done.stderr
    assert "--consent releases it knowingly" in done.stderr
    assert not (tmp_path / "out").exists()  # on receipt, before a reading is taken


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--start", "2023-11-05"], "prices-gap"),
        (["--start", "yesterday"], "start"),
        (["--zone", "Europe/Atlantis"], "zone-unknown"),
        (["--days", "9", "--start", "2023-10-28"], "load-short"),
        (["--start", "2023-10-28", "--interval", "86400", "--zone", "Europe/London"], "load-start"),
    ],
)
def test_mistakes_are_named_before_the_meter_runs(
    tmp_path: Path, more: list[str], code: str
) -> None:
    prices, _ = price_csv(tmp_path / "prices.csv")
    load = load_csv(tmp_path / "load.csv")
    done = wattseal(
        "demo", "--load", load, "--prices", prices, "--days", 1, "--out", tmp_path / "out", *more
    )
    assert done.returncode == 2 and done.stderr.startswith(f"error: {code}: "), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_tariff_is_signed_shown_and_checked(tmp_path: Path) -> None:
    office, trust, tariff = (tmp_path / name for name in ("office", "trust.json", "tariff.jws"))
    prices, _ = price_csv(tmp_path / "prices.csv")
    assert wattseal("provider", "init", "--dir", office).returncode == 0
    assert wattseal("provider", "trust", "--dir", office, "--out", trust).returncode == 0
    sign = [
        "provider", "tariff", "sign", "--dir", office, "--out", tariff, "--prices", prices,
        "--minor-units", "--currency", "GBP", "--zone", "Europe/London",
        "--from", "2023-10-28T00:00+01:00", "--to", "2023-10-31",
    ]  # fmt: skip
    charges = ["--export=-0.05", "--standing", "12/month", "--tax", "levy=2.5:energy"]
    signed = wattseal(*sign, *charges, "--tax", "VAT=20", "--long-records", "mean")
    assert signed.returncode == 0, signed.stderr
    shown = wattseal("provider", "tariff", "show", tariff).stdout
    for line in (
        "energy: a price every 60 minutes, -0.05625 to 0.34375",
        "export (energy you export): -0.05 at all times",
        "standing: 12 a month, pro rata by days",
        "levy: 2.5 % on energy",
        "VAT: 20 % on everything above",
        "clocks change at 2023-10-29 01:00 UTC to UTC+0 h",
    ):
        assert line in shown
    check = ["customer", "tariff", "check", tariff, "--trust", trust]
    good = wattseal(*check)
    assert good.returncode == 0 and "no bill by this tariff" in good.stdout
    price_csv(tmp_path / "prices.csv", spy=True)
    assert wattseal(*sign).returncode == 0
    bad = wattseal(*check)
    assert bad.returncode == 1 and "from 2023-10-29 19:00 to 2023-10-29 20:00" in bad.stdout
    found = json.loads(wattseal(*check, "--json").stdout)
    assert not found["accepted"]
    assert {"2023-10-29T19:00:00Z", "2023-10-29T20:00:00Z"} <= {
        end for finding in found["findings"] for span in finding["slots"] for end in span
    }
    assert wattseal(*check, "--fuse-kw", "0").stderr.startswith("error: fuse")


def test_a_bill_is_refused_until_its_customer_consents(tmp_path: Path) -> None:
    weights = [0] * 48
    weights[36] = 1
    house: House = house_of(weights)
    meter: SealingMeter = house.meter
    secrets = tmp_path / "customer.json"
    Secrets(meter.meter, meter.key, meter.secrets).save(secrets)
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.add_meter(house.enrolment)
        ledger.append(meter.meter, meter.sealed, "utility")
    for name, signed in (
        ("enrolment", house.enrolment_jws), ("contract", house.contract_jws),
        ("tariff", house.tariff_jws),
    ):  # fmt: skip
        write_token(tmp_path / name, signed.token)
    (tmp_path / "trust").write_bytes(house.trust.write())
    bundle, page = tmp_path / "bundle.json", tmp_path / "report.html"
    line = [
        "customer", "bill", "--secrets", secrets, "--ledger", tmp_path / "l.db",
        "--enrolment", tmp_path / "enrolment", "--contract", tmp_path / "contract",
        "--tariff", tmp_path / "tariff", "--trust", tmp_path / "trust",
        "--from", "2025-06-01", "--to", "2025-06-02", "--out", bundle, "--report", page,
    ]  # fmt: skip
    refused = wattseal(*line)
    assert refused.returncode == 2 and "disclosure-window" in refused.stderr
    assert not bundle.exists() and not page.exists()
    assert "nothing yet" in wattseal("customer", "releases", "--secrets", secrets).stdout
    assert wattseal(*line, "--consent").returncode == 0
    assert bundle.exists() and page.exists()
    listed = wattseal("customer", "releases", "--secrets", secrets).stdout
    assert "by consent: disclosure-window" in listed
