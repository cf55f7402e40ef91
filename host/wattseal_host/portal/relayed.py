"""The portal's end of the relay. Its errors come out with the codes they have there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from wattseal.errors import Malformed, Refused, WattsealError

from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.export.items import MAX_RECORDS
from wattseal_host.portal import mailbox
from wattseal_host.relay.line import RECORDS_AT_ONCE

TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 64 * 1024
_CODES = {
    "relay-token", "relay-meter", "relay-busy", "meter-busy", "too-often", "port-missing",
    "port-answer", "port-silent", "port-refused", "relay-message", "relay-request", "relay-span",
}  # fmt: skip


@dataclass(frozen=True)
class Meter:
    """next_seq: records in its log; sealed_s: the end of the newest."""

    enrolment: Enrolment
    next_seq: int
    sealed_s: int


class Relay:
    """address: of the relay, http(s)://…; token: what it gave this portal. May be used by any
    thread. Every method raises Refused or PortError with the relay's code, or PortError
    `relay-missing`, `relay-answer`."""

    def __init__(self, address: str, token: str, ca: str | None = None) -> None:
        import ssl

        verify: Any = ssl.create_default_context(cafile=ca) if ca else True
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.Client(
            base_url=address, headers=headers, timeout=TIMEOUT_S, verify=verify, trust_env=False
        )

    def close(self) -> None:
        self._http.close()

    def meter(self, meter: bytes) -> Meter:
        value = self._json(meter, "")
        try:
            _, next_seq, sealed_s = (value.pop(n) for n in ("oldest_seq", "next_seq", "sealed_s"))
            found = Meter(Enrolment.read(value), next_seq, sealed_s)
        except (KeyError, WattsealError) as error:
            raise PortError("relay-answer") from error
        good = _counts(sealed_s, 2**32) and _counts(next_seq, 2**32 - 1)
        if found.enrolment.meter != meter or not good:
            raise PortError("relay-answer")
        return found

    def mail(self, meter: bytes, kind: int, message: bytes) -> None:
        self._ask("POST", meter, f"/mail/{kind}", content=message)

    def mailbox(self, meter: bytes) -> mailbox.Mailbox:
        try:
            return mailbox.read(self._ask("GET", meter, "/mailbox"))
        except Malformed as error:
            raise PortError("relay-answer") from error

    def chunk(self, meter: bytes, number: int) -> bytes:
        return self._ask("GET", meter, f"/chunk/{number}")

    def span(self, meter: bytes, from_s: int, to_s: int) -> tuple[int, int]:
        """(first sequence number, count) of the sealed records of a period."""
        value = self._json(meter, "/span", **{"from": from_s, "to": to_s})
        first, count = value.get("first"), value.get("count")
        if not (_counts(first, 2**32 - 1) and _counts(count, MAX_RECORDS)):
            raise PortError("relay-answer")
        assert isinstance(first, int) and isinstance(count, int)
        return first, count

    def records(self, meter: bytes, first: int, count: int) -> list[bytes]:
        """Sealed records, unverified."""
        count = min(count, RECORDS_AT_ONCE)
        data = self._ask("GET", meter, "/records", params={"first": first, "count": count})
        found, at = [], 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            found.append(data[at + 2 : end])
            at = end
        if at != len(data) or len(found) > count:
            raise PortError("relay-answer")
        return found

    def _json(self, meter: bytes, path: str, **query: int) -> dict[str, Any]:
        from wattseal_host.strict_json import loads

        try:
            value = loads(self._ask("GET", meter, path, params=query))
        except Malformed as error:
            raise PortError("relay-answer") from error
        if not isinstance(value, dict):
            raise PortError("relay-answer")
        return value

    def _ask(self, method: str, meter: bytes, path: str, **options: Any) -> bytes:
        where = f"/v1/{meter.hex()}{path}"
        try:
            with self._http.stream(method, where, **options) as answer:
                data = bytearray()
                for part in answer.iter_bytes():
                    data += part
                    if len(data) > MAX_ANSWER_BYTES:
                        raise PortError("relay-answer", "too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PortError("relay-missing") from error
        if answer.is_success:
            return bytes(data)
        code = _code(bytes(data))
        raise (PortError if code.startswith("port-") else Refused)(code)


def _counts(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _code(data: bytes) -> str:
    from wattseal_host.strict_json import loads

    try:
        value = loads(data)
    except Malformed as error:
        raise PortError("relay-answer") from error
    code = value.get("code") if isinstance(value, dict) else None
    if code not in _CODES:
        raise PortError("relay-answer")
    return str(code)
