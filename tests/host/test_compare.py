"""The last months under other tariffs: the amounts a bill would have, at home."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from in_process import wattseal
from sealed_house import INTERVAL_S, START_S, SealingMeter
from wattseal_host.customer.store import Secrets
from wattseal_host.decimals import read_decimal
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.provider.tariffs import Draft
from wattseal_host.strict_json import dumps
from wattseal_host.units import Unit

DAY_S = 86400
DAYS = 31 + 28 + 1


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """January, February and a day of March 2025, and three tariffs."""
    folder = tmp_path_factory.mktemp("compare")
    meter = SealingMeter("compare").origin()
    for slot in range(DAYS * 48):
        meter.reading(100 + slot * 37 % 900)
    with Ledger(folder / "ledger.db") as ledger:
        ledger.add_meter(Enrolment(meter.meter, meter.key, Unit("Wh", 0), 1800, ("import",)))
        ledger.append(meter.meter, meter.sealed, "utility")
    Secrets(meter.meter, meter.key, meter.secrets).save(folder / "customer.json")
    year = START_S, START_S + 365 * DAY_S
    flat = Draft("flat & plain", "EUR", *year)
    flat.flat("energy", read_decimal("0.30"))
    blocks = Draft("blocks", "EUR", *year)
    tiers = [{"up_to": 500, "price": Decimal("0.2")}, {"price": Decimal("0.4")}]
    blocks.parts.append(
        {"type": "tiers", "name": "energy", "channel": "import", "mode": "cumulative",
         "unit_exponent": 3, "tiers": tiers, "span": "month"}
    )  # fmt: skip
    late = Draft("late", "EUR", START_S + 31 * DAY_S, year[1])
    late.flat("energy", read_decimal("-0.01"))
    for draft in (flat, blocks, late):
        document = draft.finish().document
        (folder / f"{draft.name.split()[0]}.json").write_bytes(dumps(document))
    pounds = Draft("pounds", "GBP", *year)
    pounds.flat("energy", read_decimal("0.3"))
    (folder / "pounds.json").write_bytes(dumps(pounds.finish().document))
    return folder


def kwh(month: int) -> Decimal:
    used = 0
    for slot in range(DAYS * 48):
        if datetime.fromtimestamp(START_S + slot * INTERVAL_S, UTC).month == month:
            used += 100 + slot * 37 % 900
    return Decimal(used) / 1000


def cents(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN))


def run(home: Path, *words: object) -> tuple[int, str, str]:
    where = ("--secrets", home / "customer.json", "--ledger", home / "ledger.db")
    done = wattseal("customer", "compare", *words, *where)
    return done.returncode, done.stdout, done.stderr


def test_months_by_tariffs(home: Path) -> None:
    files = [home / name for name in ("flat.json", "blocks.json", "late.json")]
    code, out, _ = run(home, *files, "--json")
    assert code == 0
    said = json.loads(out)
    assert [month["month"] for month in said["months"]] == ["2025-01", "2025-02"]
    for number, month in enumerate(said["months"], 1):
        used = kwh(number)
        blocks = 500 * Decimal("0.2") + (used - 500) * Decimal("0.4")
        late = cents(used * Decimal("-0.01")) if number == 2 else None
        assert month["amounts"] == [cents(used * Decimal("0.3")), cents(blocks), late]
    assert said["together"][2] is None
    flats = [Decimal(month["amounts"][0]) for month in said["months"]]
    assert said["together"][0] == str(sum(flats))
    code, out, _ = run(home, *files, "--months", 1)
    assert "not valid" not in out
    assert "2025-01" not in out


def test_drawings_are_for_the_owner(home: Path, tmp_path: Path) -> None:
    files = [home / name for name in ("flat.json", "late.json")]
    for name, begin in (("a.svg", "<svg"), ("a.html", "<!doctype html>")):
        assert run(home, *files, "--plot", tmp_path / name)[0] == 0
        text = (tmp_path / name).read_text()
        assert text.startswith(begin)
        assert "flat &amp; plain" in text
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_nothing_to_compare(home: Path, tmp_path: Path) -> None:
    assert "compare-currency" in run(home, home / "flat.json", home / "pounds.json")[2]
    assert "json-syntax" in run(home, tmp_path_with(tmp_path, "{nothing"))[2]
    meter = SealingMeter("young").origin()
    for _ in range(5):
        meter.reading(1)
    with Ledger(tmp_path / "young.db") as ledger:
        ledger.add_meter(Enrolment(meter.meter, meter.key, Unit("Wh", 0), 1800, ("import",)))
        ledger.append(meter.meter, meter.sealed, "utility")
    Secrets(meter.meter, meter.key, meter.secrets).save(tmp_path / "young.json")
    done = wattseal("customer", "compare", home / "flat.json", "--secrets",
                    tmp_path / "young.json", "--ledger", tmp_path / "young.db")  # fmt: skip
    assert "period-incomplete" in done.stderr


def tmp_path_with(folder: Path, text: str) -> Path:
    path = folder / "broken.json"
    path.write_text(text)
    return path
