"""What is fuzzed: every parser of the host, each as a function of bytes.

A target returns, or raises AssertionError where a promise is broken: anything but the errors a
parser documents comes out of it as it is, and is a crash. The same targets serve the bounded
hypothesis tests (tests/host/test_fuzz.py) and the coverage-guided lane (run.py).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

from fuzz import access
from fuzz.scratch import SCRATCH
from fuzz.seeds import BUNDLE, METER, TRUST, small_proof
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.record import decode_body, decode_sealed
from wattseal_hil.errors import BoardError, LoadError
from wattseal_hil.loads import CsvLoad
from wattseal_hil.tape import TapeReader
from wattseal_host import bill_message, jws, wide_message
from wattseal_host.collect import replies
from wattseal_host.collect.rtu import UtilityStream
from wattseal_host.collect.stream import CustomerStream, Telegram
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.customer.live import read_live
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.disclosure.check import check
from wattseal_host.disclosure.document import Disclosure
from wattseal_host.disclosure.query import parse
from wattseal_host.documents import Contract, Enrolment
from wattseal_host.errors import PortError, Unusable
from wattseal_host.evidence import Evidence, judge
from wattseal_host.group.founding import GroupSet, Join, Plan
from wattseal_host.group.rounds import Deal, Roster, Share
from wattseal_host.group.total import Total
from wattseal_host.joint_bundle import read_any
from wattseal_host.ledger import Ledger
from wattseal_host.proof import P256, verify
from wattseal_host.proof.encoding import decode
from wattseal_host.provider.price_csv import PriceList
from wattseal_host.provider.tariff_import import bands, reading, tables, urdb
from wattseal_host.provider.tariffs import Draft
from wattseal_host.replay.run import CaptureClock, replay_into
from wattseal_host.strict_json import dumps, loads
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust
from wattseal_host.units import Unit
from wattseal_host.verify import verify_bundle


def record(data: bytes) -> None:
    with suppress(Malformed):
        assert decode_sealed(data).sealed == data
    with suppress(Malformed):
        assert decode_body(data).body == data


def bundle(data: bytes) -> None:
    with suppress(Malformed):
        read = read_any(data)
        assert read_any(read.write()) == read
    with suppress(Unusable):
        assert verify_bundle(data, TRUST).code


def bundle_fields(data: bytes) -> None:
    """A good bundle whose fields are changed one by one, so that damage gets past its JSON.

    Each patch is three bytes (which field, twice, and what becomes of it) and a few more.
    """
    tree = loads(BUNDLE)
    for at in range(0, min(len(data), 80), 10):
        patch = data[at : at + 10]
        places = list(_places(tree))
        inside, name = places[int.from_bytes(patch[:2], "big") % len(places)]
        inside[name] = _changed(inside[name], patch[2:3], patch[3:])
    changed = dumps(tree)
    bundle(changed)
    with suppress(Unusable):
        assert not verify_bundle(changed, TRUST).accepted or changed == BUNDLE


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (object or list, name or place in it) of a JSON value."""
    if type(tree) in (dict, list):
        for name in sorted(tree) if type(tree) is dict else range(len(tree)):
            yield tree, name
            yield from _places(tree[name])


def _changed(value: Any, how: bytes, more: bytes) -> Any:
    kind, text = int.from_bytes(how, "big") % 6, more.decode("latin-1")
    if kind == 0:
        return text
    if kind == 1:
        return int.from_bytes(more[:6], "big")
    if kind == 2 and type(value) is list:
        return value[1:] + value[: len(more) % 3]
    if type(value) is str and value:
        at = int.from_bytes(more[:3], "big") % len(value)
        return value[:at] + (text[3:4] if kind == 3 else "") + value[at + 1 :]
    return [value] if kind == 4 else None


def documents(data: bytes) -> None:
    """Signed documents as tokens, each as every kind."""
    text = data.decode("latin-1")
    for kind in (jws.ENROLMENT, jws.CONTRACT, jws.TARIFF):
        with suppress(Malformed, Refused):
            signed = jws.parse(text, kind)
            assert signed.token == text
            jws.check_signature(signed, TRUST.providers)


def payloads(data: bytes) -> None:
    """What is in signed documents, and what any JSON of ours is read by."""
    try:
        value = loads(data)
    except Malformed:
        return
    assert loads(dumps(value)) == value
    for document in (Enrolment, Contract, Tariff):
        with suppress(Malformed, Refused):
            document.read(value)


def trust(data: bytes) -> None:
    with suppress(Unusable):
        read = Trust.read(data)
        assert Trust.read(read.write()) == read


def customer_files(data: bytes) -> None:
    """The secret file and the list of releases."""
    path = SCRATCH / "customer.json"
    path.write_bytes(data)
    path.chmod(0o600)
    with suppress(Unusable):
        Secrets.load(path).save(path)
    with suppress(Unusable):
        Releases.load(path, METER.meter).save(path)


def evidence(data: bytes) -> None:
    with suppress(Malformed):
        assert Evidence.read(data).write() == data
    with suppress(Unusable):
        verdict = judge(data, TRUST)
        assert verdict.code and verdict.holds == (verdict.code == "fork-proven")


def telegrams(data: bytes) -> None:
    """However the bytes are cut into pieces, the same comes out."""
    whole, pieces = CustomerStream(), CustomerStream()
    found = whole.feed(data)
    step = 1 + len(data) % 7
    split = [item for at in range(0, len(data), step) for item in pieces.feed(data[at : at + step])]
    assert found == split or len(data) > 4096
    for item in found:
        if isinstance(item, Telegram):
            live = read_live(item)
            assert live is None or min(live.import_w, live.export_w, live.voltage_mv) >= 0


def reply_lines(data: bytes) -> None:
    """Lines as the stream hands them on: ASCII."""
    text = bytes(byte & 0x7F for byte in data).decode("ascii")
    for read in (
        lambda line: replies.read_self(replies.read_status(line)),
        replies.read_record,
        replies.read_opening,
        replies.read_bill,
        replies.read_pairing_share,
        replies.read_pairing_end,
    ):
        with suppress(PortError):
            read(text)


def modbus_stream(data: bytes) -> None:
    """The same for exchanges on the utility port's wire."""
    whole, pieces = UtilityStream(), UtilityStream()
    found = whole.feed(data) + whole.close()
    step = 1 + len(data) % 7
    split = [item for at in range(0, len(data), step) for item in pieces.feed(data[at : at + step])]
    assert len(found) == len(split + pieces.close()) and whole.noise_bytes == pieces.noise_bytes


class _Answering:
    """In the place of pymodbus's client: whatever is asked, its framer gets the same bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def _answer(self, *_: Any, **__: Any) -> Any:
        answer = FramerRTU(DecodePDU(False)).handleFrame(self._data, 1, 0)[1]
        if answer is None:
            raise ModbusException("no answer")
        return answer

    read_holding_registers = read_file_record = _answer


def modbus_answers(data: bytes) -> None:
    port = UtilityPort("/dev/null")
    port._client = _Answering(data)  # type: ignore[assignment]
    for ask in (port.itself, port.newest, lambda: port.record(3)):
        with suppress(PortError):
            ask()


def capture(data: bytes) -> None:
    """Into a ledger that has a meter's records: nothing that is in there may change."""
    clock = CaptureClock()
    with Ledger(":memory:", clock) as ledger:
        ledger.arrive("customer:a", METER.configuration)
        ledger.append(METER.meter, METER.sealed[:5], "utility")
        with suppress(Malformed):
            replay_into(ledger, io.BytesIO(data), clock, trust=TRUST)
        sealed = ledger.sealed(METER.meter)
        assert sealed == METER.sealed[: len(sealed)] and len(sealed) >= 5


def arrival(data: bytes) -> None:
    """Any bytes as the next records of a meter."""
    with Ledger(":memory:") as ledger:
        ledger.add_meter(METER.configuration)
        ledger.append(METER.meter, METER.sealed[:5], "utility")
        for part in data.split(b"wattseal fuzz: next"):
            with suppress(Malformed, Refused):
                ledger.append(METER.meter, [part], "customer")
        sealed = ledger.sealed(METER.meter)
        assert sealed == METER.sealed[: len(sealed)] and len(sealed) >= 5
        assert len(ledger.rejects(METER.meter)) <= data.count(b"wattseal fuzz: next") + 1


def price_csv(data: bytes) -> None:
    path = SCRATCH / "prices.csv"
    path.write_bytes(data)
    with suppress(Misuse, Unusable):
        prices = PriceList.load(path, "Europe/London")
        first_s = min(prices.prices)
        prices.series(first_s, first_s + prices.slot_s)


def imports(data: bytes) -> None:
    """Other people's price lists: refused, or a tariff that reads."""

    def urdb_rate(draft: Draft) -> None:
        urdb.add(draft, reading.load(data), 1800)

    def table(draft: Draft) -> None:
        tables.add(draft, data, Decimal(10), {"N": Decimal("0.1"), "H": Decimal("0.7")})

    def offer(draft: Draft) -> None:
        bands.add(draft, reading.load(data))

    for add in (urdb_rate, table, offer):
        with suppress(Malformed, Misuse):
            draft = Draft("fuzz", "EUR", 1_767_225_600, 1_767_225_600 + 86400)
            add(draft)
            draft.finish()


def group_papers(data: bytes) -> None:
    """Papers of a group run; none is signed by anybody who is trusted."""
    text = data.decode("ascii", "replace")
    group = GroupSet("fuzz", "import", Unit("Wh", 0), 1800, (), ())
    plan = Plan(bytes(32), 0, 1800)
    for read in (
        lambda: GroupSet.open(text, []),
        lambda: Plan.open(text, group, []),
        lambda: Deal.open(text, plan, group),
        lambda: Share.open(text, Roster(()), group, 1),
        lambda: Total.open(text, group, []),
    ):
        try:
            read()
        except (Malformed, Refused):
            continue
        raise AssertionError("a paper of nobody")
    with suppress(Malformed, Refused):
        Join.open(text)


def load_csv(data: bytes) -> None:
    path = SCRATCH / "load.csv"
    path.write_bytes(data)
    with suppress(LoadError):
        load = CsvLoad(path)
        assert load.energy_wh(load.start_s, load.end_s) >= 0


def proof(data: bytes) -> None:
    """Bytes as the proof of a small statement: parsed strictly, and none but the true one holds."""
    instance, good = small_proof()
    with suppress(Malformed):
        assert decode(data, instance.circuit.gates, P256).encode(P256) == data
    try:
        verify(instance, data)
    except (Malformed, Refused):
        return
    assert data == good


def message(data: bytes) -> None:
    """Whatever reads as a bill message is written as the same bytes."""
    key = METER.key
    with suppress(Malformed, Unusable):
        read = bill_message.read(data, key)
        assert wide_message.write(read.statement, read.proof) == data
    with suppress(Malformed, Unusable):
        meters = wide_message.read_meters(data)
        links = (bytes(32),) * (len(meters) - 1)
        assert wide_message.write(*wide_message.read(data, [key] * len(meters), links)) == data


def disclosure(data: bytes) -> None:
    with suppress(Malformed, Unusable):
        assert Disclosure.read(Disclosure.read(data).write()) == Disclosure.read(data)
    with suppress(Unusable):
        assert check(data, TRUST).code
    with suppress(Malformed):
        text = data.decode("utf-8", "replace")
        assert parse(parse(text).text) == parse(text)


def tape(data: bytes) -> None:
    path = SCRATCH / "fuzz.tape"
    path.write_bytes(data)
    try:
        with TapeReader(path) as reader:
            for event in reader.events():
                assert event.what != "bytes" or event.data
    except BoardError as error:
        assert error.code in ("tape-format", "tape-malformed"), error.code


TARGETS: dict[str, Callable[[bytes], None]] = {
    **access.TARGETS,
    "arrival": arrival,
    "bundle": bundle,
    "bundle-fields": bundle_fields,
    "capture": capture,
    "customer-files": customer_files,
    "disclosure": disclosure,
    "documents": documents,
    "evidence": evidence,
    "group-papers": group_papers,
    "imports": imports,
    "load-csv": load_csv,
    "message": message,
    "modbus-answers": modbus_answers,
    "modbus-stream": modbus_stream,
    "payloads": payloads,
    "price-csv": price_csv,
    "proof": proof,
    "record": record,
    "replies": reply_lines,
    "tape": tape,
    "telegrams": telegrams,
    "trust": trust,
}
