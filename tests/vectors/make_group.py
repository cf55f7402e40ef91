"""Vectors of the group: encodings, addition, multiples (SPEC.md section 2).

    python tests/vectors/make_group.py [DIRECTORY]
"""

import sys

from reference import CURVE, IDENTITY, Family, G, H, N, P, compressed, main, scalar, xy

Q = G * scalar("group Q")
R = G * scalar("group R")


def flip(data: bytes, at: int, bits: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def points() -> Family:
    family = Family("points")
    for name, point in (("generator-g", G), ("generator-h", H), ("q", Q), ("minus-q", -Q)):
        data = compressed(point)
        hint = f"{int(point.y()):064x}"
        family.add(
            name, "decode-point", {"data": data.hex()},
            {"point": xy(point), "encoded": data.hex(), "hint": hint},
        )  # fmt: skip
        family.add(
            f"{name}-hinted", "decode-point-hinted", {"data": data.hex(), "hint": hint},
            {"point": xy(point)},
        )  # fmt: skip
    good = compressed(Q)
    y = int(Q.y())
    small_x = next(x for x in range(100) if CURVE.contains_point(x, _root(x)))
    off = next(x for x in range(100) if not CURVE.contains_point(x, _root(x)))
    bad = {
        "identity-sec1": (b"\0", "point-length"),
        "identity-33-zeros": (bytes(33), "point-prefix"),
        "empty": (b"", "point-length"),
        "short": (good[:-1], "point-length"),
        "trailing-byte": (good + b"\0", "point-length"),
        "uncompressed": (b"\4" + bytes.fromhex(xy(Q)), "point-length"),
        "prefix-1": (b"\1" + good[1:], "point-prefix"),
        "prefix-4": (b"\4" + good[1:], "point-prefix"),
        "prefix-hybrid": (b"\6" + good[1:], "point-prefix"),
        "prefix-82": (b"\x82" + good[1:], "point-prefix"),
        "x-equals-p": (b"\2" + P.to_bytes(32, "big"), "point-range"),
        "x-unreduced": (b"\2" + (P + small_x).to_bytes(32, "big"), "point-range"),
        "x-all-ones": (b"\2" + b"\xff" * 32, "point-range"),
        "x-not-on-curve": (b"\2" + off.to_bytes(32, "big"), "point-off-curve"),
        "x-is-p-minus-1": (b"\3" + (P - 1).to_bytes(32, "big"), _verdict(P - 1)),
    }
    for name, (data, code) in bad.items():
        family.add(f"bad-{name}", "decode-point", {"data": data.hex()}, failure=f"Malformed {code}")
    family.add(
        "small-x", "decode-point", {"data": (b"\2" + small_x.to_bytes(32, "big")).hex()},
        _decoded(small_x, 0),
    )  # fmt: skip
    hint = y.to_bytes(32, "big")
    low = _small_y()  # y + P satisfies the equation too, with the parity of -y
    hints = {
        "other-root": (good, (P - y).to_bytes(32, "big"), "point-hint"),
        "one-bit": (good, flip(hint, 31, 2), "point-hint"),
        "unreduced": (compressed(-low), (int(low.y()) + P).to_bytes(32, "big"), "point-hint"),
        "zero": (good, bytes(32), "point-hint"),
        "short": (good, hint[:-1], "point-hint"),
        "long": (good, hint + b"\0", "point-hint"),
        "prefix-flipped": (flip(good, 0), hint, "point-hint"),
        "x-off-curve": (b"\2" + off.to_bytes(32, "big"), hint, "point-hint"),
        "x-unreduced": (b"\2" + P.to_bytes(32, "big"), hint, "point-range"),
        "point-short": (good[:-1], hint, "point-length"),
        "point-prefix": (b"\5" + good[1:], hint, "point-prefix"),
    }
    for name, (data, beside, code) in hints.items():
        family.add(
            f"hint-{name}", "decode-point-hinted", {"data": data.hex(), "hint": beside.hex()},
            failure=f"Malformed {code}",
        )  # fmt: skip
    family.add(
        "encode-identity", "encode-point", {"value": ""}, failure="Misuse point-identity"
    )
    return family


def _root(x: int) -> int:
    return pow(x**3 - 3 * x + CURVE.b(), (P + 1) // 4, P)


def _verdict(x: int) -> str:
    assert not CURVE.contains_point(x, _root(x))
    return "point-off-curve"


def _small_y():
    """Return a point whose y is so small that y + P fits 32 bytes too."""
    for y in range(2, 1000):
        for x in _cubic_roots(y):
            return type(G)(CURVE, x, y)
    raise AssertionError("no small y")


def _cubic_roots(y: int) -> list[int]:
    """Return the roots x of x^3 - 3x + (b - y^2): gcd of the cubic with X^P - X, if linear."""
    c = (CURVE.b() - y * y) % P

    def times(u, v):
        product = [0] * 5
        for i, a in enumerate(u):
            for j, b in enumerate(v):
                product[i + j] += a * b
        for k in (4, 3):  # X^3 = 3X - c
            product[k - 2] += 3 * product[k]
            product[k - 3] -= c * product[k]
        return [a % P for a in product[:3]]

    power = [1, 0, 0]
    for bit in f"{P:b}":
        power = times(power, power)
        if bit == "1":
            power = times(power, [0, 1, 0])
    power[1] = (power[1] - 1) % P
    # The cubic modulo the (quadratic) remainder: linear if exactly one root exists.
    if power[2] == 0:
        return []
    lead = pow(power[2], -1, P)
    q1, q0 = power[1] * lead % P, power[0] * lead % P
    # x^3 - 3x + c = (x - q1)(x^2 + q1 x + q0) + (q1^2 - q0 - 3) x + (c + q0 q1)
    slope, rest = (q1 * q1 - q0 - 3) % P, (c + q0 * q1) % P
    if slope == 0:
        return []
    x = -rest * pow(slope, -1, P) % P
    return [x] if (x**3 - 3 * x + c) % P == 0 else []


def _decoded(x: int, parity: int) -> dict:
    y = _root(x)
    y = y if y % 2 == parity else P - y
    data = bytes([2 + parity]) + x.to_bytes(32, "big")
    return {"point": f"{x:064x}{y:064x}", "encoded": data.hex(), "hint": f"{y:064x}"}


def scalars() -> Family:
    family = Family("scalars")
    for name, value in (("zero", 0), ("one", 1), ("n-minus-1", N - 1), ("some", scalar("some"))):
        data = value.to_bytes(32, "big").hex()
        family.add(
            f"decode-{name}", "decode-scalar", {"data": data},
            {"scalar": f"{value:x}", "encoded": data},
        )  # fmt: skip
    for name, data, code in (
        ("n", N.to_bytes(32, "big"), "scalar-range"),
        ("all-ones", b"\xff" * 32, "scalar-range"),
        ("short", bytes(31), "scalar-length"),
        ("long", bytes(33), "scalar-length"),
        ("empty", b"", "scalar-length"),
    ):
        family.add(
            f"bad-{name}", "decode-scalar", {"data": data.hex()}, failure=f"Malformed {code}"
        )
    family.add(
        "secret-one", "decode-secret", {"data": (1).to_bytes(32, "big").hex()}, {"scalar": "1"}
    )
    family.add(
        "secret-zero", "decode-secret", {"data": bytes(32).hex()}, failure="Malformed scalar-range"
    )
    for name, text in (("n", f"{N:x}"), ("negative", "-1")):
        family.add(
            f"encode-{name}", "encode-scalar", {"value": text}, failure="Misuse scalar-range"
        )
    return family


def arithmetic() -> Family:
    family = Family("arithmetic")
    pairs = {
        "distinct": (Q, R), "equal": (Q, Q), "opposite": (Q, -Q), "identity-left": (IDENTITY, Q),
        "identity-right": (Q, IDENTITY), "identities": (IDENTITY, IDENTITY), "g-and-h": (G, H),
        "negated": (-Q, -R), "double-and-one": (Q + Q, Q), "double-and-minus-one": (Q + Q, -Q),
    }  # fmt: skip
    for name, (a, b) in pairs.items():
        total = xy(a + b)
        family.add(
            f"add-{name}", "add", {"a": xy(a), "b": xy(b)},
            {"point": total, "by-groups": total, "jacobian": total},
        )  # fmt: skip
    for name, a in (("identity", IDENTITY), ("g", G), ("q", Q)):
        family.add(f"double-{name}", "double", {"a": xy(a)}, {"point": xy(a + a)})
        negative = xy(IDENTITY if a == IDENTITY else -a)
        family.add(f"negate-{name}", "negate", {"a": xy(a)}, {"point": negative})
    for name, k in (
        ("0", 0), ("1", 1), ("2", 2), ("15", 15), ("16", 16), ("17", 17), ("n-minus-1", N - 1),
        ("n", N), ("n-plus-1", N + 1), ("all-ones", 2**256 - 1), ("some", scalar("k")),
        ("wider-than-n", (N << 64) + 5),
    ):  # fmt: skip
        family.add(
            f"multiply-{name}", "multiply", {"k": f"{k:x}", "a": xy(Q)}, {"point": xy(Q * (k % N))}
        )
    family.add("multiply-identity", "multiply", {"k": "7", "a": ""}, {"point": ""})
    family.add(
        "multiply-negative", "multiply", {"k": "-1", "a": xy(Q)}, failure="Misuse scalar-range"
    )
    for name, modulus in (("p", P), ("n", N)):
        a = scalar("inverse " + name)
        family.add(
            f"inverse-{name}", "inverse", {"a": f"{a:x}", "modulus": f"{modulus:x}"},
            {"inverse": f"{pow(a, -1, modulus):x}"},
        )  # fmt: skip
        family.add(
            f"inverse-of-zero-{name}", "inverse", {"a": f"{modulus:x}", "modulus": f"{modulus:x}"},
            failure="Misuse inverse-of-zero",
        )  # fmt: skip
    return family


def fixed_base() -> Family:
    family = Family("fixed-base")
    wide = {
        "0": 0, "1": 1, "2": 2, "3": 3, "n-minus-1": N - 1, "n": N, "n-plus-1": N + 1,
        "top-bit": 1 << 255, "all-ones": 2**256 - 1, "some": scalar("fixed"),
        "one-comb-row": (1 << 44) - 1, "second-row": 1 << 44, "alternating": int("a5" * 32, 16),
    }  # fmt: skip
    for base, point in (("G", G), ("H", H)):
        for name, k in wide.items():
            family.add(
                f"{base.lower()}-{name}", "fixed-base", {"base": base, "k": f"{k:x}"},
                {"point": xy(point * (k % N))},
            )  # fmt: skip
        for name, text in (("too-wide", f"{1 << 256:x}"), ("negative", "-1")):
            family.add(
                f"{base.lower()}-{name}", "fixed-base", {"base": base, "k": text},
                failure="Misuse scalar-range",
            )  # fmt: skip
    for name, k in (("0", 0), ("1", 1), ("255", 255), ("65536", 65536), ("max", 2**32 - 1)):
        family.add(
            f"g-short-{name}", "fixed-base", {"base": "G-short", "k": f"{k:x}"},
            {"point": xy(G * k)},
        )  # fmt: skip
    family.add(
        "g-short-too-wide", "fixed-base", {"base": "G-short", "k": f"{1 << 32:x}"},
        failure="Misuse scalar-range",
    )  # fmt: skip
    return family


def multi_exp() -> Family:
    family = Family("multi-exp")
    s, t, u = (scalar(f"multi {i}") for i in range(3))
    small = [G * (i + 2) for i in range(40)]
    cases = {
        "empty": ([], []),
        "one": ([Q], [s]),
        "two": ([Q, R], [s, t]),
        "equal-points": ([Q, Q], [s, t]),
        "equal-points-equal-scalars": ([Q, Q, Q, Q], [5, 5, 5, 5]),
        "opposite-points": ([Q, -Q], [s, s]),
        "opposite-scalars": ([Q, Q], [s, -s]),
        "opposite-partly": ([Q, -Q, R], [9, 9, 9]),
        "identity-among": ([Q, IDENTITY, R], [s, t, u]),
        "identities-only": ([IDENTITY, IDENTITY], [s, t]),
        "zero-scalars": ([Q, R], [0, 0]),
        "one-zero-scalar": ([Q, R], [0, t]),
        "negative": ([Q, R], [-s, t]),
        "negative-small": ([Q, R], [-1, -2]),
        "scalar-n": ([Q, R], [N, 1]),
        "above-n": ([Q, R], [N + 3, (N << 8) + 1]),
        "mixed-lengths": ([Q, R, G, H], [1, 1 << 32, s, -7]),
        "powers-of-two": ([Q] * 9, [1 << (i * 28) for i in range(9)]),
        "sums-to-identity": ([Q, R, Q * 3 + R * 5], [3, 5, -1]),
        "forty-short": (small, [(i * 7919) % 65536 for i in range(40)]),
        "forty-same-price": (small, [1999] * 40),
        "forty-signed": (small, [((i * 7919) % 6553) * (-1) ** i for i in range(40)]),
    }
    for name, (points_, scalars_) in cases.items():
        total = IDENTITY
        for point, k in zip(points_, scalars_, strict=True):
            total = total + (point * (k % N) if point != IDENTITY else IDENTITY)
        family.add(
            name, "multi-exp",
            {"points": [xy(p) for p in points_],
             "scalars": [f"-{-k:x}" if k < 0 else f"{k:x}" for k in scalars_]},
            {"point": xy(total)},
        )  # fmt: skip
    family.add(
        "lengths-differ", "multi-exp", {"points": [xy(Q)], "scalars": ["1", "2"]},
        failure="Misuse length-mismatch",
    )  # fmt: skip
    return family


if __name__ == "__main__":
    main(sys.argv, points(), scalars(), arithmetic(), fixed_base(), multi_exp())
