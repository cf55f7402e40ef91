"""A portal that asks meters through a relay, each of the two a server of its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from peer_meter import PeerMeter
from portal_bench import Clock, Running, Server, Visitor, flat_tariff
from wattseal_host import keys
from wattseal_host.portal.applet import Applet
from wattseal_host.portal.exports import Exports
from wattseal_host.portal.relayed import Relay as Client
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import MEMORY, Accounts
from wattseal_host.relay.app import Relay
from wattseal_host.relay.line import Line
from wattseal_host.relay.tokens import Tokens

TOKEN = secrets.token_urlsafe(32)
FROM, TO = "2025-01-01", "2025-01-02"


class Bench:
    """port: what gives the meter's utility port, anew for each time it is opened."""

    def __init__(self, port: Callable[[], Any], granularity_s: int = 0, url: str = MEMORY) -> None:
        self.clock = Clock()
        self.line = Line(port, patience_s=3)
        self.relay = Running(Relay([self.line], Tokens({"portal": TOKEN}), self.clock).app())
        self.client = Client(self.relay.url, TOKEN)
        self.key = keys.generate_key()
        self.site = Site(Accounts(url), tariffs={"Flat": flat_tariff()}, clock=self.clock)
        # The origin is known once the server has its port; the routes are there before.
        self.site.exports = Exports(self.client, self.applet("http://unset"), self.clock, 0)
        self.server = Server(self.site)
        exports = self.site.exports
        exports.poll_ms = 100
        exports.applet, exports.origin = (
            self.applet(self.server.url, granularity_s),
            self.server.url,
        )

    def applet(self, origin: str, granularity_s: int = 0) -> Applet:
        return Applet.make(self.key, origin, "Portal Ltd", granularity_s)

    def close(self) -> None:
        self.server.close()
        self.relay.close()


class Customer(Visitor):
    """A visitor who asks the meter."""

    def ask(self, mode: str = "server", granularity: str = "0", **fields: str) -> Any:
        told = {"from": FROM, "to": TO, "granularity": granularity, "mode": mode, "consent": "yes"}
        return self.post("/export", **{**told, **fields})

    def phase(self) -> str:
        return str(self.state()["phase"])

    def state(self) -> dict[str, Any]:
        value: dict[str, Any] = self.http.get("/export/state").json()
        return value

    def until(self, *wanted: str, within_s: float = 20) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while (state := self.state())["phase"] not in wanted:
            assert time.monotonic() < deadline, state
            time.sleep(0.05)
        return state

    def type_pin(self, pin: str) -> Any:
        return self.post("/export/pin", at="/export", pin=pin)


def to_the_pin(customer: Customer, meter: PeerMeter, **asked: str) -> str:
    customer.ask(**asked)
    if customer.until("applet", "asked")["phase"] == "applet":
        assert meter.shown[1] == "Load curve and cost"
        meter.press()
        customer.until("asked")
    meter.press()
    customer.until("pin")
    return meter.pin
