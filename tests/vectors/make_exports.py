"""Vectors of pairing's and export's exchange, of applets and of chunks (SPEC.md 3.7, 4.1, 8.3).

    python tests/vectors/make_exports.py [DIRECTORY]
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

from reference import Device, Family, G, N, P, compressed, label, mac, main, seeded, sha256

METER = Device("meter")
PUBLISHER = Device("publisher")
RECIPIENT = Device("recipient")
RFC9382 = Path(__file__).parents[1] / "protocol" / "rfc9382.json"
U32 = 2**32
OFF_CURVE = 1  # no point has this x


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    key = mac(salt or bytes(32), secret)
    out = block = b""
    for number in range(1, -(-length // 32) + 1):
        block = mac(key, block + info + bytes([number]))
        out += block
    return out[:length]


def uncompressed(point) -> bytes:
    return b"\x04" + int(point.x()).to_bytes(32, "big") + int(point.y()).to_bytes(32, "big")


def exchange() -> Family:
    family = Family("spake2")
    for at, vector in enumerate(json.loads(RFC9382.read_text())):
        for side, own, other, confirm in (
            (0, "share_first", "share_second", "confirm_first"),
            (1, "share_second", "share_first", "confirm_second"),
        ):
            given = {
                "side": side, "w": vector["w"], "ephemeral": vector["xy"[side]],
                "other": vector[other], "names": [vector["first"], vector["second"]],
                "additional": "",
            }  # fmt: skip
            expected = {"share": vector[own], "key": vector["key"], "own": vector[confirm]}
            family.add(f"rfc9382-{at + 1}-{'AB'[side]}", "spake2", given, expected)
    good = given
    off = f"04{5:064x}{1:064x}"
    wide = f"04{P + 1:064x}{1:064x}"
    blind = blinded(0, int(good["w"], 16))
    for name, change, failure in (
        ("share-short", {"other": good["other"][:-2]}, "Malformed spake2-share-length"),
        ("share-compressed", {"other": "02" + good["other"][2:]}, "Malformed spake2-share-prefix"),
        ("share-off-curve", {"other": off}, "Malformed spake2-share-off-curve"),
        ("share-wide", {"other": wide}, "Malformed spake2-share-off-curve"),
        ("share-blind-alone", {"other": blind.hex()}, "Refused spake2-share"),
        ("ephemeral-zero", {"ephemeral": "0"}, "Misuse spake2-ephemeral"),
        ("ephemeral-wide", {"ephemeral": f"{N:x}"}, "Misuse spake2-ephemeral"),
        ("side-third", {"side": 2}, "Misuse spake2-input"),
        ("w-wide", {"w": f"{N:x}"}, "Misuse spake2-input"),
    ):
        family.add(name, "spake2", good | change, failure=failure)
    confirmed = good | {"confirmation": vector["confirm_first"]}
    family.add("confirmed", "spake2-check", confirmed, {})
    for name, change, failure in (
        ("wrong", "00" * 32, "Refused spake2-confirmation"),
        ("own", vector["confirm_second"], "Refused spake2-confirmation"),
        ("short", "00" * 31, "Malformed spake2-confirmation-length"),
    ):
        given = good | {"confirmation": change}
        family.add(f"confirmation-{name}", "spake2-check", given, failure=failure)
    for use in ("pairing-pin", "export-pin"):
        w = int.from_bytes(hkdf(b"123456", b"", label(use), 48), "big") % N
        family.add(use, "pin", {"pin": "123456", "use": use}, {"w": f"{w:064x}"})
    for length in (1, 32, 100):
        given = {"secret": "0b" * 22, "salt": "00", "info": "f0", "length": length}
        made = hkdf(b"\x0b" * 22, b"\0", b"\xf0", length)
        family.add(f"hkdf-{length}", "hkdf", given, {"key": made.hex()})
    family.add("hkdf-none", "hkdf", given | {"length": 0}, failure="Misuse hkdf-length")
    family.add("hkdf-long", "hkdf", given | {"length": 8161}, failure="Misuse hkdf-length")
    return family


def blinded(side: int, w: int) -> bytes:
    """Return the point M or N of RFC 9382 (from appendix A's seeds), times w, uncompressed."""
    block = f"1.2.840.10045.3.1.7 point generation seed ({'MN'[side]})".encode()
    while True:
        block = hashlib.sha256(block).digest()
        x = int.from_bytes((block[1:] + hashlib.sha256(block).digest())[:32], "big")
        square = (x * x * x - 3 * x + G.curve().b()) % P
        y = pow(square, (P + 1) // 4, P)
        if x < P and y * y % P == square:
            y = y if y % 2 == block[0] & 1 else P - y
            return uncompressed(type(G)(G.curve(), x, y) * w)


def manifest(**change) -> bytes:
    fields = {
        "version": 1, "kind": 1, "applet": 3, "publisher_key": PUBLISHER.public,
        "recipient_key": bytes(33), "reads": 1, "granularity_s": 0, "reach_s": 31_536_000,
        "every_s": 600, "name": b"Load curve", "publisher": b"Example Ltd",
        "origin": b"https://portal.example",
    } | change  # fmt: skip
    body = bytes([fields["version"], fields["kind"]]) + struct.pack(">H", fields["applet"])
    body += fields["publisher_key"] + fields["recipient_key"] + bytes([fields["reads"]])
    for name in ("granularity_s", "reach_s", "every_s"):
        body += struct.pack(">I", fields[name])
    for name in ("name", "publisher", "origin"):
        body += bytes([len(fields[name])]) + fields[name]
    return body


def applets() -> Family:
    family = Family("applets")
    standing = {"kind": 2, "recipient_key": RECIPIENT.public}
    for name, change in (
        ("one-time", {}), ("standing", standing), ("both-channels", {"reads": 3}),
        ("shortest-texts", {"name": b"a", "publisher": b"!", "origin": b"~"}),
        ("longest-texts", {"name": b"n" * 24, "publisher": b"p" * 24, "origin": b"o" * 40}),
        ("numbers", {"granularity_s": U32 - 1, "reach_s": 0, "every_s": 0, "applet": 65535}),
    ):  # fmt: skip
        body = manifest(**change)
        digest = sha256(label("applet") + body)
        expected = {"digest": digest.hex(), "again": body.hex()}
        family.add(name, "applet", {"body": body.hex()}, expected)
    good = manifest()
    off_curve = b"\x02" + OFF_CURVE.to_bytes(32, "big")
    for name, body, code in (
        ("empty", b"", "applet-length"),
        ("cut", good[:-1], "applet-length"),
        ("cut-in-numbers", good[:80], "applet-length"),
        ("trailing", good + b"\0", "applet-length"),
        ("version-2", manifest(version=2), "applet-version"),
        ("kind-0", manifest(kind=0), "applet-kind"),
        ("kind-3", manifest(kind=3), "applet-kind"),
        ("one-time-with-a-recipient", manifest(recipient_key=RECIPIENT.public), "applet-kind"),
        ("standing-without", manifest(kind=2), "point-prefix"),
        ("publisher-off-curve", manifest(publisher_key=off_curve), "point-off-curve"),
        ("reads-nothing", manifest(reads=0), "applet-reads"),
        ("reads-4", manifest(reads=4), "applet-reads"),
        ("no-name", manifest(name=b""), "applet-length"),
        ("long-name", manifest(name=b"n" * 25), "applet-length"),
        ("long-origin", manifest(origin=b"o" * 41), "applet-length"),
        ("escape-in-name", manifest(name=b"\x1b[2J"), "applet-text"),
        ("quotation-mark-in-name", manifest(name=b'Bill" by "X'), "applet-text"),
        ("space-before-name", manifest(name=b" Bill"), "applet-text"),
        ("space-after-publisher", manifest(publisher=b"Example "), "applet-text"),
        ("two-spaces-in-publisher", manifest(publisher=b"Example  Ltd"), "applet-text"),
        ("space-in-origin", manifest(origin=b"https://a.example import"), "applet-text"),
        ("no-ascii", manifest(origin=b"https://\xc3\xa9"), "applet-text"),
    ):
        family.add(f"bad-{name}", "applet", {"body": body.hex()}, failure=f"Malformed {code}")
    family.add(
        "bad-written", "applet-written", {"body": good.hex(), "reads": 4},
        failure="Misuse applet-field",
    )  # fmt: skip
    secret, challenge = seeded("epoch secret"), seeded("challenge", 16)
    digest = sha256(label("applet") + good)
    for name, state in (("given", 1), ("withdrawn", 2)):
        given = {"epoch_secret": secret.hex(), "meter": METER.meter.hex(), "epoch": 7,
                 "challenge": challenge.hex(), "state": state, "applet": digest.hex()}  # fmt: skip
        place = METER.meter + struct.pack(">I", 7) + challenge + bytes([state])
        proof = mac(secret, label("applet-proof") + place + digest)
        family.add(f"proof-{name}", "applet-proof", given, {"proof": proof.hex()})
    return family


def exports() -> Family:
    family = Family("exports")
    base = {
        "origin": b"https://portal.example".hex(), "start_s": 1_700_000_000,
        "end_s": 1_700_086_400, "granularity_s": 0, "public_key": METER.public.hex(),
        "session": seeded("session", 16).hex(),
    }  # fmt: skip
    for name, change in (
        ("binding", {}), ("binding-hours", {"granularity_s": 3600}),
        ("binding-widest", {"origin": "6f" * 255, "start_s": 0, "end_s": U32 - 1}),
    ):  # fmt: skip
        given = base | change
        family.add(name, "export-binding", given, {"binding": binding(given).hex()})
    for name, change in (
        ("no-origin", {"origin": ""}), ("long-origin", {"origin": "6f" * 256}),
        ("empty-period", {"end_s": base["start_s"]}), ("wide", {"end_s": U32}),
        ("negative", {"start_s": -1}), ("granularity", {"granularity_s": U32}),
        ("key", {"public_key": "02"}), ("session", {"session": "00" * 15}),
    ):  # fmt: skip
        family.add(
            f"bad-{name}", "export-binding", base | change, failure="Misuse export-request"
        )
    bound, key = binding(base), seeded("exchanged")[:16]
    for number, last, length in ((0, False, 192), (1, True, 1), (U32 - 1, True, 48)):
        data = seeded(f"data {number}", length)
        chunk = sealed(key, bound, number, last, data)
        given = {"key": key.hex(), "binding": bound.hex(), "number": number, "last": last}
        family.add(f"chunk-{number}", "export-seal", given | {"data": data.hex()},
                   {"chunk": chunk.hex()})  # fmt: skip
        family.add(f"opened-{number}", "export-open", given | {"chunk": chunk.hex()},
                   {"data": data.hex()})  # fmt: skip
    family.add("bad-chunk-long", "export-seal", given | {"data": "00" * 193},
               failure="Misuse export-chunk-length")  # fmt: skip
    for name, text, failure in (
        ("short", chunk[:16], "Malformed export-chunk-length"),
        ("long", bytes(209), "Malformed export-chunk-length"),
        ("altered", bytes([chunk[0] ^ 1]) + chunk[1:], "Refused export-chunk"),
    ):
        family.add(f"bad-opened-{name}", "export-open", given | {"chunk": text.hex()},
                   failure=failure)  # fmt: skip
    family.add("bad-number", "export-open", given | {"chunk": chunk.hex(), "number": 2},
               failure="Refused export-chunk")  # fmt: skip
    running = sha256(label("export-chunk") + bytes(32) + chunk)
    shares = [uncompressed(G * 5).hex(), uncompressed(G * 7).hex()]
    told = sha256(
        label("export-transcript") + bound + bytes.fromhex("".join(shares))
        + struct.pack(">I", 1) + running
    )
    family.add(
        "transcript", "export-transcript",
        {"binding": bound.hex(), "shares": shares, "chunks": [chunk.hex()]},
        {"transcript": told.hex()},
    )  # fmt: skip
    shared, ephemeral = uncompressed(G * 35), uncompressed(G * 5)
    recipient = compressed(G * 7)
    made = hkdf(shared[1:33], bound, label("export-standing") + ephemeral + recipient, 16)
    family.add(
        "standing", "export-standing",
        {"shared": shared.hex(), "ephemeral": ephemeral.hex(), "recipient": recipient.hex(),
         "binding": bound.hex()},
        {"key": made.hex()},
    )  # fmt: skip
    items(family)
    return family


def items(family: Family) -> None:
    for name, fields in (
        ("block", (1, 0, 32, 64, 0)), ("sum", (2, 1, 48, 100, 2**40)), ("none", (2, 0, 0, 0, 0)),
    ):  # fmt: skip
        data = struct.pack(">BBHIQ", *fields) + seeded("secret")
        family.add(f"item-{name}", "export-item", {"item": data.hex()},
                   {"fields": list(fields), "again": data.hex()})  # fmt: skip
    for name, fields in (
        ("kind-0", (0, 0, 32, 64, 0)), ("kind-3", (3, 0, 1, 64, 0)), ("channel-2", (2, 2, 1, 0, 0)),
        ("block-of-31", (1, 0, 31, 64, 0)), ("block-with-total", (1, 0, 32, 64, 1)),
        ("block-of-a-channel", (1, 1, 32, 64, 0)),
    ):  # fmt: skip
        data = struct.pack(">BBHIQ", *fields) + seeded("secret")
        family.add(f"bad-item-{name}", "export-item", {"item": data.hex()},
                   failure="Malformed export-item")  # fmt: skip
    family.add("bad-item-short", "export-item", {"item": data[:-1].hex()},
               failure="Malformed export-item")  # fmt: skip


def binding(given: dict) -> bytes:
    origin = bytes.fromhex(given["origin"])
    numbers = (given["start_s"], given["end_s"], given["granularity_s"])
    return sha256(
        label("export-request") + bytes([len(origin)]) + origin + struct.pack(">III", *numbers)
        + bytes.fromhex(given["public_key"] + given["session"])
    )


def sealed(key: bytes, bound: bytes, number: int, last: bool, data: bytes) -> bytes:
    both = hkdf(key, bound, label("export-keys"), 64)
    stream = b"".join(
        mac(both[:32], label("export-stream") + struct.pack(">IH", number, block))
        for block in range(6)
    )
    hidden = bytes(a ^ b for a, b in zip(data, stream, strict=False))
    head = struct.pack(">IB", number, last)
    return hidden + mac(both[32:], label("export-tag") + head + hidden)[:16]


if __name__ == "__main__":
    main(sys.argv, exchange(), applets(), exports())
