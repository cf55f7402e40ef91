"""The meter in Home Assistant by MQTT discovery: energy, power, voltage (docs/home-assistant.md).

Nothing of a reading is retained by the broker: discovery and availability are, the state is not.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from wattseal.errors import Misuse, WattsealError

from wattseal_host.customer.live import Keeper, Live
from wattseal_host.errors import PortError

CONNECT_S = 15.0
DIP_WH = 1000  # after a power cut the register goes on from its last checkpoint, a little lower
LOCAL = ("localhost", "127.0.0.1", "::1")
_TOPIC = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+){0,4}")


@dataclass(frozen=True)
class Broker:
    """tls: the broker's certificate is checked, by `authority` or the machine's own."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def at(cls, url: str, **more: Any) -> Broker:
        """mqtt://HOST[:PORT] or mqtts://…. Raises Misuse `mqtt-broker`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Misuse("mqtt-broker", "mqtt://HOST[:PORT] or mqtts://HOST[:PORT]") from error
        tls = parts.scheme == "mqtts"
        rest = (parts.username, parts.password, parts.query, parts.fragment, parts.path.strip("/"))
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or any(rest) or port == 0:
            raise Misuse("mqtt-broker", "mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
        return cls(parts.hostname, port or (8883 if tls else 1883), tls, **more)

    @property
    def here(self) -> bool:
        return self.host in LOCAL


@dataclass(frozen=True)
class Topics:
    """discovery: where Home Assistant looks; base: where we tell."""

    discovery: str
    base: str
    meter: str

    @classmethod
    def of(cls, meter: bytes, discovery: str, base: str) -> Topics:
        """Raises Misuse `mqtt-topic`."""
        for topic in (discovery, base):
            if not _TOPIC.fullmatch(topic):
                raise Misuse("mqtt-topic", "letters, digits, - and _, apart by single slashes")
        return cls(discovery, f"{base}/{meter.hex()}", meter.hex())

    @property
    def state(self) -> str:
        return f"{self.base}/state"

    @property
    def availability(self) -> str:
        return f"{self.base}/availability"


def discovery(topics: Topics, channels: Sequence[str], every_s: int) -> dict[str, dict[str, Any]]:
    """The configuration of each sensor, by its topic."""
    device = {
        "identifiers": [f"wattseal_{topics.meter}"],
        "name": f"Meter {topics.meter[:8]}",
        "manufacturer": "wattseal",
        "model": "sealing meter",
        "serial_number": topics.meter,
    }
    found = {}
    for channel in channels:
        found[f"{channel}_energy"] = {
            "device_class": "energy",
            "state_class": "total_increasing",
            "unit_of_measurement": "kWh",
            "name": f"Energy {channel}",
        }
        found[f"{channel}_power"] = {
            "device_class": "power",
            "state_class": "measurement",
            "unit_of_measurement": "W",
            "name": f"Power {channel}",
        }
    found["voltage"] = {
        "device_class": "voltage",
        "state_class": "measurement",
        "unit_of_measurement": "V",
        "name": "Voltage",
        "entity_category": "diagnostic",
    }
    return {
        f"{topics.discovery}/sensor/wattseal_{topics.meter}/{name}/config": {
            **sensor,
            "unique_id": f"wattseal_{topics.meter}_{name}",
            "state_topic": topics.state,
            "value_template": f"{{{{ value_json.{name} }}}}",
            "availability_topic": topics.availability,
            "expire_after": max(60, 4 * every_s),
            "device": device,
            "origin": {"name": "wattseal", "sw_version": version("wattseal")},
        }
        for name, sensor in found.items()
    }


class Publisher:
    """Tells a broker what a keeper's meter says. say: what to tell people, in a line."""

    def __init__(self, broker: Broker, say: Callable[[str], None]) -> None:
        self._broker, self._say = broker, say
        self._connected = threading.Event()
        self._refused = ""
        self._highest: dict[str, int] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.reconnect_delay_set(1, 30)
        self._topics: Topics | None = None
        self._told = ""
        self._channels: Sequence[str] = ()
        self._announced = False
        if broker.user is not None:
            self._client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            try:
                self._client.tls_set(
                    _text(broker.authority), _text(broker.certificate), _text(broker.key)
                )
            except (OSError, ValueError) as error:
                raise Misuse("mqtt-tls", "no such certificate, authority or key") from error

    def run(self, keeper: Keeper, topics: Topics, every_s: int, stop: threading.Event) -> None:
        """Until `stop`. Raises PortError `broker-missing`, `broker-refused` if the broker cannot
        be had at the beginning; later it is waited for."""
        self._topics = topics
        self._client.will_set(topics.availability, "offline", qos=1, retain=True)
        self._connect()
        try:
            self._loop(keeper, topics, every_s, stop)
        finally:
            if self._client.is_connected():
                last = self._client.publish(topics.availability, "offline", qos=1, retain=True)
                last.wait_for_publish(5)
            self._client.disconnect()
            self._client.loop_stop()

    def _connect(self) -> None:
        where = f"{self._broker.host}:{self._broker.port}"
        try:
            self._client.connect(self._broker.host, self._broker.port, keepalive=30)
        except ssl.SSLError as error:
            raise PortError("broker-tls", f"{where}: {error.reason or 'no TLS'}") from error
        except OSError as error:
            raise PortError("broker-missing", f"{where} cannot be reached") from error
        self._client.loop_start()
        if not self._connected.wait(CONNECT_S) or self._refused:
            self._client.loop_stop()
            code = "broker-refused" if self._refused else "broker-missing"
            raise PortError(code, self._refused or f"{where} does not answer")

    def _loop(self, keeper: Keeper, topics: Topics, every_s: int, stop: threading.Event) -> None:
        while not stop.is_set():
            state = keeper.state()
            if state.live is not None and not self._announced:
                self._announce(keeper, topics, every_s)
            if state.live is None or not self._announced:
                self._available("offline", state.trouble)
            else:
                self._available("online")
                if self._client.is_connected():
                    self._client.publish(topics.state, json.dumps(self._values(state.live)))
            stop.wait(every_s if state.live is not None else 1)

    def _announce(self, keeper: Keeper, topics: Topics, every_s: int) -> None:
        """Say what there is, once the meter has said what it measures."""
        try:
            self._channels = keeper.ask(lambda port: port.itself()).configuration.channels
        except WattsealError:
            return
        for topic, value in discovery(topics, self._channels, every_s).items():
            self._client.publish(topic, json.dumps(value), qos=1, retain=True)
        self._announced = True
        self._say(f"meter {topics.meter} is told to {self._broker.host}:{self._broker.port}")

    def _available(self, word: str, why: str = "") -> None:
        if word == self._told or self._topics is None:
            return
        self._told = word
        self._client.publish(self._topics.availability, word, qos=1, retain=True)
        if why:
            self._say(f"the meter is not heard: {why}")

    def _values(self, live: Live) -> dict[str, float]:
        power = {"import": live.import_w, "export": live.export_w}
        register = {"import": live.import_wh, "export": live.export_wh}
        values: dict[str, float] = {"voltage": live.voltage_mv / 1000}
        for channel in self._channels:
            values[f"{channel}_energy"] = self._rising(channel, register[channel]) / 1000
            values[f"{channel}_power"] = power[channel]
        return values

    def _rising(self, name: str, register_wh: int) -> int:
        """The register, but for the small step back after a power cut, which would be taken for
        a new meter that starts at zero."""
        before = self._highest.get(name, 0)
        if register_wh < before <= register_wh + DIP_WH:
            return before
        self._highest[name] = register_wh
        return register_wh

    def _on_connect(self, *what: Any) -> None:
        reason = what[3]
        if reason.is_failure:
            self._refused = str(reason).lower()
        elif self._connected.is_set():
            # It told everybody our last will, and may have forgotten what it kept.
            self._told, self._announced = "", False
        self._connected.set()

    def _on_disconnect(self, *what: Any) -> None:
        if what[3].is_failure and self._announced:
            self._say("the broker is gone; waiting for it")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
