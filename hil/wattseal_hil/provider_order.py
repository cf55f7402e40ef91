"""The bench as a provider: it sets a meter's clock by a signed order, over the utility's port."""

from wattseal.ecdsa import public_key, sign
from wattseal.labels import CLOCK_ORDER
from wattseal.orders import order_digest
from wattseal.p256 import encode_point

from wattseal_hil.talk import Talk

BENCH_KEY = 0x57A775EA1  # of no provider anywhere; meters of a bench alone know it
OBEYED, IN_HAND = 1, 2
_TRIES = 40


def provider_key() -> str:
    """What the meter's setting `provider` is to say: the bench's public key, hexadecimal."""
    return encode_point(public_key(BENCH_KEY)).hex()


def set_clock(talk: Talk, time_s: int) -> int:
    """Order the clock to be set to `time_s`; the result as the meter says it (register 75).

    Raises BoardError `meter-silent`, `meter-refused`.
    """
    meter = talk.registers(3, 8)
    challenge = talk.registers(256, 10)
    counter = int.from_bytes(challenge[16:], "big") + 1
    digest = order_digest(CLOCK_ORDER, meter, challenge[:16], counter, time_s)
    order = (1).to_bytes(2, "big") + counter.to_bytes(4, "big") + time_s.to_bytes(4, "big")
    order += sign(BENCH_KEY, digest)
    head = (272).to_bytes(2, "big") + (len(order) // 2).to_bytes(2, "big")
    talk.utility(b"\x10" + head + bytes([len(order)]) + order)
    result = IN_HAND
    for _ in range(_TRIES):
        result = int.from_bytes(talk.registers(75, 1), "big")
        if result != IN_HAND:
            break
    return result
