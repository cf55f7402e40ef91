"""What can go wrong on the bench: with the VM, the emulated board, or a load.

Codes: vm-missing, vm-too-old, vm-broken, vm-stuck; firmware-missing, firmware-stopped,
firmware-ended; flash-overwrite, flash-size, flash-busy, flash-unusable; time-backwards, pace-range;
fault-malformed; settings-refused, board-closed, bench-failed, control-unusable; load-missing,
load-malformed, load-gap, load-range; feature-missing, feature-unknown, rig-spec, rig-environment,
rig-unreachable, rig-gone, load-local; tape-unusable, tape-format, tape-malformed; yaml-missing,
yaml-malformed; meter-silent, meter-answer, meter-refused, console-silent.
"""

from wattseal.errors import WattsealError


class BoardError(WattsealError):
    """The board cannot do what was asked; `detail` ends with the console's last lines, if any."""


class LoadError(WattsealError):
    """A load's description cannot be used."""
