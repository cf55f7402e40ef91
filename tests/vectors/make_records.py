"""Vectors of the sealed record's bytes (SPEC.md section 3).

    python tests/vectors/make_records.py [DIRECTORY]
"""

import struct
import sys

from reference import Family, Meter, N, header, main, origin, paired, record_digest

U32_MAX = 2**32 - 1


def fields(body: bytes) -> dict:
    """Return what a decoder says of a good body, by the layout of section 3."""
    kind, meter, epoch, boot, seq, start_s, length_s, flags, exponent, channel_set = struct.unpack(
        ">xB16sIIIIIBbB", body[:41]
    )
    out = {
        "kind": kind, "meter": meter.hex(), "epoch": epoch, "boot": boot, "seq": seq,
        "start_s": start_s, "length_s": length_s, "flags": flags, "exponent": exponent,
        "channel_set": channel_set, "previous": body[-32:].hex(),
        "digest": record_digest(body).hex(), "channels": [], "encoded": body.hex(),
    }  # fmt: skip
    middle = body[41:-32]
    if kind == 3:
        out["event"] = middle[0]
        out["payload"] = middle[2:].hex()
    else:
        out["channels"] = [
            [middle[at : at + 33].hex(), middle[at + 33 : at + 38].hex()]
            for at in range(0, len(middle), 38)
        ]
    return out


def good() -> dict[str, bytes]:
    """Return good bodies by name."""
    one = Meter("records one")
    two = Meter("records two", exponent=-3, channel_set=3)
    out = {"origin-one": one.origin(), "origin-two": two.origin(900)}
    out["outage-lead-in"] = one.outage(1000, flags=8)
    one.time_s += 800
    out["interval-one"] = one.reading()
    out["interval-power-lost"] = one.reading(flags=1)
    out["outage-all-flags"] = one.outage(86400 * 40, flags=15)
    out["pairing"] = one.pair()
    out["interval-after-pairing"] = one.reading(values=(U32_MAX,))
    out["interval-two"] = two.reading(900, values=(0, 77))
    out["outage-two"] = two.outage(901, values=(5, 6), flags=2)
    far = Meter("records far", start_s=U32_MAX - 1)
    far.seq, far.boot = U32_MAX, U32_MAX
    out["last-second"] = far.reading(1, boot=U32_MAX)
    out["exponent-lowest"] = two.reading(900, values=(1, 1), exponent=-128)
    out["exponent-highest"] = two.reading(900, values=(1, 1), exponent=127)
    out["boot"] = one.reboot()
    out["boot-watchdog"] = one.reboot(cause=3)
    out["clock-set"] = one.set_clock(1, 0, 1_700_000_000)
    out["tamper-opened"] = one.switch(5, 1)
    out["tamper-shut-without-clock"] = one.switch(5, 2, 0)
    out["calibrated"] = one.calibrated()
    out["rotated"] = one.number(7, 32)
    out["consent-given"] = one.switch(9, 1)
    out["consent-withdrawn"] = one.switch(9, 2)
    out["closed"] = one.number(8, U32_MAX)
    out["applet-approved"] = one.applet(1)
    out["applet-withdrawn"] = one.applet(2)
    out["interval-not-a-point"] = one.reading()[:41] + bytes(38) + bytes(32)
    return out


def wrong() -> dict[str, tuple[bytes, str]]:
    """Return bodies no encoder writes, each with the code it is refused with."""
    one, two = Meter("wrong one"), Meter("wrong two", channel_set=3)
    meter = one.device.meter
    start = one.origin()
    reading = one.reading()
    previous = b"\7" * 32
    channel = reading[41:79]

    def head(kind=1, seq=5, start_s=1_700_000_000, length_s=1800, **rest):
        return header(kind, meter, 0, 1, seq, start_s, length_s, **rest)

    pair = paired(1, b"\5" * 32)

    def event(code, payload):
        return head(kind=3, length_s=0) + bytes([code, len(payload)]) + payload + previous

    sheet = origin(one.device)
    return {
        "empty": (b"", "record-length"),
        "one-byte": (b"\1", "record-length"),
        "header-only": (reading[:41], "record-length"),
        "header-and-digest": (reading[:41] + previous, "record-length"),
        "one-byte-short": (reading[:-1], "record-length"),
        "one-byte-long": (reading + b"\0", "record-length"),
        "version-0": (b"\0" + reading[1:], "record-version"),
        "version-2": (b"\2" + reading[1:], "record-version"),
        "kind-0": (head(kind=0) + channel + previous, "record-kind"),
        "kind-4": (head(kind=4) + channel + previous, "record-kind"),
        "kind-255": (head(kind=255) + channel + previous, "record-kind"),
        "channels-0": (head(channel_set=0) + previous, "record-channels"),
        "channels-export-only": (head(channel_set=2) + channel + previous, "record-channels"),
        "channels-7": (head(channel_set=7) + channel * 3 + previous, "record-channels"),
        "channel-missing": (head(channel_set=3) + channel + previous, "record-length"),
        "channel-extra": (head() + channel * 2 + previous, "record-length"),
        "flag-16": (head(kind=2, flags=17) + channel + previous, "record-flags"),
        "flag-128": (head(kind=2, flags=129) + channel + previous, "record-flags"),
        "interval-clock-unset": (head(flags=2) + channel + previous, "record-flags"),
        "interval-clock-stepped": (head(flags=4) + channel + previous, "record-flags"),
        "interval-lead-in": (head(flags=9) + channel + previous, "record-flags"),
        "interval-no-length": (head(length_s=0) + channel + previous, "record-time"),
        "outage-no-length": (head(kind=2, length_s=0, flags=1) + channel + previous, "record-time"),
        "outage-no-flag": (head(kind=2, length_s=7) + channel + previous, "record-flags"),
        "end-beyond-u32": (
            head(start_s=U32_MAX - 1799) + channel + previous, "record-time",
        ),
        "outage-end-beyond-u32": (
            head(kind=2, flags=1, length_s=U32_MAX) + channel + previous, "record-time",
        ),
        "event-with-length": (head(kind=3, length_s=1) + pair + previous, "record-time"),
        "event-with-flags": (head(kind=3, length_s=0, flags=1) + pair + previous, "record-flags"),
        "event-0": (head(kind=3, length_s=0) + b"\0\0" + previous, "record-event"),
        "event-11": (event(11, b""), "record-event"),
        "applet-empty": (event(10, b""), "record-event"),
        "applet-3": (event(10, b"\3" + bytes(32)), "record-event"),
        "boot-cause-0": (event(3, bytes(33)), "record-event"),
        "boot-cause-4": (event(3, b"\4" + bytes(32)), "record-event"),
        "boot-short": (event(3, b"\1" + bytes(31)), "record-event"),
        "clock-set-long": (event(4, bytes(13)), "record-event"),
        "tamper-0": (event(5, bytes(5)), "record-event"),
        "tamper-3": (event(5, b"\3" + bytes(4)), "record-event"),
        "calibrated-short": (event(6, bytes(31)), "record-event"),
        "rotated-empty": (event(7, b""), "record-event"),
        "closed-long": (event(8, bytes(5)), "record-event"),
        "consent-0": (event(9, bytes(5)), "record-event"),
        "consent-3": (event(9, b"\3" + bytes(4)), "record-event"),
        "event-255": (head(kind=3, length_s=0) + b"\xff" + pair[1:] + previous, "record-event"),
        "origin-late": (head(kind=3, length_s=0) + sheet + previous, "record-event"),
        "pairing-first": (head(kind=3, seq=0, length_s=0) + pair + previous, "record-event"),
        "origin-short": (
            head(kind=3, seq=0, length_s=0) + b"\1\x26" + sheet[2:-1] + previous, "record-event",
        ),
        "origin-long": (
            head(kind=3, seq=0, length_s=0) + b"\1\x28" + sheet[2:] + b"\0" + previous,
            "record-event",
        ),
        "pairing-length-says-37": (
            head(kind=3, length_s=0) + b"\2\x25" + pair[2:] + previous, "record-event",
        ),
        "event-truncated": (start[:-1], "record-length"),
        "event-extended": (start + b"\0", "record-length"),
        "event-without-code": (head(kind=3, length_s=0) + previous, "record-event"),
        "two-channels-cut": (two.reading(values=(1, 2))[:-38], "record-length"),
    }  # fmt: skip


def records() -> Family:
    family = Family("records")
    for name, body in good().items():
        family.add(name, "decode-body", {"body": body.hex()}, fields(body))
    for name, (body, code) in wrong().items():
        family.add(f"bad-{name}", "decode-body", {"body": body.hex()}, failure=f"Malformed {code}")
    meter = Meter("sealed")
    for name, body in (("origin", meter.origin()), ("interval", meter.reading())):
        signature = meter.sign()
        sealed = (body + signature).hex()
        family.add(
            f"sealed-{name}", "decode-sealed", {"sealed": sealed},
            fields(body) | {"signature": signature.hex(), "sealed": sealed},
        )  # fmt: skip
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    high = (N - s).to_bytes(32, "big")
    for name, data, code in (
        ("high-s", body + r + high, "signature-high-s"),
        ("s-zero", body + r + bytes(32), "signature-range"),
        ("r-zero", body + bytes(32) + signature[32:], "signature-range"),
        ("r-unreduced", body + N.to_bytes(32, "big") + signature[32:], "signature-range"),
        ("unsigned", body, "record-length"),
        ("short", (body + signature)[:-1], "record-length"),
        ("long", body + signature + b"\0", "record-length"),
        ("signature-only", signature, "record-length"),
        ("twice", (body + signature) * 2, "record-length"),
        ("empty", b"", "record-length"),
        ("bad-body", b"\2" + body[1:] + signature, "record-version"),
    ):
        family.add(
            f"bad-sealed-{name}", "decode-sealed", {"sealed": data.hex()},
            failure=f"Malformed {code}",
        )  # fmt: skip
    return family


if __name__ == "__main__":
    main(sys.argv, records())
