"""Green Button: NAESB REQ.21 ESPI 1.1 resources in an Atom feed (FORMATS.md 16.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID, uuid5
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from wattseal.errors import Refused

from wattseal_host.customer.formats.gather import Gathered
from wattseal_host.customer.formats.summer_time import LocalRules, rules_of
from wattseal_host.customer.recover import Reading

ATOM = "{http://www.w3.org/2005/Atom}"
ESPI = "{http://naesb.org/espi}"
SPACE = UUID("6f5a6d0c-7b1e-4a57-9d43-2c1f5ad0c7e1")
ROOT = "/espi/1_1/resource"
POINT = f"{ROOT}/UsagePoint/1"
FLOW = {"import": (1, "Received from the grid"), "export": (19, "Delivered to the grid")}
ELECTRICITY, DELTA, NORMAL, ENERGY, WATT_HOURS = 1, 4, 12, 12, 72
RAW, QUESTIONABLE, OTHER = 14, 10, 16
_QUESTIONABLE = {"saturated", "sensor-missing", "unknown"}
_MULTIPLIERS = (9, 6, 3, 2, 1, 0, -1, -2, -3, -6, -9, -12)  # all the schema has


def to_green_button(gathered: Gathered, zone: ZoneInfo) -> bytes:
    """A feed of one usage point: local time, a meter reading with its type for each channel, and
    a block of intervals for each local day.

    Raises Refused `format-unit` (no energy), `format-zone` (see `rules_of`).
    """
    unit = gathered.enrolment.unit
    if unit.name != "Wh" or not -12 <= unit.exponent <= 9:
        raise Refused("format-unit", f"Green Button has no 10^{unit.exponent} {unit.name}")
    from_s, to_s = gathered.readings[0].start_s, gathered.readings[-1].end_s
    return _Feed(gathered, zone, from_s, to_s).write()


class _Feed:
    def __init__(self, gathered: Gathered, zone: ZoneInfo, from_s: int, to_s: int) -> None:
        self._gathered, self._zone = gathered, zone
        self._local = rules_of(zone, from_s, to_s)
        exponent = gathered.enrolment.unit.exponent
        self._power = next(power for power in _MULTIPLIERS if power <= exponent)
        self._name = f"{gathered.enrolment.meter.hex()} {from_s} {to_s}"
        # Not the time of writing: the same readings give the same bytes.
        self._updated = datetime.fromtimestamp(to_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._root = ElementTree.Element(f"{ATOM}feed")

    def write(self) -> bytes:
        title = f"Meter {self._gathered.enrolment.meter.hex()}"
        _child(self._root, ATOM, "id", self._id("feed"))
        _child(self._root, ATOM, "title", title)
        _child(self._root, ATOM, "updated", self._updated)
        link = _child(self._root, ATOM, "link")
        link.set("rel", "self")
        link.set("href", f"{POINT}")
        times = f"{ROOT}/LocalTimeParameters/1"
        point = self._entry("UsagePoint", POINT, title, f"{POINT}/MeterReading", times)
        _child(_child(point, ESPI, "ServiceCategory"), ESPI, "kind", "0")
        self._local_time(self._entry("LocalTimeParameters", times, self._zone.key), self._local)
        for number, channel in enumerate(self._gathered.enrolment.channels, 1):
            self._meter_reading(number, channel)
        ElementTree.register_namespace("", ATOM[1:-1])
        ElementTree.register_namespace("espi", ESPI[1:-1])
        ElementTree.indent(self._root, "")
        return ElementTree.tostring(self._root, "utf-8", xml_declaration=True) + b"\n"

    def _local_time(self, place: ElementTree.Element, rules: LocalRules) -> None:
        _child(place, ESPI, "dstEndRule", f"{rules.ends:08X}")
        _child(place, ESPI, "dstOffset", str(rules.summer_s))
        _child(place, ESPI, "dstStartRule", f"{rules.begins:08X}")
        _child(place, ESPI, "tzOffset", str(rules.offset_s))

    def _meter_reading(self, number: int, channel: str) -> None:
        flow, title = FLOW[channel]
        kind = f"{ROOT}/ReadingType/{number}"
        own = f"{POINT}/MeterReading/{number}"
        self._entry("MeterReading", own, title, f"{own}/IntervalBlock", kind)
        place = self._entry("ReadingType", kind, title)
        for name, value in (
            ("accumulationBehaviour", DELTA),
            ("commodity", ELECTRICITY),
            ("dataQualifier", NORMAL),
            ("defaultQuality", RAW),
            ("flowDirection", flow),
            ("intervalLength", self._gathered.enrolment.interval_s),
            ("kind", ENERGY),
            ("powerOfTenMultiplier", self._power),
            ("timeAttribute", 0),
            ("uom", WATT_HOURS),
        ):
            _child(place, ESPI, name, str(value))
        ours = [reading for reading in self._gathered.readings if reading.channel == channel]
        days = groupby(ours, key=lambda one: datetime.fromtimestamp(one.start_s, self._zone).date())
        for at, (day, readings) in enumerate(days, 1):
            self._block(f"{own}/IntervalBlock/{at}", day.isoformat(), list(readings))

    def _block(self, own: str, title: str, readings: list[Reading]) -> None:
        place = self._entry("IntervalBlock", own, title)
        _interval(place, "interval", readings[0].start_s, readings[-1].end_s)
        for reading in readings:
            one = _child(place, ESPI, "IntervalReading")
            if reading.flags:
                bad = _QUESTIONABLE.intersection(reading.flags)
                quality = _child(one, ESPI, "ReadingQuality")
                _child(quality, ESPI, "quality", str(QUESTIONABLE if bad else OTHER))
            _interval(one, "timePeriod", reading.start_s, reading.end_s)
            _child(one, ESPI, "value", str(int(reading.value.scaleb(-self._power))))

    def _entry(self, kind: str, own: str, title: str, *related: str) -> ElementTree.Element:
        """The resource within a new entry of the feed."""
        entry = _child(self._root, ATOM, "entry")
        _child(entry, ATOM, "id", self._id(own))
        links = [("self", own), ("up", own.rpartition("/")[0])]
        for rel, where in [*links, *(("related", one) for one in related)]:
            link = _child(entry, ATOM, "link")
            link.set("rel", rel)
            link.set("href", where)
        _child(entry, ATOM, "title", title)
        resource = _child(_child(entry, ATOM, "content"), ESPI, kind)
        _child(entry, ATOM, "published", self._updated)
        _child(entry, ATOM, "updated", self._updated)
        return resource

    def _id(self, what: str) -> str:
        return f"urn:uuid:{uuid5(SPACE, f'{self._name} {what}')}"


def _child(
    parent: ElementTree.Element, space: str, name: str, text: str | None = None
) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, space + name)
    made.text = text
    return made


def _interval(parent: ElementTree.Element, name: str, from_s: int, to_s: int) -> None:
    place = _child(parent, ESPI, name)
    _child(place, ESPI, "duration", str(to_s - from_s))
    _child(place, ESPI, "start", str(from_s))
