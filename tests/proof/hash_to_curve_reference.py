"""RFC 9380's P256_XMD:SHA-256_SSWU_RO_ as its sections 5.2, 5.3.1 and 6.6.2 are written."""

import hashlib

import ecdsa

CURVE = ecdsa.NIST256p.curve
P, A, B = int(CURVE.p()), int(CURVE.a()) % int(CURVE.p()), int(CURVE.b())
Z = P - 10


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    dst_prime = dst + bytes([len(dst)])
    b_0 = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + dst_prime)
    blocks = [hashlib.sha256(b_0.digest() + b"\1" + dst_prime).digest()]
    while 32 * len(blocks) < length:
        mixed = bytes(x ^ y for x, y in zip(b_0.digest(), blocks[-1], strict=True))
        blocks.append(hashlib.sha256(mixed + bytes([len(blocks) + 1]) + dst_prime).digest())
    return b"".join(blocks)[:length]


def is_square(value: int) -> bool:
    return pow(value, (P - 1) // 2, P) in (0, 1)


def map_to_curve(u: int) -> tuple[int, int]:
    tv1 = (Z * Z * pow(u, 4, P) + Z * u * u) % P
    x1 = (-B * pow(A, -1, P) * (1 + pow(tv1, -1, P))) % P if tv1 else B * pow(Z * A, -1, P) % P
    gx1 = (x1**3 + A * x1 + B) % P
    x2 = Z * u * u * x1 % P
    gx2 = (x2**3 + A * x2 + B) % P
    x, square = (x1, gx1) if is_square(gx1) else (x2, gx2)
    y = pow(square, (P + 1) // 4, P)
    return x, y if y % 2 == u % 2 else P - y


def hash_to_curve(message: bytes, dst: bytes) -> tuple[int, int]:
    uniform = expand_message_xmd(message, dst, 96)
    u = [int.from_bytes(uniform[at : at + 48], "big") % P for at in (0, 48)]
    first, second = (ecdsa.ellipticcurve.Point(CURVE, *map_to_curve(k)) for k in u)
    total = first + second
    return int(total.x()), int(total.y())
