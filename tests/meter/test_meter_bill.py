"""The meter bills itself: the same opening as the host's, within its memory; cheats refused."""

import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from meter_bench import START_S, Customer, board
from typer.testing import CliRunner
from wattseal.errors import Misuse, Refused
from wattseal_hil.errors import BoardError
from wattseal_hil.pairing import read_pin
from wattseal_hil.vm import find_vm
from wattseal_host import linear
from wattseal_host.cli.main import app
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.replies import MeterBill, read_bill
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.self_bill import prove, runs_of
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger
from wattseal_host.provider.tariffs import Draft
from wattseal_host.stretch import Stretch
from wattseal_host.strict_json import dumps
from wattseal_host.tariff.weights import weigh
from wattseal_host.units import Unit

HOUR_S = 3600
HEAP_BYTES = (128 << 10) + (8 << 10)  # as test_meter_fitting has it: the chip's and the emulation
FREE_BYTES = 10 << 10
SETTINGS = {
    "interval_s": HOUR_S, "channel_set": 3, "unit_exponent": 0,
    "burst_ms": 600_000, "telegram_ms": 3_600_000, "checkpoint_ms": 3_600_000,
}  # fmt: skip
DAYS = 15


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """(a 32-bit meter within its heap, paired, with 15 days of hours; records and secrets)."""
    try:
        vm = find_vm(32)
    except BoardError as error:
        if error.code != "vm-missing":
            raise
        pytest.skip(f"no 32-bit MicroPython: {error}")
    options = {"vm": vm, "form": "mpy", "heap_bytes": HEAP_BYTES, "start_s": START_S}
    with board(tmp_path_factory.mktemp("bill"), settings=SETTINGS, load=None, **options) as meter:
        meter.watch_heap()
        meter.power_on()
        meter.press_button()
        with CustomerPort(meter.customer_port, timeout_s=60) as port:
            pairing = port.pair(read_pin(meter))
        meter.run_until(START_S + DAYS * 86_400 + 60)
        customer = Customer(meter)
        bodies = [
            bytes.fromhex(line.split()[2]) for line in customer.ask("?history 0 10000")[:-1]
        ]
        customer.close()
        stretch = Stretch.from_sealed(bodies).period(START_S + HOUR_S, START_S + DAYS * 86_400)
        meter.bodies = bodies
        meter.pairing = pairing
        yield meter, stretch, Opener(pairing.meter, {pairing.epoch: pairing.secret})


def weights_of(stretch):
    """Night and day, and another credit; 20 digits, some of them nothing."""
    weights = []
    for record in stretch.records:
        if record.channels:
            day = 7 <= record.start_s // HOUR_S % 24 < 22
            weights += [31_410_000_000_000_000_000 if day else 12_550, -9 if day else 0]
    return weights


def test_the_meters_opening_is_the_hosts(sealed):
    meter, stretch, opener = sealed
    weights = weights_of(stretch)
    openings = opener.open_stretch(stretch)
    wanted = linear.prove(weights, [o.value for o in openings], [o.blinding for o in openings])
    with CustomerPort(meter.customer_port, timeout_s=60) as port:
        begun = time.perf_counter()
        made = prove(port, stretch, weights)
        spent_s = time.perf_counter() - begun
    assert made.write() == wanted.write()
    assert made.fee
    runs = len(runs_of(stretch, weights))
    print(f"{len(stretch.records)} records, {runs} runs: {1000 * spent_s:.0f} ms on the 32-bit VM")
    print(f"at least {meter.heap_low_bytes} bytes of heap were free")
    assert meter.heap_low_bytes >= FREE_BYTES


def test_what_the_meter_refuses(sealed):
    meter, stretch, _ = sealed
    customer = Customer(meter)
    try:
        first = stretch.records[0].seq
        bad = ("?bill x", "?bill 1 2 3 4", "?bill 1 --2 3", "?bill 1 +2 3", "?bill -1",
               "?bill 1 " + "9" * 41 + " 1", "?bill 3 1")  # fmt: skip
        customer.ask(f"?bill {first}")
        for line in bad:
            assert customer.ask(line)[-1] == "#error bad-command", line
        assert '"fee":"0"' in customer.ask("?bill")[-1]
        assert customer.ask("?bill 99999 1 1")[-1] == "#error record-gone"
        # Before the pairing the owner's epoch held.
        customer.ask("?bill 0")
        assert customer.ask("?bill 4 1 1")[-1] == "#error opening-other-epoch"
        assert '"next":0' in customer.ask("?bill")[-1]
    finally:
        customer.close()


def test_a_bill_must_be_begun(tmp_path):
    with board(tmp_path, start_s=START_S) as meter:
        meter.power_on()
        customer = Customer(meter)
        assert customer.ask("?bill")[-1] == "#error bill-unbegun"
        assert customer.ask("?bill 1 1")[-1] == "#error bill-unbegun"
        customer.close()


def test_the_command(sealed, tmp_path):
    meter, stretch, opener = sealed
    key = meter.pairing.key
    with Ledger(tmp_path / "ledger.db") as ledger:
        units = Unit("Wh", 0)
        known = Enrolment(meter.pairing.meter, key, units, HOUR_S, ("import", "export"))
        ledger.add_meter(known)
        ledger.append(known.meter, meter.bodies, "customer")
    Secrets.paired(meter.pairing).save(tmp_path / "customer.json")
    draft = Draft("two bands", "EUR", START_S, START_S + 30 * 86_400)
    bands = [("night", Decimal("0.1")), ("day", Decimal("0.3"))]
    draft.time_of_use("energy", bands, "00:00 night, 07:00 day, 22:00 night")
    draft.standing("standing", Decimal("0.5"), "day")
    tariff = draft.finish()
    (tmp_path / "tariff.json").write_bytes(dumps(tariff.document))
    from_s, to_s = stretch.records[0].start_s, stretch.records[-1].end_s
    times = [datetime.fromtimestamp(at_s, UTC).isoformat() for at_s in (from_s, to_s)]
    arguments = [
        "customer", "meter-bill", str(tmp_path / "tariff.json"), "--port", meter.customer_port,
        "--secrets", str(tmp_path / "customer.json"), "--ledger", str(tmp_path / "ledger.db"),
        "--from", times[0], "--to", times[1], "--json",
    ]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    weights = weigh(tariff, stretch.records, ("import", "export"))
    values = [opening.value for opening in opener.open_stretch(stretch)]
    fee = sum(w * v for w, v in zip(weights, values, strict=True))
    amount = tariff.amount(fee, units, from_s, to_s)
    assert json.loads(done.output)["amount"] == tariff.currency.major(amount)


class Lying:
    def __init__(self, told):
        self.told = told

    def bill(self, from_seq, runs):
        return self.told


def test_a_lying_meter_is_refused(sealed):
    _, stretch, opener = sealed
    weights = weights_of(stretch)
    openings = opener.open_stretch(stretch)
    true = linear.prove(weights, [o.value for o in openings], [o.blinding for o in openings])
    ends = stretch.records[0].previous, stretch.records[-1].digest
    honest = MeterBill(0, true.fee, true.blinding, *ends)
    assert prove(Lying(honest), stretch, weights) == true
    with pytest.raises(Refused, match="proof-false"):
        prove(Lying(MeterBill(0, true.fee + 1, true.blinding, *ends)), stretch, weights)
    with pytest.raises(Refused, match="proof-range"):
        prove(Lying(MeterBill(0, true.fee + 10**40, true.blinding, *ends)), stretch, weights)
    with pytest.raises(Refused, match="meter-records"):
        prove(Lying(MeterBill(0, true.fee, true.blinding, ends[0], ends[0])), stretch, weights)
    with pytest.raises(Misuse, match="length-mismatch"):
        runs_of(stretch, [*weights, 1])
    with pytest.raises(Misuse, match="weights-range"):
        runs_of(stretch, [10**40, *weights[1:]])
    for text in ("{}", "\u00e9", '{"next":1,"fee":"1","blinding":"0","before":"","last":""}'):
        with pytest.raises(PortError, match="port-answer"):
            read_bill(text)
