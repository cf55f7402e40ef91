"""Vectors of key tree, commitments and ciphertexts (SPEC.md section 4).

    python tests/vectors/make_readings.py [DIRECTORY]
"""

import sys

from reference import (
    Device,
    Family,
    N,
    commit,
    compressed,
    epoch_id,
    label,
    leaf,
    mac,
    main,
    mask,
    scalar,
    seeded,
)

METER = Device("meter").meter
SECRET = seeded("epoch secret")
U32 = 2**32


def keys() -> Family:
    family = Family("keys")
    base = {"epoch_secret": SECRET.hex(), "meter": METER.hex(), "epoch": 3, "boot": 7, "seq": 65,
            "channel": 0}  # fmt: skip
    changes = {
        "base": {},
        "export": {"channel": 1},
        "next-record": {"seq": 66},
        "next-boot": {"boot": 8},
        "block-begins": {"seq": 64},
        "block-before": {"seq": 63},
        "other-epoch": {"epoch": 4},
        "first": {"epoch": 0, "boot": 0, "seq": 0},
        "last": {"epoch": U32 - 1, "boot": U32 - 1, "seq": U32 - 1},
        "other-meter": {"meter": seeded("other")[:16].hex()},
        "other-secret": {"epoch_secret": seeded("other").hex()},
        "zero-secret": {"epoch_secret": "00" * 32},
    }
    for name, change in changes.items():
        given = base | change
        secret, meter = bytes.fromhex(given["epoch_secret"]), bytes.fromhex(given["meter"])
        key, blinding, pad = leaf(
            secret, meter, given["epoch"], given["boot"], given["seq"], given["channel"]
        )
        family.add(
            name, "keys", given,
            {"epoch_id": epoch_id(secret, meter, given["epoch"]).hex(), "block_key": key.hex(),
             "blinding": f"{blinding:064x}", "pad": pad.hex()},
        )  # fmt: skip
    wrong = {
        "short-secret": ({"epoch_secret": "00" * 31}, "secret-length"),
        "long-secret": ({"epoch_secret": "00" * 33}, "secret-length"),
        "meter-short": ({"meter": METER.hex()[:-2]}, "place-range"),
        "epoch-wide": ({"epoch": U32}, "place-range"),
        "epoch-negative": ({"epoch": -1}, "place-range"),
        "boot-wide": ({"boot": U32}, "place-range"),
        "seq-wide": ({"seq": U32}, "place-range"),
        "seq-negative": ({"seq": -1}, "place-range"),
        "channel-2": ({"channel": 2}, "place-range"),
    }
    for name, (change, code) in wrong.items():
        family.add(f"bad-{name}", "keys", base | change, failure=f"Misuse {code}")
    ours, theirs = seeded("meter random"), seeded("customer random")
    key = seeded("exchanged")[:16]
    given = {
        "key": key.hex(), "meter_random": ours.hex(), "customer_random": theirs.hex(),
        "meter": METER.hex(),
    }  # fmt: skip
    # RFC 5869 with one block of output.
    extracted = mac(ours + theirs, key)
    made = mac(extracted, label("epoch-secret") + METER + b"\x01")
    family.add("pairing", "pairing-secret", given, {"epoch_secret": made.hex()})
    for name in ("meter", "other meter"):
        device = Device(name)
        family.add(
            "name-of-" + name.replace(" ", "-"), "meter-names",
            {"public_key": device.public.hex()},
            {"meter": device.meter.hex(), "genesis": device.genesis.hex()},
        )  # fmt: skip
    return family


def commitments() -> Family:
    family = Family("commitments")
    pad = seeded("pad")[:5]
    cases = {
        "some": (1234, scalar("r"), 0), "zero-value": (0, scalar("r"), 0),
        "zero-blinding": (1234, 0, 0), "largest": (U32 - 1, N - 1, 3),
        "one-one": (1, 1, 1), "sensor-missing": (0, scalar("r2"), 2),
    }  # fmt: skip
    for name, (value, blinding, flags) in cases.items():
        family.add(
            name, "commit",
            {"value": value, "blinding": f"{blinding:x}", "flags": flags, "pad": pad.hex()},
            {"commitment": compressed(commit(value, blinding)).hex(),
             "ciphertext": mask(value, flags, pad).hex(), "unmasked": [value, flags]},
        )  # fmt: skip
    for name, value, blinding, flags, pad_hex, code in (
        ("identity", 0, "0", 0, pad.hex(), "point-identity"),
        ("value-wide", U32, "1", 0, pad.hex(), "value-range"),
        ("value-negative", -1, "1", 0, pad.hex(), "value-range"),
        ("blinding-negative", 1, "-1", 0, pad.hex(), "scalar-range"),
        ("flags-unknown", 1, "1", 4, pad.hex(), "hidden-flags"),
        ("pad-short", 1, "1", 0, pad.hex()[2:], "pad-length"),
        ("pad-long", 1, "1", 0, pad.hex() + "00", "pad-length"),
    ):
        family.add(
            f"bad-{name}", "commit",
            {"value": value, "blinding": blinding, "flags": flags, "pad": pad_hex},
            failure=f"Misuse {code}",
        )  # fmt: skip
    values = [0, 1, 500, U32 - 1]
    blindings = [scalar(f"opens {i}") for i in range(4)]
    points = [compressed(commit(v, r)).hex() for v, r in zip(values, blindings, strict=True)]
    right = [True] * 4
    opened = {
        "right": (values, blindings, right),
        "value-wrong": ([0, 1, 501, U32 - 1], blindings, [True, True, False, True]),
        "value-wide": ([0, 1, 500, U32], blindings, [True, True, True, False]),
        "value-negative": ([-1, 1, 500, U32 - 1], blindings, [False, True, True, True]),
        "blinding-unreduced": (values, [blindings[0] + N, *blindings[1:]], [False, *right[1:]]),
        "blinding-wrong": (values, [*blindings[:3], blindings[3] + 1], [*right[:3], False]),
        "swapped": ([1, 0, 500, U32 - 1], blindings, [False, False, True, True]),
        "swapped-whole": (
            [1, 0, 500, U32 - 1], [blindings[1], blindings[0], *blindings[2:]],
            [False, False, True, True],
        ),
        "zero-zero": ([0, 1, 500, U32 - 1], [0, *blindings[1:]], [False, *right[1:]]),
    }  # fmt: skip
    for name, (v, r, each) in opened.items():
        family.add(
            f"opens-{name}", "opens",
            {"commitments": points, "values": v, "blindings": [f"{k:x}" for k in r]},
            {"each": each, "all": all(each)},
        )  # fmt: skip
    return family


if __name__ == "__main__":
    main(sys.argv, keys(), commitments())
