"""Makes the bundles in `kept/`, which verify for ever. Run once; a second run makes others.

python tests/host/make_kept_bundles.py [joint]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from replaced_house import Replaced  # noqa: E402
from sealed_house import House  # noqa: E402
from test_joint_bill import replaced  # noqa: E402
from test_shaped_tariffs import STANDING, VAT, house, part, readings  # noqa: E402
from wattseal_host.trust import Trust  # noqa: E402

FLAT = part("flat", price=2500)
BLOCKS = part(
    "tiers", mode="cumulative", unit_exponent=3, span="day",
    tiers=[{"up_to": 2, "price": 1000}, {"price": 4000}],
)  # fmt: skip


def joint() -> None:
    """Bundles of version 2, over two meters: the fee opened, and blocks proven."""
    kept = HERE / "kept"
    opened = replaced(FLAT, STANDING, VAT, seed=21)
    (kept / "joint-linear.json").write_bytes(opened.bill(full=True).data)
    proven = Replaced(
        opened.meters, replaced(FLAT, BLOCKS, VAT, seed=21).tariffs, provider=opened.provider
    )
    (kept / "joint-circuit.json").write_bytes(proven.bill().data)
    (kept / "joint-trust.json").write_bytes(opened.trust.write())


def main() -> None:
    values = readings(21)[:48]
    kept = HERE / "kept"
    kept.mkdir(exist_ok=True)
    linear = house(values, FLAT, STANDING, VAT)
    shaped = House(
        linear.meter,
        house(values, FLAT, BLOCKS, STANDING, VAT).tariff,
        linear.provider,
        linear.from_s,
        linear.to_s,
    )
    (kept / "linear.json").write_bytes(linear.bill(consent=True, full=True).data)
    (kept / "circuit.json").write_bytes(shaped.bill(consent=True, full=False).data)
    trust = Trust((linear.public,), (linear.meter.key,))
    (kept / "trust.json").write_bytes(trust.write())


if __name__ == "__main__":
    joint() if sys.argv[1:] == ["joint"] else main()
