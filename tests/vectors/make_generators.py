"""Write firmware/wattseal/generators.py and comb_tables.py, from nothing but the specification.

    python tests/vectors/make_generators.py [DIRECTORY]

A test runs it into an empty folder and compares with the files of the repository.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from wattseal.hash_to_curve import hash_to_curve  # noqa: E402
from wattseal.hashing import sha256  # noqa: E402
from wattseal.labels import COMB_OFFSET, GENERATOR_DST, GENERATOR_H  # noqa: E402
from wattseal.p256 import G, N, inverse, multiply  # noqa: E402

COMBS = (("G_TABLE", "G", 256, 6, 2), ("H_TABLE", "H", 256, 6, 2), ("G_SHORT_TABLE", "G", 32, 4, 2))


def comb_multipliers(bits: int, teeth: int, blocks: int) -> list[int]:
    """Return the multipliers of the base in a comb's table, in its order (SPEC.md 2.4)."""
    rounds = -(-bits // (teeth * blocks))
    row_bits = rounds * blocks
    offset = int.from_bytes(sha256(COMB_OFFSET), "big") % N
    start = -blocks * offset * (2**rounds - 1) * inverse(pow(2, rounds, N), N) % N
    multipliers = [start]
    for block in range(blocks):
        for digit in range(1 << teeth):
            bits_of_digit = [tooth for tooth in range(teeth) if digit >> tooth & 1]
            sum_of_bits = sum(1 << (tooth * row_bits + block * rounds) for tooth in bits_of_digit)
            multipliers.append((sum_of_bits + offset) % N)
    return multipliers


def table_source(name: str, base: tuple[int, int], bits: int, teeth: int, blocks: int) -> str:
    """Return the Python text of one table."""
    lines = [f"{name} = ("]
    for multiplier in comb_multipliers(bits, teeth, blocks):
        for coordinate in multiply(multiplier, base):
            text = "".join(f"\\x{byte:02x}" for byte in coordinate.to_bytes(32, "big"))
            lines.append(f'    b"{text}"')
    return "\n".join([*lines, ")"])


def main(directory: Path) -> None:
    h = hash_to_curve(GENERATOR_H, GENERATOR_DST)
    (directory / "generators.py").write_text(
        '"""The second generator (SPEC.md 2.3); made by tests/vectors/make_generators.py."""'
        f"\n\nH = (\n    0x{h[0]:064X},\n    0x{h[1]:064X},\n)\n"
    )
    bases = {"G": G, "H": h}
    tables = "\n\n".join(table_source(name, bases[b], *shape) for name, b, *shape in COMBS)
    (directory / "comb_tables.py").write_text(
        '"""Tables of the combs (SPEC.md 2.4); made by tests/vectors/make_generators.py."""\n\n'
        f"{tables}\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "firmware" / "wattseal")
