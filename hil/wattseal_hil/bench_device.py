"""`make bench-device`: what sealing costs on a chip, in instructions. Writes one JSON file.

    python -m wattseal_hil.bench_device build/bench-device.json

Every figure is the worst of several seals of one channel. Idle: the blinding's multiple, made
before the reading is known. Critical: from the reading to the signed record. An answer waits for
the step under way, at worst the longest.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from wattseal.commitment import opens
from wattseal.ecdsa import verify
from wattseal.p256 import decode_point
from wattseal.record import decode_sealed

from wattseal_hil import riscv
from wattseal_hil.deploy import deployed
from wattseal_hil.errors import BoardError
from wattseal_hil.tree import FIRMWARE

SCRIPT = Path(__file__).parent / "on_chip" / "sealing.py"
BILLING = Path(__file__).parent / "on_chip" / "billing.py"
GOALS = {
    "critical_instructions": 12_000_000,
    "total_instructions": 20_000_000,
    "largest_step_instructions": 6_000_000,
}
NS_AN_INSTRUCTION = 11  # ESP32 at 240 MHz, from published benchmarks


def figures(printed: str) -> dict[str, int]:
    """The bench's figures from what the script printed.

    Raises BoardError `bench-wrong` if a record it sealed is not what it should be.
    """
    *seals, answers = [json.loads(line) for line in printed.splitlines()]
    for _, _, value, blinding, key, sealed in seals:
        record = decode_sealed(bytes.fromhex(sealed))
        point = decode_point(record.channels[0][0])
        if not opens(point, value, int(blinding, 16)) or not verify(
            decode_point(bytes.fromhex(key)), record.digest, record.signature
        ):
            raise BoardError("bench-wrong", f"record {record.seq} does not verify")
    largest = max(max(idle + critical) for idle, critical, *_ in seals)
    return {
        "idle_instructions": max(sum(idle) for idle, *_ in seals),
        "critical_instructions": max(sum(critical) for _, critical, *_ in seals),
        "total_instructions": max(sum(idle) + sum(critical) for idle, critical, *_ in seals),
        "largest_step_instructions": largest,
        "modbus_answer_instructions": max(answers),
        "worst_answer_instructions": largest + max(answers),
    }


def bill_figures(printed: str) -> dict[str, int]:
    """What a record costs in the meter's own bill. BoardError `bench-wrong` if the fee is wrong."""
    spent, records, answer = json.loads(printed)
    told = json.loads(answer.removeprefix("#bill "))
    if told["next"] != records or told["fee"] != str(31410 * 1000 * sum(range(records))):
        raise BoardError("bench-wrong", f"the meter's bill is {told['fee']}")
    return {"bill_of_a_record_instructions": spent // records}


def main(target: Path) -> int:
    """Measure, write `target`, print a table; 1 if a goal is missed."""
    from rich.console import Console
    from rich.table import Table

    with tempfile.TemporaryDirectory(prefix="wattseal-bench-") as work:
        scripts = [SCRIPT.read_text(), BILLING.read_text()]
        image = deployed(FIRMWARE, "romfs", Path(work), callers=scripts)
        found = figures(riscv.run(scripts[0], image))
        found |= bill_figures(riscv.run(scripts[1], image))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    table = Table("RISC-V 32, MicroPython 1.25, 128 KiB heap", "instructions", "goal", "ESP32, ms")
    for name, count in found.items():
        goal: Any = GOALS.get(name)
        words = name.removesuffix("_instructions").replace("_", " ")
        milliseconds = f"{count * NS_AN_INSTRUCTION / 1e6:.0f}"
        table.add_row(words, f"{count:,}", f"{goal:,}" if goal else "", milliseconds)
    Console().print(table)
    missed = [name for name, goal in GOALS.items() if found[name] > goal]
    for name in missed:
        print(f"{name} is {found[name]:,}, the goal is {GOALS[name]:,}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except BoardError as error:
        sys.exit(f"error: {error}")
