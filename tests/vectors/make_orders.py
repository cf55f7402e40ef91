"""Vectors of what a provider signs and a customer proves (SPEC.md section 3.6).

    python tests/vectors/make_orders.py [DIRECTORY]
"""

import struct
import sys

from reference import Device, Family, label, mac, main, seeded, sha256

METER = Device("meter").meter
CHALLENGE = seeded("challenge", 16)


def orders() -> Family:
    family = Family("orders")
    for name, kind, counter, time_s in (
        ("clock", "clock", 1, 1_700_000_000),
        ("clock-last", "clock", 2**32 - 1, 2**32 - 1),
        ("close", "close", 1, 1_700_000_000),
    ):
        message = METER + CHALLENGE + struct.pack(">II", counter, time_s)
        given = {"kind": kind, "meter": METER.hex(), "challenge": CHALLENGE.hex(),
                 "counter": counter, "time_s": time_s}  # fmt: skip
        digest = sha256(label(f"{kind}-order") + message)
        family.add(name, "order", given, {"digest": digest.hex()})
    secret = seeded("epoch secret")
    for name, epoch, state in (("given", 1, 1), ("withdrawn", 1, 2), ("owner", 0, 1)):
        given = {"epoch_secret": secret.hex(), "meter": METER.hex(), "epoch": epoch,
                 "challenge": CHALLENGE.hex(), "state": state}  # fmt: skip
        message = METER + struct.pack(">I", epoch) + CHALLENGE + bytes([state])
        proof = mac(secret, label("consent-proof") + message)
        family.add(f"consent-{name}", "consent", given, {"proof": proof.hex()})
    digest = sha256(label("price-list") + b"a list")
    given = {"epoch_secret": secret.hex(), "meter": METER.hex(), "epoch": 1,
             "challenge": CHALLENGE.hex(), "prices": b"a list".hex()}  # fmt: skip
    message = METER + struct.pack(">I", 1) + CHALLENGE + digest
    proof = mac(secret, label("prices-proof") + message)
    family.add("prices", "prices", given, {"proof": proof.hex()})
    return family


if __name__ == "__main__":
    main(sys.argv, orders())
