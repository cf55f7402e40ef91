"""A meter in process, as its utility port shows it to a relay: log, mailbox, button and display.

For what would take the emulated board too long; it is made of the protocol package's own parts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from sealed_house import INTERVAL_S, SealingMeter
from wattseal import commitment, ecdsa, export, keytree, manifest, p256, spake2
from wattseal.errors import WattsealError
from wattseal.fixed_base import run
from wattseal.labels import EXPORT_PIN
from wattseal.record import decode_sealed
from wattseal_host.collect.registers import MeterStatus
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.portal import mailbox as box
from wattseal_host.units import CHANNELS, Unit

BUTTON_S, APPLET_S, PIN_S, IDLE_S, QUIET_S = 600, 120, 300, 60, 300
_TAKEN = 1
_RESULT = {code: number for number, code in box.CODES.items()}


class PeerMeter:
    """`press` is the button; `shown` the display's lines. `plugged = False` unplugs it.
    alter: what a relay in between does to (name, bytes) of an answer."""

    def __init__(
        self, house: SealingMeter, clock: Callable[[], float] = time.monotonic, seed: int = 1
    ) -> None:
        self.house, self.clock, self.random = house, clock, random.Random(seed)
        self.plugged = True
        self.applets: dict[bytes, manifest.Manifest] = {}
        self.shown: list[str] = []
        self.exchanges = 0
        self._quiet_s = float("-inf")
        self.lie = 0  # is added to every sum it tells
        self.calls: list[tuple[str, bytes]] = []
        self.alter: Callable[[str, bytes], bytes] = lambda name, data: data
        self.swap: Callable[[int, bytes], bytes] = lambda kind, message: message
        self._records = [decode_sealed(data) for data in house.sealed]
        self._clear(0)

    # What the relay asks.

    def __enter__(self) -> PeerMeter:
        self._there()
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def identity(self) -> Enrolment:
        self._there()
        house, unit = self.house, Unit("Wh", self.house.exponent)
        return Enrolment(house.meter, house.key, unit, INTERVAL_S, CHANNELS[: house.channels])

    def status(self) -> MeterStatus:
        self._there()
        return MeterStatus(len(self._records), 0, self.house.boot, 0, self.house.end_s, 0)

    def record(self, seq: int) -> bytes:
        self._there()
        return self.alter("record", self.house.sealed[seq])

    def mail(self, kind: int, message: bytes) -> None:
        self._there()
        message = self.swap(kind, message)
        self.calls.append((f"mail {kind}", message))
        self._expire()
        new = kind == box.MANIFEST and manifest.digest(message[:-64]) not in self.applets
        held = new and self.clock() < self._quiet_s
        held = (
            held
            or self._state in (box.PIN, box.ANSWERED)
            or (self._state == box.SERVING and self.clock() - self._read_s < IDLE_S)
        )
        if kind in (box.MANIFEST, box.REQUEST) and held:
            self._result = _RESULT["meter-busy"]
            return
        {1: self._manifest, 2: self._request, 3: self._share, 4: self._confirmation}[kind](message)

    def mailbox_bytes(self) -> bytes:
        self._there()
        self._expire()
        served = self._state == box.SERVED
        data = self._state.to_bytes(2, "big") + self._result.to_bytes(2, "big") + self._session
        data += len(self._chunks).to_bytes(4, "big") * 2 + self._own.ljust(66, b"\0")
        data += self._told.ljust(32, b"\0")
        data += (self._signature if served else b"").ljust(64, b"\0")
        return self.alter("mailbox", data.ljust(box.BYTES, b"\0"))

    def export_chunk(self, number: int) -> bytes:
        self._there()
        if number >= len(self._chunks):
            raise PortError("port-refused", "modbus exception 2")
        self._sent.add(number)
        self._read_s = self.clock()
        if len(self._sent) == len(self._chunks):
            self._state = box.SERVED
        return self.alter("chunk", self._chunks[number])

    # What the customer does.

    def press(self) -> None:
        self._expire()
        if self._waiting is not None:
            digest, applet = self._waiting
            self.applets[digest] = applet
            self._clear(box.APPROVED)
        if self._state == box.PIN:
            self._fail("export-declined")
        if self._state != box.ASKED:
            return
        self._pin = f"{self.random.randrange(10**6):06}"
        name, start_s, end_s = self._scope[0].decode(), *self._scope[1:3]
        self.shown = [f"PIN {self._pin}", name, f"{start_s} to {end_s}"]
        self._state, self._until_s = box.PIN, self.clock() + PIN_S

    @property
    def pin(self) -> str:
        return self.shown[0].removeprefix("PIN ")

    def reboot(self) -> None:
        self._clear(0)

    # The meter itself.

    def _there(self) -> None:
        if not self.plugged:
            raise PortError("port-silent", "unplugged")

    def _clear(self, result: int) -> None:
        self._state, self._result, self._session = box.NONE, result, bytes(16)
        self._read_s = self.clock()
        self._waiting: tuple[bytes, manifest.Manifest] | None = None
        self._own = self._told = self._signature = b""
        self._keys: Any = None
        self._chunks: list[bytes] = []
        self._sent: set[int] = set()
        self._until_s = float("inf")
        self._pin = ""
        self.shown = []

    def _fail(self, code: str) -> None:
        self._clear(_RESULT[code])

    def _expire(self) -> None:
        if self.clock() < self._until_s:
            return
        if self._waiting is not None:
            self._clear(_TAKEN)  # nothing says so but the display
            self._quiet_s = self.clock() + QUIET_S
        else:
            self._fail("export-late")

    def _manifest(self, message: bytes) -> None:
        body, signature = message[:-64], message[-64:]
        self._clear(_TAKEN)
        try:
            applet = manifest.decode(body)
            if not run(manifest.verify_signature_steps(applet, body, signature)):
                raise WattsealError("signature")
        except WattsealError:
            self._fail("applet-bad")
            return
        digest = manifest.digest(body)
        if digest in self.applets:
            self._result = box.APPROVED
        else:
            self._waiting, self._until_s = (digest, applet), self.clock() + APPLET_S
            self.shown = ["Allow? Press.", applet.name.decode(), applet.publisher.decode()]

    def _request(self, message: bytes) -> None:
        applet = self.applets.get(message[:32])
        self._clear(_TAKEN)
        start_s, end_s, granularity_s = (
            int.from_bytes(message[at : at + 4], "big") for at in (48, 52, 56)
        )
        if applet is None:
            return self._fail("applet-unknown")
        finest = applet.granularity_s
        on_grid = not finest or not any(at % finest for at in (start_s, end_s, granularity_s))
        if granularity_s < finest or not on_grid:
            return self._fail("export-scope")
        self._scope = applet.origin, start_s, end_s, granularity_s
        self._inside = [r for r in self._records if start_s <= r.start_s < end_s]
        if not any(r.channels for r in self._inside) or end_s > self.house.end_s:
            return self._fail("export-empty")
        self._session = message[32:48]
        self._state, self._until_s = box.ASKED, self.clock() + BUTTON_S
        self.shown = ["Export? Press.", applet.origin.decode(), f"{start_s} to {end_s}"]

    def _share(self, message: bytes) -> None:
        if self._state != box.PIN or message[:16] != self._session:
            self._result = _RESULT["export-over"]
            return
        self.exchanges += 1
        w = spake2.password_scalar(self._pin.encode(), EXPORT_PIN)
        self._pin, self._other = "", message[16:]
        ephemeral = self.random.randrange(1, p256.N)
        own = spake2.share(spake2.SECOND, w, ephemeral)
        house = self.house
        self._bound = export.binding(*self._scope, house.key, self._session)
        names = (self._scope[0], house.meter)
        try:
            self._keys = spake2.finish(
                spake2.SECOND, w, ephemeral, own, self._other, names, self._bound
            )
        except WattsealError:
            return self._fail("export-pin")
        self._own, self._state, self._result = own, box.ANSWERED, _TAKEN

    def _confirmation(self, message: bytes) -> None:
        if self._state != box.ANSWERED or message[:16] != self._session:
            self._result = _RESULT["export-over"]
            return
        try:
            self._keys.check(message[16:])
        except WattsealError:
            return self._fail("export-pin")
        cipher, items = export.Cipher(self._keys.key, self._bound), self._items()
        whole = [b"".join(items[at : at + 4]) for at in range(0, len(items), 4)]
        self._chunks = [
            cipher.seal(at, at == len(whole) - 1, data) for at, data in enumerate(whole)
        ]
        running = bytes(32)
        for chunk in self._chunks:
            running = export.absorb(running, chunk)
        signed = export.transcript(self._bound, self._other, self._own, len(whole), running)
        self._signature = ecdsa.sign(self.house.secret_key, signed)
        self._told, self._state, self._until_s = self._keys.own, box.SERVING, float("inf")
        self._result, self._read_s = _TAKEN, self.clock()

    def _items(self) -> list[bytes]:
        granularity_s, items = self._scope[3], []
        if granularity_s:
            for from_s in range(self._scope[1], self._scope[2], granularity_s):
                part = [r for r in self._inside if 0 <= r.start_s - from_s < granularity_s]
                after = [r.seq for r in self._records if r.start_s >= from_s]
                items += self._sums(part, part[0].seq if part else min(after))
            return items
        at = 0
        while at < len(self._inside):
            seq = self._inside[at].seq
            if seq % 32 == 0 and at + 32 <= len(self._inside):
                items.append(export.item(export.BLOCK, 0, 32, seq, 0, self._key(seq)))
                at += 32
            else:
                items += self._sums(self._inside[at : at + 1], self._inside[at].seq)
                at += 1
        return items

    def _key(self, seq: int) -> bytes:
        key: bytes = keytree.block_key(self.house.secrets[0], self.house.meter, 0, seq // 32)
        return key

    def _sums(self, part: list[Any], first: int) -> list[bytes]:
        found = []
        for channel in range(self.house.channels):
            total, blinding = self.lie, 0
            for record in part:
                if record.channels:
                    place = (record.meter, record.boot, record.seq, channel)
                    key = self._key(record.seq)
                    cipher = record.channels[channel][1]
                    total += commitment.unmask_reading(cipher, keytree.pad(key, *place))[0]
                    blinding += keytree.blinding(key, *place)
            secret = (blinding % p256.N).to_bytes(32, "big")
            found.append(export.item(export.SUM, channel, len(part), first, total, secret))
        return found
