"""The demo's stages, in the order of the way of a reading: meter, ports, ledger, bill, verdict."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattseal.errors import Misuse, Refused
from wattseal.record import EVENT, decode_sealed
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.calibrate import calibrate_bench
from wattseal_hil.frontend import bench
from wattseal_hil.loads import Load
from wattseal_hil.pairing import read_pin

from wattseal_host import wide_message
from wattseal_host.cli.demo_load import Draw, plan
from wattseal_host.cli.output import progress, utc_text
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.resume import collect
from wattseal_host.collect.stream import Telegram
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.customer.bill import Bill, make_bill
from wattseal_host.customer.bill_report import render
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.spy import FUSE_KW, Limit, refuse
from wattseal_host.customer.store import Secrets
from wattseal_host.customer.tariff_check import check_tariff
from wattseal_host.documents import Agreed, Contract
from wattseal_host.files import read_bounded, write_atomic, write_secret, write_token
from wattseal_host.jws import Signed
from wattseal_host.ledger import Ledger
from wattseal_host.localstamps import find_zone
from wattseal_host.provider import orders
from wattseal_host.provider.office import Office
from wattseal_host.provider.price_csv import PriceList
from wattseal_host.provider.tariffs import Draft, dated, time_of_use
from wattseal_host.strict_json import loads
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust
from wattseal_host.verify import verify_bundle

DAY_S = 86400
_OFF_GRID = (
    "the load must begin and end where an interval does, which are counted in UTC; "
    "--interval 900 fits every zone of whole quarters of an hour"
)
PERIOD_MS = 60_000
CALIBRATE_AT_A = (0.4, 1.0, 2.0, 5.0, 20.0)
MAX_DAYS = 3660
CLOCK_FIRST_S, CLOCK_LAST_S = 1_262_304_000, 4_102_444_800  # what the firmware takes for a time


@dataclass(frozen=True)
class Demo:
    """load: CSV or None for the standard profile; interval_s: of a record; out: a directory;
    prices: CSV or None for a day and a night price; minor_units: of the CSV's prices; zone: of
    the local times in both; start: the load's new first day; consent: whatever the spy test
    finds."""

    load: Path | None
    interval_s: int
    days: int
    out: Path
    seed: int
    prices: Path | None
    minor_units: bool
    currency: str
    zone: str
    start: str | None
    consent: bool
    tariff: Path | None = None


@dataclass
class Papers:
    """What the provider signs for this customer."""

    trust: Trust
    enrolment: Signed
    tariff: Signed
    contract: Signed


@dataclass
class Watch:
    """Seconds spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)


def run_demo(demo: Demo) -> dict[str, Any]:
    """Run everything; the result is what `--json` prints. Raises WattsealError."""
    if not 1 <= demo.days <= MAX_DAYS:
        raise Misuse("days", f"1 to {MAX_DAYS}")
    if not 60 <= demo.interval_s <= DAY_S or DAY_S % demo.interval_s or demo.interval_s % 60:
        raise Misuse("interval", "whole minutes that divide a day")
    draw = plan(demo.load, demo.start, demo.days, find_zone(demo.zone))
    if draw.from_s % demo.interval_s or draw.to_s % demo.interval_s:
        raise Misuse("load-start", _OFF_GRID)
    if draw.from_s - demo.interval_s < CLOCK_FIRST_S or draw.to_s + DAY_S >= CLOCK_LAST_S:
        raise Misuse("load-start", "a meter's clock runs from 2010 to 2100")
    tariff = _tariff(demo, draw)
    if not demo.consent:
        limit = Limit.of_fuse(FUSE_KW, 0)
        period_s = draw.to_s - draw.from_s
        found = check_tariff(tariff, ("import",), demo.interval_s, period_s, limit)
        refuse(found, tariff.zone)
    demo.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wattseal-demo-") as scratch:
        return _Run(demo, draw, tariff, Path(scratch)).all_stages()


class _Run:
    def __init__(self, demo: Demo, draw: Draw, tariff: Tariff, scratch: Path) -> None:
        self.demo, self.tariff = demo, tariff
        self.load: Load = draw.load
        self.from_s, self.to_s = draw.from_s, draw.to_s
        self.scratch = scratch
        self.ledger_file = scratch / "ledger.db"
        self.watch = Watch()
        self.heard: dict[int, bytes] = {}
        self.telegrams = 0

    def all_stages(self) -> dict[str, Any]:
        office = Office.create(self.scratch / "provider")
        settings = {
            "provider": office.public.hex(),
            "interval_s": self.demo.interval_s,
            "burst_ms": PERIOD_MS,
            "telegram_ms": PERIOD_MS,
            "checkpoint_ms": PERIOD_MS,
        }
        front_end = bench(self.demo.seed)
        with self.watch.stage("calibrate"), progress("calibrating the meter") as bar:
            constants = calibrate_bench(front_end, self.demo.seed, bar, CALIBRATE_AT_A)
        with (
            EmulatedBoard(
                workdir=self.scratch / "board",
                seed=self.demo.seed,
                load=self.load,
                start_s=self.from_s - self.demo.interval_s,
                settings=settings,
                rtc=False,
                front_end=front_end,
                calibration=constants,
            ) as board,
            Ledger(self.ledger_file) as ledger,
        ):
            with self.watch.stage("boot"):
                board.power_on()
                _set_clock(office, board)
            with self.watch.stage("pair"):
                secrets = self._pair(board)
            with self.watch.stage("enrol"):
                papers = self._sign(office, board, ledger)
            with self.watch.stage("meter"):
                register = self._run(board)
            with self.watch.stage("collect"):
                self._collect(board, ledger, secrets.meter)
            with self.watch.stage("bill"), progress("proving") as bar:
                bill = self._bill(ledger, secrets, papers, lambda part: bar(part, 1))
            vm = board.vm_info
            load_wh = board.load_energy_wh(self.from_s, self.to_s)
        with self.watch.stage("write"):
            files = self._write(secrets, papers, bill)
        with self.watch.stage("verify"):
            trust = Trust.load(self.demo.out / "trust.json")
            verdict = verify_bundle(read_bounded(self.demo.out / "bundle.json"), trust)
        with self.watch.stage("report"):
            command = "wattseal verify bundle.json --trust trust.json"
            page = render(bill, verdict, "the demo's provider", [command])
            write_secret(self.demo.out / "report.html", page.encode())
        return {
            "fee": verdict.amount,
            "currency": bill.bundle.statement.currency.code,
            "proof_bytes": len(wide_message.write(bill.bundle.statement, bill.bundle.proof)),
            "verdict": verdict.code,
            "records": len(bill.openings),
            "energy_wh": sum(opening.value for opening in bill.openings),
            "load_wh": round(load_wh, 3),
            "register": register,
            "meter": secrets.meter.hex(),
            "from": utc_text(self.from_s),
            "to": utc_text(self.to_s),
            "telegrams": self.telegrams,
            "seconds": self.watch.seconds,
            "verify_ms": {name: round(spent_ms, 3) for name, spent_ms in verdict.checks},
            "files": files,
            "vm": vm,
        }

    def _pair(self, board: EmulatedBoard) -> Secrets:
        """The button, then the customer's half of the secret, drawn from the demo's seed so
        that the same seed seals the same bytes (a real customer's comes from the system)."""
        board.press_button()
        drawn = random.Random(f"wattseal demo {self.demo.seed} customer")
        with CustomerPort(board.customer_port) as port:
            pairing = port.pair(read_pin(board), drawn.randbytes)
        return Secrets.paired(pairing)

    def _sign(self, office: Office, board: EmulatedBoard, ledger: Ledger) -> Papers:
        with UtilityPort(board.utility_port) as utility:
            meter = utility.identity()
        enrolment = office.enrol(meter)
        ledger.add_meter(meter, enrolment.token)
        tariff = office.publish(self.tariff)
        agreed = Agreed(tariff.digest, self.from_s, self.to_s)
        contract = office.agree(Contract("demo-1", meter.meter, (agreed,)))
        return Papers(office.trust(), enrolment, tariff, contract)

    def _run(self, board: EmulatedBoard) -> dict[str, int]:
        """Let the days pass while telegrams are read; the register right after the last seal."""
        stop = threading.Event()
        failures: list[BaseException] = []
        with CustomerPort(board.customer_port) as port:

            def listen() -> None:
                try:
                    port.listen(self._hear, stop)
                except BaseException as error:
                    failures.append(error)

            reader = threading.Thread(target=listen, name="telegrams", daemon=True)
            reader.start()
            start_s = board.now_s
            try:
                with progress(f"days run: {self.demo.days}, one burst a minute") as bar:
                    board.run_until(self.to_s + 2, lambda t: bar(t - start_s, self.to_s - start_s))
            finally:
                stop.set()
                reader.join()
            status = port.status()
            stop.clear()
            # The last record is told by the next telegram.
            reader = threading.Thread(target=listen, name="telegrams", daemon=True)
            reader.start()
            board.run_until(self.to_s + PERIOD_MS // 1000 + 2)
            stop.set()
            reader.join()
        if failures:
            raise failures[0]
        return {
            "register_wh": int(status["register_wh"]),
            "sealed_wh": int(status["sealed_units"][0]),
        }

    def _hear(self, telegram: Telegram) -> None:
        self.telegrams += 1
        if telegram.sealed is not None:
            self.heard[decode_sealed(telegram.sealed).seq] = telegram.sealed

    def _collect(self, board: EmulatedBoard, ledger: Ledger, meter: bytes) -> None:
        """Everything over the utility port; and the telegrams must have said the same.

        A telegram, once a minute, shows the newest record only. So an event, or a record that one
        followed at once, may have been missed; and what was sealed after the period need not have
        been told yet.
        """
        with UtilityPort(board.utility_port) as utility, progress("collecting") as bar:
            collect(ledger, utility, bar)
        sealed = ledger.sealed(meter)
        records = [decode_sealed(data) for data in sealed]
        kinds_after = [record.kind for record in records[1:]] + [0]
        for record, data, kind_after in zip(records, sealed, kinds_after, strict=True):
            told = self.heard.get(record.seq)
            hidden = EVENT in (record.kind, kind_after) or record.end_s > self.to_s
            if told != data and not (told is None and hidden):
                raise Refused("ports-differ", f"record {record.seq}")

    def _bill(
        self, ledger: Ledger, secrets: Secrets, papers: Papers, proven: Callable[[float], None]
    ) -> Bill:
        return make_bill(
            ledger.period(secrets.meter, self.from_s, self.to_s),
            secrets.opener(),
            papers.enrolment.token,
            papers.contract.token,
            papers.tariff.token,
            secrets.pinned(papers.trust),
            Releases(secrets.meter),
            consent=self.demo.consent,
            progress=proven,
        )

    def _write(self, secrets: Secrets, papers: Papers, bill: Bill) -> list[str]:
        out = self.demo.out
        bill.releases.save(Releases.path_for(out / "customer.json"))
        write_atomic(out / "bundle.json", bill.data)
        write_atomic(out / "trust.json", papers.trust.write())
        write_token(out / "tariff.jws", papers.tariff.token)
        write_atomic(out / "ledger.db", self.ledger_file.read_bytes())
        secrets.save(out / "customer.json")
        names = ["bundle.json", "trust.json", "tariff.jws", "ledger.db", "customer.json"]
        names += ["customer.releases.json", "report.html"]
        return [str(out / name) for name in names]


def _set_clock(office: Office, board: EmulatedBoard) -> None:
    """A meter has no clock after power-on, and seals nothing until its provider sets it."""
    with UtilityPort(board.utility_port) as utility:
        orders.give(office, utility, orders.CLOCK, lambda: board.now_s)


def _tariff(demo: Demo, draw: Draw) -> Tariff:
    """A tariff document; the prices of a CSV, the mean over a record longer than their slots; or
    day and night."""
    if demo.tariff is not None:
        document = loads(read_bounded(demo.tariff))
        return Tariff.read(dated(document, draw.from_s, draw.to_s, demo.zone))
    if demo.prices is None:
        return time_of_use(
            "demo day and night",
            currency=demo.currency,
            bands=[("day", "0.3127"), ("night", "0.2284")],
            switches="00:00 night, 07:00 day, 22:00 night",
            weekend="00:00 night",
            zone=demo.zone,
            from_s=draw.from_s,
            to_s=draw.to_s,
        )
    draft = Draft(demo.prices.stem, demo.currency, draw.from_s, draw.to_s, demo.zone)
    draft.long_records = {"rule": "mean", "rounding": "half-even"}
    draft.series("energy", PriceList.load(demo.prices, demo.zone), demo.minor_units)
    return draft.finish()
