"""What can go wrong before the converter and in it: a sensor unplugged, a code that is stuck.

The two rows of samples are the voltage's and the current's. The burden stays on the board, so an
input without its sensor rests at its bias, noise and all.
"""

import numpy as np
from numpy.typing import NDArray

INPUTS = ("voltage", "current")


class SensorFault:
    """A fault of one input, 0 the voltage's, 1 the current's; this one changes nothing."""

    def __init__(self, of: str) -> None:
        self.row = INPUTS.index(of)

    def levels(self, levels: NDArray[np.float32]) -> None:
        """Change what stands at the pins, from the bias, (2, n)."""

    def codes(self, codes: NDArray[np.uint16]) -> None:
        """Change what the converter says, (2, n)."""


class Unplugged(SensorFault):
    """The sensor of this input is not connected."""

    def levels(self, levels: NDArray[np.float32]) -> None:
        levels[self.row] = 0


class StuckAdc(SensorFault):
    """The converter says the same code (0 to 4095) whatever stands at the pin."""

    def __init__(self, of: str, code: int) -> None:
        super().__init__(of)
        self._code = code

    def codes(self, codes: NDArray[np.uint16]) -> None:
        codes[self.row] = self._code
