"""What a listener on a port hears: from captured bytes to what the meter said. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wattseal_host.collect import registers, replies
from wattseal_host.collect.itself import MeterSelf
from wattseal_host.collect.place import CUSTOMER, UTILITY
from wattseal_host.collect.registers import (
    IDENTITY_AT,
    IDENTITY_REGISTERS,
    NEWEST_AT,
    NEWEST_REGISTERS,
    STATUS_AT,
    STATUS_REGISTERS,
)
from wattseal_host.collect.rtu import WRITE_REGISTERS, Exchange, UtilityStream
from wattseal_host.collect.stream import CustomerStream, Telegram
from wattseal_host.collect.tap import TO_METER
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError


@dataclass(frozen=True)
class SealedHeard:
    """A sealed record's bytes, unverified. seq: the place it was asked for by; None where the
    meter showed its newest record unasked."""

    data: bytes
    seq: int | None = None


Heard = MeterSelf | SealedHeard | PortError


class Listener(Protocol):
    """counts: what was heard, by name, for people."""

    counts: dict[str, int]

    def feed(self, data: bytes, to: str | None) -> list[Heard]: ...

    def close(self) -> list[Heard]: ...


class CustomerListener:
    """Telegrams and replies. What the host sent is left out where the direction is known, and
    is dropped by the stream where it is not."""

    def __init__(self) -> None:
        self._stream = CustomerStream()
        self.counts = {"telegrams": 0, "bad_telegrams": 0, "replies": 0}

    def feed(self, data: bytes, to: str | None) -> list[Heard]:
        heard: list[Heard] = []
        if to == TO_METER:
            return heard
        for item in self._stream.feed(data):
            if isinstance(item, Telegram):
                self.counts["telegrams"] += 1
                if item.sealed is not None:
                    heard.append(SealedHeard(item.sealed))
            else:
                self.counts["replies"] += 1
                heard.extend(_reply(item))
        self.counts["bad_telegrams"] = self._stream.bad_telegrams
        return heard

    def close(self) -> list[Heard]:
        return []


def _reply(line: str) -> list[Heard]:
    head, _, text = line.partition(" ")
    try:
        if head == "status":
            return [replies.read_self(replies.read_status(text))]
        if head == "record":
            seq, data = replies.read_record(text)
            return [SealedHeard(data, seq)]
    except PortError as error:
        return [error]
    return []


class UtilityListener:
    """Exchanges of registers and file records; on a half-duplex line the direction is in the
    frames themselves."""

    def __init__(self) -> None:
        self._stream = UtilityStream()
        self._identity: Enrolment | None = None
        self.counts = {"exchanges": 0, "unanswered": 0, "refused": 0, "noise_bytes": 0}

    def feed(self, data: bytes, to: str | None) -> list[Heard]:
        return self._hear(self._stream.feed(data))

    def close(self) -> list[Heard]:
        return self._hear(self._stream.close())

    def _hear(self, exchanges: list[Exchange]) -> list[Heard]:
        heard: list[Heard] = []
        for exchange in exchanges:
            self.counts["exchanges"] += 1
            if exchange.answer is None:
                self.counts["unanswered"] += 1
            elif exchange.answer.isError():
                self.counts["refused"] += 1
            else:
                try:
                    heard.extend(self._answer(exchange))
                except PortError as error:
                    heard.append(error)
        self.counts["noise_bytes"] = self._stream.noise_bytes
        return heard

    def _answer(self, exchange: Exchange) -> list[Heard]:
        request, answer = exchange.request, exchange.answer
        if request.function_code == WRITE_REGISTERS:
            return []
        if hasattr(answer, "records"):
            return _file(request.records, answer.records)
        place = (request.address, request.count)
        data = b"".join(value.to_bytes(2, "big") for value in answer.registers)
        if place == (IDENTITY_AT, IDENTITY_REGISTERS):
            self._identity = registers.read_identity(data)
        elif place == (STATUS_AT, STATUS_REGISTERS):
            status = registers.read_status(data)
            return [] if self._identity is None else [status.of(self._identity)]
        elif place == (NEWEST_AT, NEWEST_REGISTERS):
            newest = registers.read_slot(data)
            return [] if newest is None else [SealedHeard(newest)]
        return []


def _file(asked: list, got: list) -> list[Heard]:
    """One record for one request: what collecting asks for. Other software may ask otherwise."""
    if len(asked) != 1 or len(got) != 1:
        return []
    seq = registers.place_of(asked[0].file_number, asked[0].record_number)
    if seq is None or len(got[0].record_data) != registers.SLOT_BYTES_USED:
        return []
    data = registers.read_slot(got[0].record_data)
    return [] if data is None else [SealedHeard(data, seq)]


LISTENERS: dict[str, type[CustomerListener] | type[UtilityListener]] = {
    CUSTOMER: CustomerListener,
    UTILITY: UtilityListener,
}


def guess_kind(data: bytes) -> str | None:
    """The kind of port whose raw bytes these are: the one on which something is heard."""
    customer = CustomerListener()
    if customer.feed(data, None) or customer.counts["telegrams"]:
        return CUSTOMER
    utility = UtilityListener()
    utility.feed(data, None)
    utility.close()
    if utility.counts["exchanges"] > utility.counts["unanswered"]:
        return UTILITY
    return None
