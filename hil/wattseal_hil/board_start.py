"""What a board's VM is started with, each time the power comes or the firmware resets."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattseal_hil.link import SharedMemory, VmProcess
from wattseal_hil.nor import FlashImage
from wattseal_hil.real.boards import BoardData
from wattseal_hil.rig.identity import source_identity
from wattseal_hil.vm import Vm


@dataclass
class BoardStart:
    """All that stays the same from start to start. settings, calibration: JSON, or empty;
    firmware, shim: as deployed from `sources`."""

    vm: Vm
    shared: SharedMemory
    flash: FlashImage
    firmware: Path
    shim: Path
    heap_bytes: int
    conversion_us: int
    seed: int
    settings: str
    calibration: str
    board: BoardData
    sources: Path
    starts: int = 0

    def start(self, rtc_us: int) -> VmProcess:
        """The firmware, begun. rtc_us: of its clock, since 2000."""
        image = hashlib.sha256(self.flash.path.read_bytes()).hexdigest()
        self.starts += 1
        return VmProcess(
            self.vm,
            heap_bytes=self.heap_bytes,
            shared=self.shared,
            flash=self.flash.path,
            blocks=self.flash.blocks,
            firmware=self.firmware,
            shim=self.shim,
            rtc_us=rtc_us,
            # The image tells apart the starts of two board objects that share a flash.
            seed=self._digest("urandom", f"{self.starts} {image}"),
            unique_id=self._digest("unique id", "")[:12],
            settings=self.settings,
            conversion_us=self.conversion_us,
            calibration=self.calibration,
            wiring=self.board.wiring,
        )

    def _digest(self, purpose: str, more: str) -> str:
        text = f"wattseal board {self.seed} {purpose} {more}"
        return hashlib.sha256(text.encode()).hexdigest()

    def implementation(self) -> str:
        """`sys.implementation` as the VM itself prints it."""
        command = [*self.vm.argv, "-c", "import sys; print(sys.implementation)"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def identity(self) -> dict[str, Any]:
        """What a tape begins with."""
        return {
            "rig": "emulated",
            "firmware": source_identity(self.sources),
            "vm": self.implementation(),
            "board": {
                "chip": self.board.chip,
                "seed": self.seed,
                "settings": json.loads(self.settings or "{}"),
                "calibration": json.loads(self.calibration or "{}"),
            },
        }
