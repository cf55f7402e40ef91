"""Run every vector below a folder: the same file under CPython and under MicroPython.

    python run_vectors.py [VECTORS [FIRMWARE]]
    micropython run_vectors.py VECTORS FIRMWARE

Prints one line per case, `family/case` and either the digest of the whole output or the class
and code of the failure. Exit 1 if any case differs from what it expects, or if there is none.
"""

import json
import os
import sys

HERE = sys.argv[0].rsplit("/", 1)[0] if "/" in sys.argv[0] else "."
VECTORS = sys.argv[1] if len(sys.argv) > 1 else HERE
sys.path.insert(0, sys.argv[2] if len(sys.argv) > 2 else HERE + "/../../firmware")

from wattseal import (  # noqa: E402
    chain,
    commitment,
    ecdsa,
    export,
    fixed_base,
    fork,
    hash_to_curve,
    hashing,
    hkdf,
    keytree,
    labels,
    manifest,
    multi_exp,
    orders,
    p256,
    pairing,
    record,
    spake2,
)
from wattseal.errors import WattsealError  # noqa: E402

unhex = bytes.fromhex
COMBS = {"G": fixed_base.G_BASE, "H": fixed_base.H_BASE, "G-short": fixed_base.G_SHORT}


def number(text):
    """Return the integer of hexadecimal digits, with a minus sign before them if negative."""
    return -int(text[1:], 16) if text[0] == "-" else int(text, 16)


def point(text):
    """Return the point of x||y, or the identity of nothing."""
    if not text:
        return None
    return int(text[:64], 16), int(text[64:], 16)


def show(value):
    """Return a point as `point` reads it."""
    if value is None:
        return ""
    return f"{value[0]:064x}{value[1]:064x}"


def decode_point(data):
    value = p256.decode_point(unhex(data))
    return {"point": show(value), "encoded": p256.encode_point(value).hex(),
            "hint": p256.encode_hint(value).hex()}  # fmt: skip


def decode_point_hinted(data, hint):
    return {"point": show(p256.decode_point_hinted(unhex(data), unhex(hint)))}


def encode_point(value):
    return {"encoded": p256.encode_point(point(value)).hex()}


def decode_scalar(data):
    value = p256.decode_scalar(unhex(data))
    return {"scalar": f"{value:x}", "encoded": p256.encode_scalar(value).hex()}


def decode_secret(data):
    return {"scalar": f"{ecdsa.decode_secret(unhex(data)):x}"}


def encode_scalar(value):
    return {"encoded": p256.encode_scalar(number(value)).hex()}


def add(a, b):
    first, second = point(a), point(b)
    by_groups = multi_exp.sum_points([first, second])
    jacobian = p256.jacobian_add(_spread(first, 3), _spread(second, 5))
    return {"point": show(p256.add(first, second)), "by-groups": show(by_groups),
            "jacobian": show(p256.to_affine(jacobian))}  # fmt: skip


def _spread(value, z):
    """Return a Jacobian triple of an affine point with a Z that is not 1."""
    if value is None:
        return (z * z, z * z * z, 0)
    return (value[0] * z * z % p256.P, value[1] * z * z * z % p256.P, z)


def double(a):
    return {"point": show(p256.to_affine(p256.jacobian_double(_spread(point(a), 7))))}


def negate(a):
    return {"point": show(p256.negate(point(a)))}


def multiply(k, a):
    return {"point": show(p256.multiply(number(k), point(a)))}


def inverse(a, modulus):
    return {"inverse": f"{p256.inverse(number(a), number(modulus)):x}"}


def fixed(base, k):
    return {"point": show(COMBS[base].multiply(number(k)))}


def multi(points, scalars):
    value = multi_exp.multi_exp([point(p) for p in points], [number(k) for k in scalars])
    return {"point": show(value)}


def expand(message, dst, length):
    out = hash_to_curve.expand_message_xmd(message.encode(), dst.encode(), length)
    return {"uniform_bytes": out.hex()}


def hashed(message, dst):
    u = hash_to_curve.hash_to_field(message.encode(), dst.encode(), 2)
    return {
        "u0": f"{u[0]:064x}",
        "u1": f"{u[1]:064x}",
        "q0": show(hash_to_curve.map_to_curve(u[0])),
        "q1": show(hash_to_curve.map_to_curve(u[1])),
        "p": show(hash_to_curve.hash_to_curve(message.encode(), dst.encode())),
    }


def hmac(key, data, length):
    return {"tag": hashing.hmac_sha256(unhex(key), unhex(data)).hex()[: 2 * length]}


def sign(secret, digest):
    key = number(secret)
    signature = ecdsa.sign(key, unhex(digest))
    return {
        "public": show(ecdsa.public_key(key)),
        "k": f"{next(ecdsa.nonces(key, unhex(digest))):064x}",
        "signature": signature.hex(),
    }


def verify(public, digest, signature):
    valid = ecdsa.verify(point(public), unhex(digest), unhex(signature))
    return {"valid": valid}


def signature_form(signature):
    return {"signature": record.check_signature_form(unhex(signature)).hex()}


def pairing_secret(key, meter_random, customer_random, meter):
    secret = pairing.epoch_secret(
        unhex(key), unhex(meter_random), unhex(customer_random), unhex(meter)
    )
    return {"epoch_secret": secret.hex()}


def spake2_keys(side, w, ephemeral, other, names, additional):
    w, ephemeral = number(w), number(ephemeral)
    names = (names[0].encode(), names[1].encode())
    own = spake2.share(side, w, ephemeral)
    return own, spake2.finish(
        side, w, ephemeral, own, unhex(other), names, unhex(additional)
    )


def exchanged(**given):
    own, made = spake2_keys(**given)
    return {"share": own.hex(), "key": made.key.hex(), "own": made.own.hex()}


def checked(confirmation, **given):
    spake2_keys(**given)[1].check(unhex(confirmation))
    return {}


def pin(pin, use):
    context = labels.PAIRING_PIN if use == "pairing-pin" else labels.EXPORT_PIN
    return {"w": f"{spake2.password_scalar(pin.encode(), context):064x}"}


def hkdf_made(secret, salt, info, length):
    return {"key": hkdf.hkdf_sha256(unhex(secret), unhex(salt), unhex(info), length).hex()}


def applet(body):
    body = unhex(body)
    again = manifest.decode(body).encode()
    return {"digest": manifest.digest(body).hex(), "again": again.hex()}


def applet_written(body, reads):
    changed = manifest.decode(unhex(body))
    changed.reads = reads
    return {"body": changed.encode().hex()}


def applet_proof(epoch_secret, meter, epoch, challenge, state, applet):
    proof = manifest.proof(
        unhex(epoch_secret), unhex(meter), epoch, unhex(challenge), state, unhex(applet)
    )
    return {"proof": proof.hex()}


def export_binding(origin, start_s, end_s, granularity_s, public_key, session):
    bound = export.binding(
        unhex(origin), start_s, end_s, granularity_s, unhex(public_key), unhex(session)
    )
    return {"binding": bound.hex()}


def export_seal(key, binding, number, last, data):
    cipher = export.Cipher(unhex(key), unhex(binding))
    return {"chunk": cipher.seal(number, last, unhex(data)).hex()}


def export_open(key, binding, number, last, chunk):
    cipher = export.Cipher(unhex(key), unhex(binding))
    return {"data": cipher.open(number, last, unhex(chunk)).hex()}


def export_transcript(binding, shares, chunks):
    running = bytes(32)
    for chunk in chunks:
        running = export.absorb(running, unhex(chunk))
    first, second = [unhex(share) for share in shares]
    told = export.transcript(unhex(binding), first, second, len(chunks), running)
    return {"transcript": told.hex()}


def export_standing(shared, ephemeral, recipient, binding):
    key = export.standing_key(unhex(shared), unhex(ephemeral), unhex(recipient), unhex(binding))
    return {"key": key.hex()}


def export_item(item):
    fields = export.decode_item(unhex(item))
    return {"fields": list(fields[:5]), "again": export.item(*fields).hex()}


def keys(epoch_secret, meter, epoch, boot, seq, channel):
    secret, name = unhex(epoch_secret), unhex(meter)
    key = keytree.block_key(secret, name, epoch, seq // keytree.BLOCK_RECORDS)
    return {
        "epoch_id": keytree.epoch_id(secret, name, epoch).hex(),
        "block_key": key.hex(),
        "blinding": f"{keytree.blinding(key, name, boot, seq, channel):064x}",
        "pad": keytree.pad(key, name, boot, seq, channel).hex(),
    }


def order(kind, meter, challenge, counter, time_s):
    label = labels.CLOCK_ORDER if kind == "clock" else labels.CLOSE_ORDER
    digest = orders.order_digest(label, unhex(meter), unhex(challenge), counter, time_s)
    return {"digest": digest.hex()}


def consent(epoch_secret, meter, epoch, challenge, state):
    proof = orders.consent_proof(
        unhex(epoch_secret), unhex(meter), epoch, unhex(challenge), state
    )
    return {"proof": proof.hex()}


def prices(epoch_secret, meter, epoch, challenge, prices):
    digest = hashing.sha256(labels.PRICE_LIST, unhex(prices))
    proof = orders.prices_proof(
        unhex(epoch_secret), unhex(meter), epoch, unhex(challenge), digest
    )
    return {"proof": proof.hex()}


def commit(value, blinding, flags, pad):
    made = commitment.commit(value, number(blinding))
    ciphertext = commitment.mask_reading(value, flags, unhex(pad))
    return {
        "commitment": p256.encode_point(made).hex(),
        "ciphertext": ciphertext.hex(),
        "unmasked": list(commitment.unmask_reading(ciphertext, unhex(pad))),
    }


def opens(commitments, values, blindings):
    points = [p256.decode_point(unhex(text)) for text in commitments]
    numbers = [number(text) for text in blindings]
    each = [commitment.opens(points[i], values[i], numbers[i]) for i in range(len(points))]
    return {"each": each, "all": commitment.opens_all(points, values, numbers, bytes(range(32)))}


def meter_names(public_key):
    return {"meter": record.meter_id(unhex(public_key)).hex(),
            "genesis": record.genesis(unhex(public_key)).hex()}  # fmt: skip


def decode_body(body):
    return _fields(record.decode_body(unhex(body)))


def decode_sealed(sealed):
    decoded = record.decode_sealed(unhex(sealed))
    out = _fields(decoded)
    out["signature"] = decoded.signature.hex()
    out["sealed"] = decoded.sealed.hex()
    return out


def _fields(r):
    out = {
        "kind": r.kind, "meter": r.meter.hex(), "epoch": r.epoch, "boot": r.boot, "seq": r.seq,
        "start_s": r.start_s, "length_s": r.length_s, "flags": r.flags, "exponent": r.exponent,
        "channel_set": r.channel_set, "previous": r.previous.hex(), "digest": r.digest.hex(),
        "channels": [[c.hex(), e.hex()] for c, e in r.channels],
    }  # fmt: skip
    if r.kind == record.EVENT:
        out["event"] = r.event
        out["payload"] = r.payload.hex()
        again = record.encode_event(
            r.meter, r.epoch, r.boot, r.seq, r.start_s, r.exponent, r.channel_set, r.event,
            r.payload, r.previous,
        )  # fmt: skip
    else:
        again = record.encode_reading(
            r.kind, r.meter, r.epoch, r.boot, r.seq, r.start_s, r.length_s, r.flags, r.exponent,
            r.channels, r.previous,
        )  # fmt: skip
    out["encoded"] = again.hex()
    return out


def stretch(public_key, config, start, bodies, signature):
    state = chain.Chain(
        unhex(public_key),
        None if config is None else chain.Config(config[0], config[1], config[2]),
        unhex(start["previous"]) if "previous" in start else None,
        start.get("seq"), start.get("start_s"), start.get("boot"), start.get("epoch"),
    )  # fmt: skip
    records = chain.verify_stretch([unhex(body) for body in bodies], unhex(signature), state)
    return {
        "records": len(records), "previous": state.previous.hex(), "seq": state.seq,
        "end_s": state.end_s, "boot": state.boot, "epoch": state.epoch,
        "config": [state.config.interval_s, state.config.exponent, state.config.channel_set],
    }  # fmt: skip


def forked(first, second, public_key):
    pair = fork.check_fork(unhex(first), unhex(second), unhex(public_key))
    return {"seq": pair[0].seq, "digests": [r.digest.hex() for r in pair]}


OPS = {
    "decode-point": decode_point, "decode-point-hinted": decode_point_hinted,
    "encode-point": encode_point, "decode-scalar": decode_scalar, "decode-secret": decode_secret,
    "encode-scalar": encode_scalar, "add": add, "double": double, "negate": negate,
    "multiply": multiply, "inverse": inverse, "fixed-base": fixed, "multi-exp": multi,
    "expand-message": expand, "hash-to-curve": hashed, "hmac": hmac, "sign": sign,
    "verify": verify, "signature-form": signature_form, "pairing-secret": pairing_secret,
    "keys": keys, "order": order, "consent": consent, "commit": commit, "opens": opens,
    "spake2": exchanged, "spake2-check": checked, "pin": pin, "hkdf": hkdf_made,
    "applet": applet, "applet-written": applet_written, "applet-proof": applet_proof,
    "export-binding": export_binding, "export-seal": export_seal, "export-open": export_open,
    "export-transcript": export_transcript, "export-standing": export_standing,
    "export-item": export_item, "meter-names": meter_names,
    "prices": prices,
    "decode-body": decode_body, "decode-sealed": decode_sealed, "stretch": stretch,
    "fork": forked,
}  # fmt: skip


def canonical(value):
    """Return one text per value, the same on both interpreters (dicts sorted by key)."""
    if isinstance(value, dict):
        return "{" + ",".join([k + ":" + canonical(value[k]) for k in sorted(value)]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    return str(value)


def run_case(case):
    """Return (passed, what is printed) of one case."""
    try:
        output = OPS[case["op"]](**case["input"])
    except WattsealError as error:
        got = {"class": type(error).__name__, "code": error.code}
        return case.get("failure") == got, got["class"] + " " + got["code"]
    expected = case.get("expect")
    passed = expected is not None and canonical(output) == canonical(expected)
    return passed, hashing.sha256(canonical(output).encode()).hex()[:16]


def main():
    """Run all; return the exit code."""
    count = 0
    failed = 0
    for family in sorted(os.listdir(VECTORS)):
        if "." in family or family[0] == "_":
            continue
        names = sorted([n for n in os.listdir(VECTORS + "/" + family) if n.endswith(".json")])
        for name in names:
            with open(VECTORS + "/" + family + "/" + name) as file:
                passed, shown = run_case(json.load(file))
            count += 1
            if not passed:
                failed += 1
            print(family + "/" + name[:-5], shown + ("" if passed else " DIFFERS"))
    print(count, "cases,", failed, "differ")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
