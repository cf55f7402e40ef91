"""Vectors of chain verification: good stretches, one case per way of cheating, and forks
(SPEC.md sections 5 and 6).

    python tests/vectors/make_chains.py [DIRECTORY]
"""

import sys

from reference import Family, Meter, N, main, origin, record_digest

START_S = 1_700_000_000  # 800 s into an interval of 1800 s
CONFIG = [1800, 0, 1]


class Stretch:
    """A meter and the state of a verifier before `bodies[first]`."""

    def __init__(self, name="chain", **settings):
        self.meter = Meter(name, START_S, **settings)
        self.config = None
        self.start: dict = {}
        self.first = 0

    def begin(self, interval_s=1800):
        """Write the beginning of every chain here: ORIGIN, and the way to the next boundary."""
        self.meter.origin(interval_s)
        values = (50,) * (2 if self.meter.channel_set == 3 else 1)
        self.meter.outage(-self.meter.time_s % interval_s, values, flags=8)
        return self

    def mark(self):
        """Let the verifier's state be the one here: what it verified before."""
        meter = self.meter
        self.first = len(meter.bodies)
        self.config = CONFIG
        self.start = {
            "previous": meter.previous.hex(), "seq": meter.seq, "start_s": meter.time_s,
            "boot": meter.boot, "epoch": meter.epoch,
        }  # fmt: skip
        return self

    def inputs(self, bodies=None, signature=None, **changes):
        bodies = self.meter.bodies[self.first :] if bodies is None else bodies
        signed = self.meter.device.sign(bodies[-1]) if bodies else bytes(64)
        return {
            "public_key": self.meter.device.public.hex(), "config": self.config,
            "start": self.start, "bodies": [body.hex() for body in bodies],
            "signature": (signed if signature is None else signature).hex(),
        } | changes  # fmt: skip

    def end(self, config=None):
        meter = self.meter
        return {
            "records": len(meter.bodies) - self.first, "previous": meter.previous.hex(),
            "seq": meter.seq, "end_s": meter.time_s, "boot": meter.boot, "epoch": meter.epoch,
            "config": config or CONFIG,
        }  # fmt: skip


def day(count=6) -> Stretch:
    """Return a stretch of intervals whose verifier knows everything before it."""
    stretch = Stretch().begin()
    stretch.meter.reading()
    stretch.mark()
    for value in range(count):
        stretch.meter.reading(values=(100 + value,))
    return stretch


def good(family: Family) -> None:
    whole = Stretch().begin()
    family.add("good-from-origin", "stretch", whole.inputs(), whole.end())
    only = Stretch()
    only.meter.origin()
    family.add("good-origin-only", "stretch", only.inputs(), only.end())
    known = day()
    family.add("good-day", "stretch", known.inputs(), known.end())
    start = known.start
    for name in ("seq", "start_s", "boot", "epoch"):
        less = {key: value for key, value in start.items() if key != name}
        family.add(f"good-unknown-{name}", "stretch", known.inputs(start=less), known.end())
    rest = day()
    rest.meter.reading(flags=1)
    rest.meter.outage(1800 * 3 + 77, flags=1)
    rest.meter.reboot(2)
    rest.meter.outage(-rest.meter.time_s % 1800, flags=5)
    rest.meter.reading()
    rest.meter.pair()
    rest.meter.reading()
    rest.meter.pair()
    rest.meter.pair()
    rest.meter.reading()
    family.add("good-outage-boot-pairing", "stretch", rest.inputs(), rest.end())
    told = Stretch()
    told.meter.origin()
    told.meter.reboot(0)
    told.meter.set_clock(1, 0, START_S)
    told.meter.calibrated()
    told.meter.outage(-told.meter.time_s % 1800, flags=8)
    _events(told.meter)
    family.add("good-events", "stretch", told.inputs(), told.end())
    late = day(1)
    _events(late.meter)
    family.add("good-events-start-unknown", "stretch", late.inputs(), late.end())
    two = Stretch("two", exponent=-3, channel_set=3).begin(900)
    two.meter.reading(900, values=(1, 2))
    family.add("good-two-channels", "stretch", two.inputs(), two.end([900, -3, 3]))
    aligned = Stretch()
    aligned.meter.time_s = START_S + 1000
    aligned.meter.origin()
    aligned.meter.reading()
    family.add("good-origin-on-boundary", "stretch", aligned.inputs(), aligned.end())
    family.add(
        "good-config-known", "stretch", aligned.inputs(config=CONFIG), aligned.end(),
        about="the ORIGIN event says what the enrolment says",
    )  # fmt: skip


def _events(meter):
    """Let a meter live through every other event there is, up to its end."""
    day_s = meter.time_s - meter.time_s % 86400 + 86400
    meter.set_clock(2, day_s - 40, day_s + 20)
    meter.set_clock(3, day_s + 30, day_s - 30)
    meter.reboot(cause=3)
    meter.set_clock(8, day_s + 86400, day_s + 86460)
    meter.reboot()
    meter.set_clock(9, 0, day_s + 5 * 86400)
    meter.switch(5, 1)
    meter.reading()
    meter.switch(5, 2)
    meter.calibrated(b"other constants")
    meter.number(7, 1)
    meter.number(7, meter.seq)
    meter.switch(9, 1)
    meter.switch(9, 2)
    meter.switch(9, 1)
    for name in ("a", "b", "c", "d"):
        meter.applet(1, name)
    meter.applet(2, "b")
    meter.applet(1, "e")
    meter.pair()
    meter.applet(1, "a")
    meter.switch(9, 1)
    meter.reading()
    meter.number(8, 10)


def cheats(family: Family) -> None:
    def refuse(name, inputs, code, about=""):
        family.add(name, "stretch", inputs, failure=code, about=about)

    stretch = day()
    bodies = stretch.meter.bodies[stretch.first :]

    def sent(changed):
        return stretch.inputs(changed)

    refuse("dropped", sent(bodies[:2] + bodies[3:]), "Refused chain-sequence")
    refuse("dropped-first", sent(bodies[1:]), "Refused chain-sequence")
    refuse("doubled", sent([*bodies[:3], bodies[2], *bodies[3:]]), "Refused chain-sequence")
    refuse("swapped", sent([bodies[1], bodies[0], *bodies[2:]]), "Refused chain-sequence")
    refuse(
        "truncated-end", stretch.inputs(bodies[:-1], stretch.meter.sign()),
        "Refused chain-signature", "the signature given is that of the record left out",
    )  # fmt: skip
    refuse("empty", stretch.inputs([]), "Refused chain-empty")
    less = {k: v for k, v in stretch.start.items() if k != "seq"}
    refuse(
        "dropped-sequence-unknown", stretch.inputs(bodies[1:], start=less), "Refused chain-link"
    )
    refuse("shifted", stretch.inputs(start=stretch.start | {"start_s": START_S}),
           "Refused chain-time")  # fmt: skip
    refuse("other-previous", stretch.inputs(start=stretch.start | {"previous": "11" * 32}),
           "Refused chain-link")  # fmt: skip
    refuse("other-epoch-before", stretch.inputs(start=stretch.start | {"epoch": 1}),
           "Refused chain-epoch")  # fmt: skip
    refuse("boot-fell-at-start", stretch.inputs(start=stretch.start | {"boot": 2}),
           "Refused chain-boot")  # fmt: skip
    other = Meter("another meter").device
    refuse("wrong-meter", stretch.inputs(public_key=other.public.hex()), "Refused chain-meter")
    for name, config in (
        ("interval", [900, 0, 1]), ("exponent", [1800, 1, 1]), ("channels", [1800, 0, 3])
    ):  # fmt: skip
        refuse(f"config-{name}", stretch.inputs(config=config), "Refused chain-config")
    refuse("config-unknown", stretch.inputs(config=None), "Misuse config-unknown")
    for name, config in (
        ("interval-0", [0, 0, 1]), ("interval-wide", [2**32, 0, 1]),
        ("exponent-128", [1800, 128, 1]), ("channels-2", [1800, 0, 2]),
    ):  # fmt: skip
        refuse(f"config-range-{name}", stretch.inputs(config=config), "Misuse config-range")

    signature = stretch.meter.sign()
    middle = stretch.meter.device.sign(bodies[2])
    s = int.from_bytes(signature[32:], "big")
    for name, given, code in (
        ("of-another-record", middle, "Refused chain-signature"),
        ("of-another-meter", other.sign(bodies[-1]),
         "Refused chain-signature"),
        ("one-bit", signature[:-1] + bytes([signature[-1] ^ 1]), "Refused chain-signature"),
        ("high-s", signature[:32] + (N - s).to_bytes(32, "big"), "Malformed signature-high-s"),
        ("zeros", bytes(64), "Malformed signature-range"),
        ("short", signature[:-1], "Malformed signature-length"),
        ("long", signature + b"\0", "Malformed signature-length"),
    ):  # fmt: skip
        refuse(f"signature-{name}", stretch.inputs(signature=given), code)
    for name, at in (("first", 0), ("middle", 2)):
        flipped = list(bodies)
        flipped[at] = _flip(bodies[at], 41 + 33)  # the first byte of the ciphertext
        refuse(f"changed-{name}", sent(flipped), "Refused chain-link")
    last = [*bodies[:-1], _flip(bodies[-1], 41 + 33)]
    refuse("changed-last", stretch.inputs(last, signature), "Refused chain-signature")
    refuse("malformed-inside", sent([*bodies[:2], bodies[2][:-1], *bodies[3:]]),
           "Malformed record-length")  # fmt: skip


def meters(family: Family) -> None:
    """Add what a lying or broken meter signs itself: every link and signature is right."""

    def add(name, code, write, about=""):
        stretch = day(1)
        write(stretch.meter)
        stretch.meter.reading()
        family.add(f"meter-{name}", "stretch", stretch.inputs(), failure=code, about=about)

    def gap(meter):
        meter.time_s += 1800
        meter.reading()

    def overlap(meter):
        meter.time_s -= 1800
        meter.reading()

    def skip(meter):
        meter.seq += 1
        meter.reading()

    def boots(meter):
        meter.boot = 0
        meter.reading()

    def unsaid(meter):
        meter.boot += 1
        meter.reading()

    add("gap-in-time", "Refused chain-time", gap)
    add("overlap-in-time", "Refused chain-time", overlap)
    add("skips-a-number", "Refused chain-sequence", skip)
    add("boot-falls", "Refused chain-boot", boots)
    add("boots-unsaid", "Refused chain-boot", unsaid)
    add("boot-event-without-boot", "Refused chain-boot", lambda m: m.reboot(0))
    add("boot-event-falls", "Refused chain-boot", lambda m: m.reboot(-1))
    add("other-epoch", "Refused chain-epoch", lambda m: m.reading(epoch=1))
    add("pairing-skips", "Refused chain-epoch",
        lambda m: (m.pair(payload_epoch=2), m.secrets.append(bytes(32))))  # fmt: skip
    add("pairing-stays", "Refused chain-epoch",
        lambda m: (m.pair(payload_epoch=0), m.secrets.pop()))  # fmt: skip
    add("old-epoch-after-pairing", "Refused chain-epoch",
        lambda m: (m.pair(), m.reading(epoch=0)))  # fmt: skip
    add("new-epoch-in-pairing", "Refused chain-epoch", lambda m: m.pair(epoch=1))
    add("pairing-inside-an-interval", "Refused chain-epoch",
        lambda m: (m.outage(900), m.pair()))  # fmt: skip
    add("exponent-changes", "Refused chain-config", lambda m: m.reading(exponent=1))
    add("channels-change", "Refused chain-config",
        lambda m: m.reading(values=(1, 2), channel_set=3))  # fmt: skip
    add("channels-change-in-event", "Refused chain-config", lambda m: m.pair(channel_set=3))
    add("interval-too-long", "Refused chain-config", lambda m: m.reading(3600))
    add("interval-too-short", "Refused chain-config", lambda m: m.reading(900))
    add("interval-unaligned", "Refused chain-config",
        lambda m: (m.outage(900), m.reading()))  # fmt: skip
    add("outage-as-interval", "Refused chain-config", lambda m: m.outage(1800),
        "a regular interval is sealed as one, whatever happened in it")  # fmt: skip
    add("wrong-link", "Refused chain-link", lambda m: m.reading(previous=b"\1" * 32))
    add("wrong-name", "Refused chain-meter", lambda m: m.reading(meter=b"\1" * 16))
    add("event-moves-time", "Refused chain-time", lambda m: m.pair(start_s=m.time_s + 1))

    day_s = 1_700_006_400

    def clock(name, *settings):
        add(f"clock-{name}", "Refused chain-clock", lambda m: [m.set_clock(*s) for s in settings])

    clock("61-seconds", (1, day_s, day_s + 61))
    clock("61-seconds-back", (1, day_s, day_s - 61))
    clock("61-seconds-in-parts", (1, day_s, day_s + 31), (2, day_s + 99, day_s + 69))
    clock("day-begun-twice", (1, day_s - 1, day_s + 59), (2, day_s + 60, day_s),
          (3, day_s, day_s - 1), (4, day_s - 1, day_s))  # fmt: skip
    clock("counter-stays", (5, day_s, day_s + 1), (5, day_s + 9, day_s + 10))
    clock("counter-0", (0, day_s, day_s + 1))
    clock("free-twice", (1, 0, day_s), (2, 0, day_s))
    add(
        "clock-free-after-watchdog", "Refused chain-clock",
        lambda m: (m.set_clock(1, 0, day_s), m.reboot(cause=3), m.set_clock(2, 0, day_s)),
    )  # fmt: skip
    add("closed-and-goes-on", "Refused chain-closed", lambda m: m.number(8, 1))
    add("closed-and-tells", "Refused chain-closed",
        lambda m: (m.number(8, 1), m.switch(5, 1)))  # fmt: skip
    for name, write in (
        ("opened-twice", lambda m: (m.switch(5, 1), m.switch(5, 1))),
        ("shut-twice", lambda m: (m.switch(5, 2), m.switch(5, 2))),
        ("given-twice", lambda m: (m.switch(9, 1), m.switch(9, 1))),
        ("withdrawn-twice", lambda m: (m.switch(9, 2), m.switch(9, 2))),
        ("withdrawn-after-pairing", lambda m: (m.switch(9, 1), m.pair(), m.switch(9, 2))),
        ("applet-withdrawn-after-pairing", lambda m: (m.applet(1), m.pair(), m.applet(2))),
        ("calibrated-as-before", lambda m: (m.calibrated(), m.calibrated())),
        ("rotated-back", lambda m: (m.number(7, 3), m.number(7, 2))),
        ("rotated-nothing", lambda m: m.number(7, 0)),
        ("rotated-ahead", lambda m: m.number(7, m.seq + 1)),
        ("closed-by-an-old-order",
         lambda m: (m.set_clock(7, day_s, day_s), m.number(8, 7))),
    ):  # fmt: skip
        add(name, "Refused chain-event", write)
    for name, write in (
        ("shut-before-opened", lambda m: m.switch(5, 2)),
        ("withdrawn-before-given", lambda m: m.switch(9, 2)),
        ("applet-withdrawn-before-approved", lambda m: m.applet(2)),
        ("applet-twice", lambda m: (m.applet(1), m.applet(1))),
        ("applet-fifth", lambda m: [m.applet(1, other) for other in "abcde"]),
        ("applet-withdrawn-twice", lambda m: (m.applet(1), m.applet(2), m.applet(2))),
    ):
        fresh = Stretch().begin()
        write(fresh.meter)
        family.add(
            f"meter-{name}", "stretch", fresh.inputs(), failure="Refused chain-event"
        )

    def begin(name, config=None, **wrong):
        stretch = Stretch()
        stretch.meter.origin(**wrong)
        stretch.config = config
        family.add(
            f"origin-{name}", "stretch", stretch.inputs(), failure="Refused " + codes[name]
        )

    device = Stretch().meter.device
    codes = dict.fromkeys(
        ("other-key", "interval-0", "exponent-differs", "channels-differ", "channels-unknown",
         "not-as-enrolled"), "chain-config",
    ) | {"epoch-1": "chain-epoch", "wrong-genesis": "chain-link"}  # fmt: skip
    begin("other-key", payload=origin(Meter("another meter").device))
    begin("interval-0", payload=origin(device, 0))
    begin("exponent-differs", payload=origin(device, 1800, 1))
    begin("channels-differ", payload=origin(device, 1800, 0, 3))
    begin("channels-unknown", payload=origin(device, 1800, 0, 2))
    begin("not-as-enrolled", config=[900, 0, 1])
    begin("epoch-1", epoch=1)
    begin("wrong-genesis", previous=record_digest(b""))
    late = Stretch()
    late.meter.seq = 1
    late.meter.reading()
    family.add("origin-missing", "stretch", late.inputs(), failure="Refused chain-sequence")
    again = Stretch().begin().mark()
    again.meter.seq = 0
    again.meter.origin()
    family.add("origin-again", "stretch", again.inputs(), failure="Refused chain-sequence")


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def chains() -> Family:
    family = Family("chains")
    good(family)
    cheats(family)
    meters(family)
    return family


def forks() -> Family:
    """Two records a meter signed for one place, and pairs that are no evidence."""
    family = Family("forks")
    meter = Stretch().begin().meter
    place = (meter.seq, meter.time_s, meter.previous)

    def sealed(write):
        meter.seq, meter.time_s, meter.previous = place
        body = write()
        return body, body + meter.device.sign(body)

    one, first = sealed(lambda: meter.reading(values=(1,)))
    two, second = sealed(lambda: meter.reading(values=(2,)))
    _, later = sealed(lambda: meter.reading(seq=place[0] + 1))
    _, event = sealed(meter.pair)
    r, s = second[-64:-32], int.from_bytes(second[-32:], "big")

    def add(name, a, b, key=meter.device.public, **verdict):
        family.add(
            name, "fork", {"first": a.hex(), "second": b.hex(), "public_key": key.hex()}, **verdict
        )

    for name, body, record in (("values-differ", two, second), ("reading-and-event",
                               event[:-64], event)):  # fmt: skip
        digests = [record_digest(one).hex(), record_digest(body).hex()]
        add(name, first, record, expect={"seq": place[0], "digests": digests})
    other = Meter("another meter").device.public
    add("other-meter", first, second, other, failure="Refused fork-meter")
    add("other-place", first, later, failure="Refused fork-place")
    add("same-record", first, first, failure="Refused fork-same")
    add("signature-of-the-other", first, two + first[-64:], failure="Refused fork-signature")
    add("first-unsigned", one + second[-64:], second, failure="Refused fork-signature")
    add("high-s", first, two + r + (N - s).to_bytes(32, "big"),
        failure="Malformed signature-high-s")  # fmt: skip
    add("body-only", first, two, failure="Malformed record-length")
    add("key-no-point", first, second, b"\2" * 32, failure="Malformed point-length")
    return family


if __name__ == "__main__":
    main(sys.argv, chains(), forks())
