"""What the meter has to say, or to ask, at this moment: on its display, or else on the console."""

from micropython import const

_READ_MS = const(3000)  # a press answers a question that could be read for so long
_UNSEEN_MS = const(0x2000_0000)  # six days: until it is drawn


class Notice:
    """A few lines of ASCII that take the display over and wake it: the newest, until `clear`.

    A display has 8 rows of 16 characters; longer lines go on in the next row. lines: () while
    there is nothing. question: whether a press answers it; without a display none is one, but for
    what is urgent: nobody gives away by a press what cannot be read. urgent: nothing else is shown
    until `release`. shown_ms: since when it can be read, in `Clock.monotonic_ms`. has_display:
    whether a display answers. wake: None, or called whenever anything has changed, perhaps in an
    interrupt.
    """

    def __init__(self, clock, console):
        self.lines = ()  # type: tuple[str, ...]
        self.question = False
        self.urgent = False
        self.shown_ms = 0
        self.has_display = False
        self.wake = None
        self._clock = clock
        self._console = console
        self._answer = None

    def ask(self, lines, answer):
        """Ask for a press of the button. answer: called by it, perhaps in an interrupt."""
        if not self.urgent:
            self._answer = answer
            self._show(lines, True)

    def say(self, lines):
        """Say something, a PIN for example."""
        if not self.urgent:
            self._show(lines, False)

    def insist(self, lines, question=False):
        """Say, or ask, what comes before all else: others are not shown until `release`."""
        self.urgent = True
        self._answer = None  # who asks sees that `question` has become False
        self._show(lines, question)

    def release(self):
        """Take that away."""
        self.urgent = False
        self.clear()

    def clear(self):
        """Take away what is said or asked, answered or not."""
        self.say(())

    def tell(self):
        """Say it on the console instead: no display answers, or it has ceased to."""
        self.question = self.question and self.urgent
        for line in self.lines:
            self._console("notice: " + line)
        self.shown()

    def shown(self):
        """Take note that from now on it can be read."""
        self.shown_ms = self._clock.monotonic_ms()

    def press(self, begun_ms):
        """Take a press of the button, perhaps in an interrupt. Tell whether it was an answer.

        begun_ms: when the button went down.
        """
        answers = self.question and begun_ms - self.shown_ms >= _READ_MS
        if answers:
            self.question = False
            if self._answer:
                self._answer()
        if self.wake:
            self.wake()
        return answers

    def _show(self, lines, question):
        self.question = False  # until the lines belong to it, no press is an answer
        self.lines = lines
        self.shown_ms = self._clock.monotonic_ms() + _UNSEEN_MS
        self.question = question
        if not self.has_display:
            self.tell()
        if self.wake:
            self.wake()
