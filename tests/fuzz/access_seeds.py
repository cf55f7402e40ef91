"""Seeds of the targets in `access`."""

from __future__ import annotations

from fuzz.seeds import METER
from handed_file import file_of
from sealed_house import INTERVAL_S, START_S, calendar_tariff
from wattseal import ecdsa, export, keytree, manifest, p256
from wattseal.commitment import unmask_reading
from wattseal.record import decode_sealed
from wattseal_host.customer.price_list import encode
from wattseal_host.export.kept import Kept
from wattseal_host.portal import mailbox
from wattseal_host.strict_json import dumps
from wattseal_host.units import Unit


def _applet(kind: int) -> bytes:
    made = manifest.Manifest()
    made.kind, made.version = kind, 3
    made.publisher_key = p256.encode_point(ecdsa.public_key(7))
    made.recipient_key = made.publisher_key if kind == manifest.STANDING else bytes(33)
    made.granularity_s = made.every_s = 3600
    made.name, made.publisher, made.origin = b"Load curve", b"Example Ltd", b"https://a.example"
    body: bytes = made.encode()
    return body


def _box(state: int, result: int, chunks: int) -> bytes:
    head = state.to_bytes(2, "big") + result.to_bytes(2, "big") + bytes(range(16))
    return (head + chunks.to_bytes(4, "big") * 2 + b"\4" * 162).ljust(mailbox.BYTES, b"\0")


def _sum(seq: int, records: int) -> bytes:
    total = blinding = 0
    for record in map(decode_sealed, METER.sealed[seq : seq + records]):
        if record.channels:
            secret = METER.secrets[record.epoch]
            block = record.seq // keytree.BLOCK_RECORDS
            key = keytree.block_key(secret, METER.meter, record.epoch, block)
            place = (METER.meter, record.boot, record.seq, 0)
            total += unmask_reading(record.channels[0][1], keytree.pad(key, *place))[0]
            blinding += keytree.blinding(key, *place)
    scalar = (blinding % p256.N).to_bytes(32, "big")
    found: bytes = export.item(export.SUM, 0, records, seq, total, scalar)
    return found


def _itself() -> bytes:
    more = {"oldest_seq": 0, "next_seq": len(METER.sealed), "sealed_s": METER.end_s}
    return b"\0" + dumps({**METER.configuration.write(), **more})


def seeds() -> dict[str, list[bytes]]:
    applets = [_applet(manifest.ONE_TIME), _applet(manifest.STANDING)]
    listed = encode(
        calendar_tariff(START_S, START_S + 86400), Unit("Wh", 0), ("import", "export"),
        START_S, START_S + 86400,
    )  # fmt: skip
    told = {"bytes": 5, "tag": "07" * 8, "from_s": 5, "until_s": 9, "challenge": "08" * 16}
    applet = {"digest": "09" * 32, "approved": True, "manifest": applets[1].hex()}
    own = INTERVAL_S.to_bytes(4, "big") + (500).to_bytes(4, "big")
    long = b"\x7f" + own[1:] + b"\xff" * 4
    kept = Kept(METER.meter, bytes(32), True, 86400, 86401, 9, bytes(range(32)), (86402, 10))
    chunk = b"".join(_sum(seq, count) for seq, count in ((1, 1), (3, 1), (4, 3)))
    return {
        "applet": applets,
        "applet-lines": [
            dumps({**applet, "signature": "05" * 64}),
            dumps({"given": True, "challenge": "06" * 16}),
        ],
        "chunks": [chunk, _sum(1, 8), chunk[48:96]],
        "collected": [dumps(kept.written()), b"portal " + b"t" * 43 + b"\n"],
        "display-prices": [listed, dumps(told)],
        "handed-figures": [b"\0\0" + own * 4, b"\x7f\1" + (long + own[:4]) * 2, b"\x80\0" + long],
        "handed-file": [file_of(METER), file_of(METER, 3)],
        "mailbox": [_box(2, 1, 0), _box(5, 1, 30), _box(0, 16, 0)],
        "relay": [
            _itself(),
            b"\0" + dumps({"first": 1, "count": 12}),
            b"\0" + _box(4, 1, 3),
            b"\3" + dumps({"code": "meter-busy"}),
            b"\0" + b"".join(len(one).to_bytes(2, "big") + one for one in METER.sealed),
        ],
    }
