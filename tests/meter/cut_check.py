"""What must hold after a power cut: one image of the flash, one boot, one verdict."""

import copy
import shutil

from cut_days import INTERVAL_S, OBEYED, PROVIDER, TELEGRAM_S, WATTS, open_board
from meter_bench import Customer
from raw_line import Line
from wattseal.chain import Chain
from wattseal.keytree import epoch_id
from wattseal.record import CLOSED, PAIRED, decode_origin, decode_paired, decode_sealed, meter_id
from wattseal_hil.faults import TORN, Overwriting
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.units import Unit

LOG_INTACT, ENDED, FLASH_FAILS, LOG_DAMAGED = 2, 64, 256, 512
NOTHING_TO_SET = 8
OVERLAP = 8  # records before the cut that are read again
SAMPLES = 2  # and others, at random


class Survival:
    """Checks cuts of a day. folder: for boards and ledgers. errors: AssertionError, BoardError."""

    def __init__(self, day, folder):
        self._day = day
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        origin = decode_origin(decode_sealed(day.truth[0]).payload)
        self._key = origin[3]
        self._meter = meter_id(self._key)
        chain = Chain(self._key)
        self._chains = [copy.deepcopy(chain)]
        for sealed in day.truth:
            record = decode_sealed(sealed)
            chain.append(record, record.digest)
            self._chains.append(copy.deepcopy(chain))
        self._enrolment = Enrolment(self._meter, self._key, Unit("Wh", 0), origin[0], ("import",))
        self._ledgers = {}

    def check(self, number, kind, image, rng):
        """The power failed at an operation (by its number in the day) as `kind` says."""
        day = self._day
        operation = day.recorder.operations[number]
        place = slice(operation.address, operation.end)
        flash = self._folder / "flash.bin"
        cells = operation.cells(bytes(image[place]), kind, rng)
        flash.write_bytes(image[: operation.address] + cells + image[operation.end :])
        with open_board(self._folder, flash, day.times_s[number] + rng.choice([1, 37])) as board:
            board.inject(Overwriting())
            board.power_on()
            customer = Customer(board)
            try:
                self._check_board(board, customer, day.shown(number), rng)
            finally:
                customer.close()

    def _check_board(self, board, customer, shown, rng):
        status = customer.status()
        assert status["status"] & (LOG_INTACT | FLASH_FAILS | LOG_DAMAGED) == LOG_INTACT, status
        assert status["next_seq"] >= shown.records, f"{status['next_seq']} < {shown.records}"
        assert status["register_wh"] >= shown.earlier_wh
        if shown.register_wh:
            assert bytes.fromhex(status["key"]) == self._key
            most_wh = shown.register_wh[1] + 2 + 2 * TELEGRAM_S * WATTS // 3600
            assert status["register_wh"] <= most_wh
        ended = bool(status["status"] & ENDED)
        with Line(board) as line:
            assert line.set_clock(board, PROVIDER) == (NOTHING_TO_SET if ended else OBEYED)
        board.run_until(board.now_s + 2 * INTERVAL_S + 5)
        after = customer.status()
        assert after["next_seq"] >= shown.records + (0 if ended else 2), after
        assert after["register_wh"] >= status["register_wh"]
        first = max(after["oldest_seq"], shown.records - OVERLAP, 0)
        records = [record.sealed for record in customer.records(first)]
        assert (decode_sealed(records[-1]).event == CLOSED) == ended
        truth = self._day.truth
        assert records[: shown.records - first] == truth[first : shown.records]
        if not shown.records and not shown.register_wh:
            self._verify_alone(records)
            return
        self._verify(first, records, shown)
        self._collect(records[shown.records - first :], shown.records)
        for _ in range(min(SAMPLES, shown.records - after["oldest_seq"])):
            seq = rng.randrange(after["oldest_seq"], shown.records)
            (line, _) = customer.ask(f"?history {seq} 1")
            assert bytes.fromhex(line.split()[2]) == truth[seq], f"record {seq} differs"

    def _verify(self, first, records, shown):
        chain = copy.deepcopy(self._chains[first])
        record = None
        names = []
        for sealed in [*self._day.truth[:first], *records]:
            record = decode_sealed(sealed)
            if record.event == PAIRED:
                names.append(decode_paired(record.payload))
            if record.seq >= first:
                chain.append(record, record.digest)
        chain.check_signature(record.signature)
        if shown.secret:
            epochs = [epoch for epoch, _ in names]
            expected = [epoch_id(shown.secret, self._meter, epoch) for epoch in epochs]
            assert [name for _, name in names] == expected, "a secret that was told is lost"

    @staticmethod
    def _verify_alone(records):
        """Nothing had been shown: whatever meter this is, its chain is good."""
        chain = Chain(decode_origin(decode_sealed(records[0]).payload)[3])
        for sealed in records:
            record = decode_sealed(sealed)
            chain.append(record, record.digest)
        chain.check_signature(record.signature)

    def _collect(self, fresh, known):
        """A host that had collected what was shown takes what follows."""
        if known not in self._ledgers:
            base = self._folder / f"ledger-{known}.db"
            with Ledger(base) as ledger:
                ledger.add_meter(self._enrolment)
                if known:
                    ledger.append(self._meter, self._day.truth[:known], "utility")
            self._ledgers[known] = base
        copied = self._folder / "ledger.db"
        shutil.copyfile(self._ledgers[known], copied)
        with Ledger(copied) as ledger:
            assert ledger.append(self._meter, fresh, "utility") == len(fresh)


def choose(day, rng=None, count=None):
    """Cuts as (operation's number, kind), in the order of operations: all, or `count` of them."""
    cuts = [
        (number, kind)
        for number in range(len(day.recorder.operations))
        for kind in ("before", *TORN)
    ]
    cuts.append((len(day.recorder.operations) - 1, "after"))
    return cuts if count is None else sorted(rng.sample(cuts, count))
