"""What comes from far away when a customer lets somebody have readings: applets, mailboxes, a
relay's answers, chunks, files handed over; and price lists for the meter's display."""

from __future__ import annotations

import importlib
import sys
import types
from contextlib import suppress
from functools import lru_cache
from typing import Any

import httpx
from fuzz.scratch import SCRATCH
from fuzz.seeds import METER
from handed_file import file_of
from sealed_house import INTERVAL_S, START_S, SealingMeter, calendar_tariff
from wattseal import export, manifest
from wattseal.errors import Malformed, Misuse, Refused
from wattseal_host.collect import replies
from wattseal_host.errors import PortError, Unusable
from wattseal_host.export.items import Item, check
from wattseal_host.export.kept import Kept
from wattseal_host.portal import handed, mailbox, words
from wattseal_host.portal.analysis import analyse, cost
from wattseal_host.portal.relayed import Relay
from wattseal_host.relay import tokens
from wattseal_host.report.localtime import LocalTime
from wattseal_host.web import charts

# All that the firmware's pure modules take from MicroPython; the identity at run time.
_micropython = types.ModuleType("micropython")
_micropython.const = lambda value: value  # type: ignore[attr-defined]
sys.modules.setdefault("micropython", _micropython)

price_list, prices = map(importlib.import_module, ("meter.price_list", "meter.prices"))
TARIFF = calendar_tariff(START_S - 86400, START_S + 400 * 86400)
SPAN_S = START_S, START_S + 12 * INTERVAL_S


def applet(data: bytes) -> None:
    """A manifest has one form, and its texts drive no terminal and no page."""
    with suppress(Malformed):
        read = manifest.decode(data)
        assert read.encode() == data
        for text in (read.name, read.publisher, read.origin):
            assert text.decode("ascii").isprintable()


def mail(data: bytes) -> None:
    """The mailbox's registers, padded: bytes beyond the first few are any."""
    with suppress(Malformed):
        box = mailbox.read(data[: mailbox.BYTES].ljust(mailbox.BYTES, b"\0"))
        assert box.state in range(6) and 0 <= box.chunks <= mailbox.MAX_CHUNKS
        assert not box.code or words.of_code(box.code) != words.of_code("")


_answers = [httpx.Response(500)]


@lru_cache
def _client() -> Relay:
    client = Relay("http://relay", "t" * 43)
    answer = httpx.MockTransport(lambda _: _answers[0])
    client._http = httpx.Client(base_url="http://relay", transport=answer)
    return client


def relay(data: bytes) -> None:
    """A relay's answers, good and bad, whatever was asked."""
    status = (200, 200, 204, 400, 404, 503)[data[0] % 6] if data else 500
    client, _answers[0] = _client(), httpx.Response(status, content=data[1:])
    for ask in (
        lambda: client.meter(METER.meter),
        lambda: client.mailbox(METER.meter),
        lambda: client.span(METER.meter, *SPAN_S),
        lambda: client.records(METER.meter, 0, 64),
        lambda: client.chunk(METER.meter, 0),
        lambda: client.mail(METER.meter, 2, b"x"),
    ):
        with suppress(Refused, PortError):
            ask()
    with suppress(Refused, PortError):
        found = client.meter(METER.meter)
        assert found.enrolment.meter == METER.meter and 0 <= found.sealed_s <= 2**32
    with suppress(Refused, PortError):
        first, count = client.span(METER.meter, *SPAN_S)
        assert 0 <= first < 2**32 and 0 <= count < 2**16


def chunks(data: bytes) -> None:
    """What a chunk may hold, against a meter's records: refused, or what the meter sealed."""
    padded = data[: 6 * export.ITEM_BYTES]
    with suppress(Malformed, Refused):
        found = check(Item.all_of(padded), METER.sealed, METER.key, *SPAN_S, 0, INTERVAL_S)
        for one in found.opened:
            sealed = [
                METER.values.get(seq, (0,)) for seq in range(one.first, one.first + one.records)
            ]
            assert one.value == sum(values[one.channel] for values in sealed)


def handed_file(data: bytes) -> None:
    with suppress(Malformed, Refused):
        read = handed.read(data, METER.meter)
        assert read.column() == [METER.values[record.seq][0] for record in read.records]


def handed_figures(data: bytes) -> None:
    """A file of a meter that somebody made themselves, with readings, lengths and a unit nobody
    expects: figures, curve and cost are drawn all the same.

    The exponent, the channels, then for each record its length and its readings.
    """
    if len(data) < 8:
        return
    meter = SealingMeter("own", int.from_bytes(data[:1], "big", signed=True), 1 + data[1] % 2)
    meter.origin()
    width = 4 + 4 * meter.channels
    for at in range(2, min(len(data), 2 + 5 * width) - width + 1, width):
        numbers = [int.from_bytes(data[i : i + 4], "big") for i in range(at, at + width, 4)]
        with suppress(Misuse):
            meter.reading(*numbers[1:], length_s=numbers[0] >> data[at] % 32 or INTERVAL_S)
    if len(meter.sealed) == 1:
        return
    read = handed.read(file_of(meter), meter.meter)
    local = LocalTime(())
    found = analyse(read, local)
    curve = charts.load_curve(found.curve, found.peak_w, found.base_w, local)
    assert "nan" not in curve and "inf" not in curve
    assert "nan" not in charts.daily([(day.name, day.energy_wh) for day in found.days])
    with suppress(Refused):
        assert cost(read, TARIFF).text.endswith(" GBP")


class _Flash:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def display_prices(data: bytes) -> None:
    """A price list as the meter takes it, and what the meter says of it as the host does."""
    flash = _Flash(data)
    with suppress(Malformed):
        prices.check(flash, prices.NEW, len(data))
        read = price_list.PriceList(flash, prices.NEW, 0, data[: price_list.HEAD])
        assert read.currency.isprintable() and read.ways in (1, 2)
        times = [read.entry(number)[0] for number in range(read.count)]
        assert times == sorted(times) and times[0] <= read.from_s and times[-1] < read.until_s
        assert abs(read.offset_s(times[-1])) <= 60 << 15
    with suppress(PortError):
        replies.read_prices(data.decode("latin-1"))


def applet_lines(data: bytes) -> None:
    """What a meter says of its applets and of consent, as lines of ASCII."""
    text = bytes(byte & 0x7F for byte in data).decode("ascii")
    for read in (replies.read_applet, replies.read_consent):
        with suppress(PortError):
            read(text)


def collected(data: bytes) -> None:
    """The file of a standing collection, and a relay's list of tokens."""
    path = SCRATCH / "collect.json"
    path.write_bytes(data)
    path.chmod(0o600)
    with suppress(Unusable):
        read = Kept.load(path, METER.meter, bytes(32))
        read.save(path)
        assert Kept.load(path, METER.meter, bytes(32)) == read
    path.write_bytes(data)
    with suppress(Unusable):
        assert all(name and token for name, token in tokens.read(path).items())


TARGETS: dict[str, Any] = {
    "applet": applet,
    "applet-lines": applet_lines,
    "chunks": chunks,
    "collected": collected,
    "display-prices": display_prices,
    "handed-figures": handed_figures,
    "handed-file": handed_file,
    "mailbox": mail,
    "relay": relay,
}
