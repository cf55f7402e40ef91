"""Vectors other people published: RFC 9380, RFC 6979, RFC 4231. Nothing here is computed by us
but the low s and the signatures' negatives, which follow from the published values.

    python tests/vectors/make_published.py [DIRECTORY]
"""

import hashlib
import sys

from reference import Family, G, N, main, xy

Q128 = "q128_" + "q" * 128
A512 = "a512_" + "a" * 512

# RFC 9380, J.1.1: message, P.x, P.y, u[0], u[1], Q0.x, Q0.y, Q1.x, Q1.y.
HASH_TO_CURVE = {
    "empty": (
        "",
        "2c15230b26dbc6fc9a37051158c95b79656e17a1a920b11394ca91c44247d3e4",
        "8a7a74985cc5c776cdfe4b1f19884970453912e9d31528c060be9ab5c43e8415",
        "ad5342c66a6dd0ff080df1da0ea1c04b96e0330dd89406465eeba11582515009",
        "8c0f1d43204bd6f6ea70ae8013070a1518b43873bcd850aafa0a9e220e2eea5a",
        "ab640a12220d3ff283510ff3f4b1953d09fad35795140b1c5d64f313967934d5",
        "dccb558863804a881d4fff3455716c836cef230e5209594ddd33d85c565b19b1",
        "51cce63c50d972a6e51c61334f0f4875c9ac1cd2d3238412f84e31da7d980ef5",
        "b45d1a36d00ad90e5ec7840a60a4de411917fbe7c82c3949a6e699e5a1b66aac",
    ),
    "abc": (
        "abc",
        "0bb8b87485551aa43ed54f009230450b492fead5f1cc91658775dac4a3388a0f",
        "5c41b3d0731a27a7b14bc0bf0ccded2d8751f83493404c84a88e71ffd424212e",
        "afe47f2ea2b10465cc26ac403194dfb68b7f5ee865cda61e9f3e07a537220af1",
        "379a27833b0bfe6f7bdca08e1e83c760bf9a338ab335542704edcd69ce9e46e0",
        "5219ad0ddef3cc49b714145e91b2f7de6ce0a7a7dc7406c7726c7e373c58cb48",
        "7950144e52d30acbec7b624c203b1996c99617d0b61c2442354301b191d93ecf",
        "019b7cb4efcfeaf39f738fe638e31d375ad6837f58a852d032ff60c69ee3875f",
        "589a62d2b22357fed5449bc38065b760095ebe6aeac84b01156ee4252715446e",
    ),
    "abcdef0123456789": (
        "abcdef0123456789",
        "65038ac8f2b1def042a5df0b33b1f4eca6bff7cb0f9c6c1526811864e544ed80",
        "cad44d40a656e7aff4002a8de287abc8ae0482b5ae825822bb870d6df9b56ca3",
        "0fad9d125a9477d55cf9357105b0eb3a5c4259809bf87180aa01d651f53d312c",
        "b68597377392cd3419d8fcc7d7660948c8403b19ea78bbca4b133c9d2196c0fb",
        "a17bdf2965eb88074bc01157e644ed409dac97cfcf0c61c998ed0fa45e79e4a2",
        "4f1bc80c70d411a3cc1d67aeae6e726f0f311639fee560c7f5a664554e3c9c2e",
        "7da48bb67225c1a17d452c983798113f47e438e4202219dd0715f8419b274d66",
        "b765696b2913e36db3016c47edb99e24b1da30e761a8a3215dc0ec4d8f96e6f9",
    ),
    "q128": (
        Q128,
        "4be61ee205094282ba8a2042bcb48d88dfbb609301c49aa8b078533dc65a0b5d",
        "98f8df449a072c4721d241a3b1236d3caccba603f916ca680f4539d2bfb3c29e",
        "3bbc30446f39a7befad080f4d5f32ed116b9534626993d2cc5033f6f8d805919",
        "76bb02db019ca9d3c1e02f0c17f8baf617bbdae5c393a81d9ce11e3be1bf1d33",
        "c76aaa823aeadeb3f356909cb08f97eee46ecb157c1f56699b5efebddf0e6398",
        "776a6f45f528a0e8d289a4be12c4fab80762386ec644abf2bffb9b627e4352b1",
        "418ac3d85a5ccc4ea8dec14f750a3a9ec8b85176c95a7022f391826794eb5a75",
        "fd6604f69e9d9d2b74b072d14ea13050db72c932815523305cb9e807cc900aff",
    ),
    "a512": (
        A512,
        "457ae2981f70ca85d8e24c308b14db22f3e3862c5ea0f652ca38b5e49cd64bc5",
        "ecb9f0eadc9aeed232dabc53235368c1394c78de05dd96893eefa62b0f4757dc",
        "4ebc95a6e839b1ae3c63b847798e85cb3c12d3817ec6ebc10af6ee51adb29fec",
        "4e21af88e22ea80156aff790750121035b3eefaa96b425a8716e0d20b4e269ee",
        "d88b989ee9d1295df413d4456c5c850b8b2fb0f5402cc5c4c7e815412e926db8",
        "bb4a1edeff506cf16def96afff41b16fc74f6dbd55c2210e5b8f011ba32f4f40",
        "a281e34e628f3a4d2a53fa87ff973537d68ad4fbc28d3be5e8d9f6a2571c5a4b",
        "f6ed88a7aab56a488100e6f1174fa9810b47db13e86be999644922961206e184",
    ),
}

# RFC 9380, K.1: message, 32 bytes, 128 bytes.
EXPAND = {
    "empty": (
        "",
        "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235",
        "af84c27ccfd45d41914fdff5df25293e221afc53d8ad2ac06d5e3e29485dadbe"
        "e0d121587713a3e0dd4d5e69e93eb7cd4f5df4cd103e188cf60cb02edc3edf18"
        "eda8576c412b18ffb658e3dd6ec849469b979d444cf7b26911a08e63cf31f9dc"
        "c541708d3491184472c2c29bb749d4286b004ceb5ee6b9a7fa5b646c993f0ced",
    ),
    "abc": (
        "abc",
        "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615",
        "abba86a6129e366fc877aab32fc4ffc70120d8996c88aee2fe4b32d6c7b6437a"
        "647e6c3163d40b76a73cf6a5674ef1d890f95b664ee0afa5359a5c4e07985635"
        "bbecbac65d747d3d2da7ec2b8221b17b0ca9dc8a1ac1c07ea6a1e60583e2cb00"
        "058e77b7b72a298425cd1b941ad4ec65e8afc50303a22c0f99b0509b4c895f40",
    ),
    "abcdef0123456789": (
        "abcdef0123456789",
        "eff31487c770a893cfb36f912fbfcbff40d5661771ca4b2cb4eafe524333f5c1",
        "ef904a29bffc4cf9ee82832451c946ac3c8f8058ae97d8d629831a74c6572bd9"
        "ebd0df635cd1f208e2038e760c4994984ce73f0d55ea9f22af83ba4734569d4b"
        "c95e18350f740c07eef653cbb9f87910d833751825f0ebefa1abe5420bb52be1"
        "4cf489b37fe1a72f7de2d10be453b2c9d9eb20c7e3f6edc5a60629178d9478df",
    ),
    "q128": (
        Q128,
        "b23a1d2b4d97b2ef7785562a7e8bac7eed54ed6e97e29aa51bfe3f12ddad1ff9",
        "80be107d0884f0d881bb460322f0443d38bd222db8bd0b0a5312a6fedb49c1bb"
        "d88fd75d8b9a09486c60123dfa1d73c1cc3169761b17476d3c6b7cbbd727acd0"
        "e2c942f4dd96ae3da5de368d26b32286e32de7e5a8cb2949f866a0b80c58116b"
        "29fa7fabb3ea7d520ee603e0c25bcaf0b9a5e92ec6a1fe4e0391d1cdbce8c68a",
    ),
    "a512": (
        A512,
        "4623227bcc01293b8c130bf771da8c298dede7383243dc0993d2d94823958c4c",
        "546aff5444b5b79aa6148bd81728704c32decb73a3ba76e9e75885cad9def1d0"
        "6d6792f8a7d12794e90efed817d96920d728896a4510864370c207f99bd4a608"
        "ea121700ef01ed879745ee3e4ceef777eda6d9e5e38b90c86ea6fb0b36504ba4"
        "a45d22e86f6db5dd43d98a294bebb9125d5b794e9d2a81181066eb954966a487",
    ),
}

# RFC 6979, A.2.5 (P-256), SHA-256: message, k, r, s.
SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
PUBLIC = (
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
SIGNATURES = {
    "sample": (
        "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    ),
    "test": (
        "d16b6ae827f17175e040871a1c7ec3500192c4c92677336ec2537acaee0008e0",
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    ),
}

# RFC 4231, section 4: key, data, tag (case 5: its first 128 bits).
HMAC = {
    "case-1": (
        "0b" * 20, b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    "case-2": (
        b"Jefe".hex(), b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    "case-3": (
        "aa" * 20, b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    "case-4": (
        bytes(range(1, 26)).hex(), b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    "case-5": ("0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    "case-6": (
        "aa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    "case-7": (
        "aa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
}  # fmt: skip


def hash_to_curve() -> Family:
    family = Family("rfc9380")
    for name, (message, px, py, u0, u1, q0x, q0y, q1x, q1y) in HASH_TO_CURVE.items():
        family.add(
            f"j-1-1-{name}", "hash-to-curve",
            {"message": message, "dst": "QUUX-V01-CS02-with-P256_XMD:SHA-256_SSWU_RO_"},
            {"u0": u0, "u1": u1, "q0": q0x + q0y, "q1": q1x + q1y, "p": px + py},
            source="RFC 9380, J.1.1",
        )  # fmt: skip
    for name, (message, *outputs) in EXPAND.items():
        for expected in outputs:
            length = len(expected) // 2
            family.add(
                f"k-1-{name}-{length}", "expand-message",
                {"message": message, "dst": "QUUX-V01-CS02-with-expander-SHA256-128",
                 "length": length},
                {"uniform_bytes": expected}, source="RFC 9380, K.1",
            )  # fmt: skip
    for name, dst, length in (("length-8161", "tag", 8161), ("dst-256", "t" * 256, 32)):
        family.add(
            f"refused-{name}", "expand-message", {"message": "", "dst": dst, "length": length},
            failure="Misuse expand-length",
        )  # fmt: skip
    return family


def ecdsa() -> Family:
    family = Family("rfc6979")
    for message, (k, r, s) in SIGNATURES.items():
        digest = hashlib.sha256(message.encode()).hexdigest()
        high = max(int(s, 16), N - int(s, 16))
        signature = r + f"{N - high:064x}"
        family.add(
            f"a-2-5-{message}", "sign", {"secret": f"{SECRET:x}", "digest": digest},
            {"public": PUBLIC, "k": k, "signature": signature},
            about="s is the smaller of the published s and n - s", source="RFC 6979, A.2.5",
        )  # fmt: skip
        variants = {
            "published": (digest, r + s, True),
            "low-s": (digest, signature, True),
            "high-s": (digest, r + f"{high:064x}", True),
            "other-digest": (hashlib.sha256(b"other").hexdigest(), r + s, False),
            "r-plus-1": (digest, f"{int(r, 16) + 1:064x}" + s, False),
            "s-zero": (digest, r + "00" * 32, False),
            "r-zero": (digest, "00" * 32 + s, False),
            "s-is-n": (digest, r + f"{N:064x}", False),
            "r-is-n": (digest, f"{N:064x}" + s, False),
            "short": (digest, (r + s)[:-2], False),
            "long": (digest, r + s + "00", False),
        }
        for name, (signed, given, valid) in variants.items():
            family.add(
                f"verify-{message}-{name}", "verify",
                {"public": PUBLIC, "digest": signed, "signature": given}, {"valid": valid},
            )  # fmt: skip
    digest = hashlib.sha256(b"sample").hexdigest()
    good = "".join(SIGNATURES["sample"][1:])
    for name, public in (
        ("identity-key", ""), ("off-curve-key", PUBLIC[:-2] + "98"), ("other-key", xy(G))
    ):  # fmt: skip
        family.add(
            f"verify-{name}", "verify", {"public": public, "digest": digest, "signature": good},
            {"valid": False},
        )  # fmt: skip
    for name, secret in (("zero", "0"), ("n", f"{N:x}"), ("negative", "-1")):
        family.add(
            f"secret-{name}", "sign", {"secret": secret, "digest": digest},
            failure="Misuse secret-range",
        )  # fmt: skip
    family.add(
        "digest-short", "sign", {"secret": "1", "digest": digest[:-2]},
        failure="Misuse digest-length",
    )  # fmt: skip
    r = SIGNATURES["sample"][1]
    half = N >> 1
    family.add(
        "form-s-is-half-n", "signature-form", {"signature": r + f"{half:064x}"},
        {"signature": r + f"{half:064x}"},
    )  # fmt: skip
    for name, text, code in (
        ("s-above-half-n", r + f"{half + 1:064x}", "signature-high-s"),
        ("s-zero", r + "00" * 32, "signature-range"),
        ("s-n", r + f"{N:064x}", "signature-range"),
        ("r-zero", "00" * 32 + "01" * 32, "signature-range"),
        ("r-n", f"{N:064x}" + "01" * 32, "signature-range"),
        ("short", r, "signature-length"),
        ("long", r + "01" * 33, "signature-length"),
    ):
        family.add(
            f"form-{name}", "signature-form", {"signature": text}, failure=f"Malformed {code}"
        )
    return family


def hmac() -> Family:
    family = Family("rfc4231")
    for name, (key, data, tag) in HMAC.items():
        family.add(
            name, "hmac", {"key": key, "data": data.hex(), "length": len(tag) // 2}, {"tag": tag},
            source="RFC 4231, section 4",
        )  # fmt: skip
    return family


if __name__ == "__main__":
    main(sys.argv, hash_to_curve(), ecdsa(), hmac())
