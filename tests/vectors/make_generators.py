"""Write firmware/wattseal/generators.py and comb_tables.bin, from nothing but the specification.

    python tests/vectors/make_generators.py [DIRECTORY]

A test runs it into an empty folder and compares with the files of the repository.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from wattseal.hash_to_curve import hash_to_curve  # noqa: E402
from wattseal.labels import GENERATOR_DST, GENERATOR_H  # noqa: E402
from wattseal.p256 import G, N, multiply  # noqa: E402

COMBS = (("G", 256, 8, 4), ("H", 256, 8, 4), ("G", 32, 8, 4))


def comb_multipliers(bits: int, teeth: int, blocks: int) -> list[int]:
    """Return the multipliers of the base in a comb's table, in its order (SPEC.md 2.4)."""
    rounds = -(-bits // (teeth * blocks))
    row_bits = rounds * blocks
    half = pow(2, -1, N)
    multipliers = [(2 ** (row_bits * teeth) - 1) * pow(half, rounds, N) % N]
    for block in range(blocks):
        for digit in range(1 << (teeth - 1), 1 << teeth):
            signed = sum(
                (1 if digit >> tooth & 1 else -1) << (tooth * row_bits + block * rounds)
                for tooth in range(teeth)
            )
            multipliers.append(signed * half % N)
    return multipliers


def table(base: tuple[int, int], bits: int, teeth: int, blocks: int) -> bytes:
    """Return the points of one comb, x || y of 32 bytes each."""
    return b"".join(
        coordinate.to_bytes(32, "big")
        for multiplier in comb_multipliers(bits, teeth, blocks)
        for coordinate in multiply(multiplier, base)
    )


def main(directory: Path) -> None:
    h = hash_to_curve(GENERATOR_H, GENERATOR_DST)
    (directory / "generators.py").write_text(
        '"""The second generator (SPEC.md 2.3); made by tests/vectors/make_generators.py."""'
        f"\n\nH = (\n    0x{h[0]:064X},\n    0x{h[1]:064X},\n)\n"
    )
    bases = {"G": G, "H": h}
    (directory / "comb_tables.bin").write_bytes(
        b"".join(table(bases[base], *shape) for base, *shape in COMBS)
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "firmware" / "wattseal")
