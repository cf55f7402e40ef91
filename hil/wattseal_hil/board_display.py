"""What can be seen on a board's display."""

from wattseal_hil.display import png_of, text_of
from wattseal_hil.supervisor import Supervisor
from wattseal_hil.vm import Vm


class BoardDisplay:
    """What a board has of it."""

    _bench: Supervisor
    vm: Vm

    def display_text(self) -> str:
        """8 lines, as a person reads them; all empty while it is dark."""
        return text_of(self._bench.call(self._bench.bus.display.pixels), self.vm)

    def display_png(self) -> bytes:
        """A picture of it."""
        return png_of(self._bench.call(self._bench.bus.display.pixels))
