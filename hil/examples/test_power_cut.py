"""Cut the power in mid-interval, and check that the bill still comes out right.

The bill goes the whole way by the commands a provider and a customer would type: pairing,
enrolment, tariff, contract, collection, proof; and is verified off line from the bundle alone.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from wattseal.record import POWER_LOST
from wattseal_hil.pairing import press_for_pin

PRICE = Decimal("0.30")  # EUR/kWh


def wattseal(*words):
    """Run a command of wattseal; what it prints as JSON."""
    command = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]
    done = subprocess.run(
        [*command, *map(str, words), "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def utc(t_s):
    return datetime.fromtimestamp(t_s, UTC).isoformat()


@pytest.mark.wattseal_needs("button", "virtual-time")
def test_the_bill_survives_a_power_cut(
    wattseal_rig, wattseal_meter, wattseal_load, wattseal_supply,
    wattseal_customer_port, wattseal_utility_port, tmp_path,
):  # fmt: skip
    office, ledger, secrets = tmp_path / "office", tmp_path / "ledger.db", tmp_path / "secrets.json"
    tariff, contract, trust, bundle = (
        tmp_path / name for name in ("tariff.jws", "contract.jws", "trust.json", "bundle.json")
    )
    interval_s = wattseal_meter.status()["interval_s"]

    # The customer pairs: what is sealed from the next interval on opens with this secret.
    pin = press_for_pin(wattseal_rig)
    customer = ["--port", wattseal_customer_port, "--secrets", secrets]
    wattseal("customer", "pair", *customer, "--pin", pin)
    from_s = (wattseal_rig.now_s // interval_s + 1) * interval_s
    to_s = from_s + 2 * interval_s
    wattseal_rig.sleep_until(from_s)

    # Two intervals of a kilowatt; in the first, five minutes without power.
    wattseal_load.plug(1000)
    wattseal_rig.sleep(interval_s / 3)
    wattseal_supply.cut(300)
    wattseal_rig.sleep_until(to_s + 5)
    wattseal_load.unplug()
    drawn_wh = 1000 * (2 * interval_s - 300) / 3600

    # The provider's papers, and the records out of its own port.
    provider = ["--dir", office]
    wattseal("provider", "init", *provider)
    meter = wattseal("provider", "enrol", *provider, "--port", wattseal_utility_port)["meter"]
    period = ["--from", utc(from_s), "--to", utc(to_s)]
    wattseal(
        "provider", "tariff", "sign", *provider, "--out", tariff, "--flat", PRICE,
        "--currency", "EUR", "--zone", "Europe/Brussels", *period,
    )  # fmt: skip
    wattseal(
        "provider", "contract", *provider, "--meter", meter, "--tariff", tariff,
        "--number", "C-1", *period, "--out", contract,
    )  # fmt: skip
    wattseal("provider", "trust", *provider, "--out", trust)
    wattseal("collect", "--ledger", ledger, "--utility-port", wattseal_utility_port)

    # The customer's bill, and anybody's verdict. A fee for two readings tells of those two, which
    # a customer would be warned of: here it is consented to.
    wattseal(
        "customer", "bill", "--secrets", secrets, "--ledger", ledger, "--trust", trust,
        "--enrolment", office / "enrolments" / f"{meter}.jws", "--contract", contract,
        "--tariff", tariff, *period, "--out", bundle, "--consent",
    )  # fmt: skip
    verdict = wattseal("verify", bundle, "--trust", trust)
    fee = PRICE * Decimal(drawn_wh) / 1000
    assert abs(Decimal(verdict["amount"]) - fee) <= Decimal("0.01")

    # The interval that was cut says so.
    sealed = [record for record in wattseal_meter.records() if from_s <= record.start_s < to_s]
    assert any(record.flags & POWER_LOST for record in sealed)
