"""What `customer export` sees before it asks anybody, and what it shows meanwhile."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import pytest
from in_process import wattseal
from wattseal_host.cli import output
from wattseal_host.export import fetch
from wattseal_host.export.way import Clock

ORIGIN = "https://a.example"


@pytest.fixture(scope="module")
def applets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of half-hours, by PIN and standing."""
    tmp_path = tmp_path_factory.mktemp("applets")
    common = ["--key", tmp_path / "p.pem", "--publisher", "Example Ltd", "--origin", ORIGIN]
    common += ["--name", "Load curve", "--granularity-s", "1800"]
    for name, more in (("pin", []), ("standing", ["--recipient", tmp_path / "own.pem"])):
        out = tmp_path / f"{name}.bin"
        assert wattseal("applet", "sign", *common, *more, "--out", out).returncode == 0
    return tmp_path


@pytest.mark.parametrize(
    ("applet", "words", "code", "told"),
    [
        ("pin", ["--from", "2026-11-03", "--to", "2026-11-02"], "export-period", "begins before"),
        ("pin", ["--from", "2026-11-03", "--to", "2026-11-03"], "export-period", "begins before"),
        ("pin", ["--every-s", "0"], "export-scope", "sums of 1800 s"),
        ("pin", ["--every-s", "900"], "export-scope", "sums of 1800 s"),
        ("pin", ["--every-s", "2700"], "export-scope", "multiples of it"),
        ("pin", ["--from", "2026-11-01T00:15"], "export-scope", "begin and end at multiples"),
        ("standing", [], "usage", "--key"),
        ("standing", ["--key", "p.pem"], "export-key", "not the key"),
    ],
)  # fmt: skip
def test_what_an_applet_can_never_have_is_not_asked_for(
    applets: Path, applet: str, words: list[str], code: str, told: str
) -> None:
    """The port is not even opened: there is none."""
    given = {"--from": "2026-11-01", "--to": "2026-11-02", "--every-s": "1800"}
    given.update(zip(words[::2], words[1::2], strict=True))
    if "--key" in given:
        given["--key"] = str(applets / given["--key"])
    options = [word for pair in given.items() for word in pair]
    done = wattseal(
        "customer", "export", "--port", applets / "none", "--applet", applets / f"{applet}.bin",
        "--out", applets / "out.json", *options,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {code}") and told in done.stderr


class _Quick(Clock):
    """Waits without waiting."""

    def __init__(self) -> None:
        self.now = 0.0

    def ticks_s(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_who_never_answered_is_not_waited_for_long(
    applets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port may be another: it is said at once, and given up after half a minute."""
    clock = _Quick()
    monkeypatch.setattr(fetch, "Clock", lambda: clock)
    done = wattseal(
        "customer", "export", "--port", applets / "none", "--applet", applets / "pin.bin",
        "--from", "2026-11-01", "--to", "2026-11-02", "--every-s", "1800",
        "--out", applets / "out.json",
    )  # fmt: skip
    assert done.returncode == 2 and fetch.MEET_S < clock.now < fetch.MEET_S + 2
    first, last = done.stderr.splitlines()
    assert first.startswith("no answer yet: is this the meter's utility port")
    assert last.startswith("error: port-missing")


def test_a_bar_leaves_the_terminal_to_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn until there is something to tell."""
    ours, theirs = os.openpty()
    shown = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 4096):
                shown.extend(data)
        except OSError:
            return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with io.TextIOWrapper(os.fdopen(theirs, "wb", buffering=0), write_through=True) as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with output.late_progress("exporting") as bar:
            threading.Event().wait(0.3)
            terminal.write("PIN: ")
            threading.Event().wait(0.3)
            before = bytes(shown)
            bar(1, 2)
            threading.Event().wait(0.3)
    reader.join(5)
    assert before == b"PIN: "
    assert b"exporting" in shown and b"50%" in shown
