"""The rig of a test session: opened at its first use, recorded test by test, closed at the end."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.rig.interface import CONSOLE, SUPPLY, TAPE, Rig
from wattseal_hil.rig.spec import Emulated, RigSpec, open_rig

_NAME_CHARACTERS = 80
_CONSOLE_SHOWN = 4000


class RigSession:
    """A rig, the test it is in, and that test's tape.

    The power comes on once, when the first test's tape runs already. Between tests nothing is
    reset; but a board that a test left without power, or whose firmware has stopped, gets its power
    back for the next one.
    """

    def __init__(self, spec: RigSpec, tapes: Path, test: str) -> None:
        self.rig: Rig = open_rig(spec)
        self.load_at_rest: Any = 0.0
        if isinstance(spec, Emulated):
            self.load_at_rest = spec.options.get("load", 0.0)
        self.tape: Path | None = None
        self.console_begin = 0
        self._tapes = tapes
        self._test = ""
        self._seen: BoardError | None = None
        try:
            self._record(test)
            self.rig.start()
        except BaseException:
            self.close()
            raise

    def begin(self, test: str) -> None:
        """From now on it is this test. May be called twice for one."""
        if test == self._test:
            return
        self.console_begin = len(self._console())
        self._record(test)
        self._seen = self.rig.failure
        if self._seen or (SUPPLY in self.rig.features and not self.rig.powered):
            self.rig.start()

    def end(self) -> BoardError | None:
        """The test is over: its tape is closed. What stopped the firmware in it, if anything."""
        if self.tape:
            self.rig.stop_recording()
        failure = self.rig.failure
        return None if failure is self._seen else failure

    def _record(self, test: str) -> None:
        self._test = test
        self.tape = None
        if TAPE in self.rig.features:
            self._tapes.mkdir(parents=True, exist_ok=True)
            self.tape = self._tapes / f"{file_name(test)}.tape"
            self.tape.unlink(missing_ok=True)
            self.rig.record(self.tape)

    def _console(self) -> str:
        return self.rig.console if CONSOLE in self.rig.features else ""

    def said(self) -> str:
        """What the firmware has printed since the test began (the end of it)."""
        return self._console()[self.console_begin :][-_CONSOLE_SHOWN:]

    def close(self) -> None:
        self.rig.close()


def file_name(test: str) -> str:
    """A file's name for a test, told apart from others of a like name."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", test.rpartition("/")[2]).strip("-.")
    return f"{plain[:_NAME_CHARACTERS]}-{zlib.crc32(test.encode()):08x}"
