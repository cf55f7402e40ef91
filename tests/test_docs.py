"""The documents are true: their commands run, print what they show, and their links lead somewhere.

A command is a line `$ …` in a block marked `console`; the lines below it are what it prints. They
are compared word by word, with numbers and hexadecimal names masked.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from wattseal_host.report import screenshot

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "typings", "build", "node_modules", "demo-out"} & set(path.parts)
)
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# What takes a lane of its own, or would run this very test again.
_NOT_HERE = {"make test", "make bench", "make bench-device", "make fuzz", "make cuts"}


def commands(path: Path) -> list[tuple[str, list[str]]]:
    """Return (command, lines it is shown to print) of a document's console blocks, in order."""
    found: list[tuple[str, list[str]]] = []
    for block in _BLOCK.findall(path.read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found:
                found[-1][1].append(line)
    return found


def masked(text: str) -> str:
    """Mask what differs between runs and machines: numbers, digests and keys, white space."""
    text = re.sub(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\b|(?<!\S)[\w-]{43}(?!\S)", "#", text)
    return " ".join(re.sub(r"[-+]?\d+(\.\d+)*", "#", text).split())


def test_there_are_documents():
    assert README in DOCUMENTS
    assert commands(README)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links(path: Path):
    for target in _LINK.findall(path.read_text()):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, target


@pytest.mark.parametrize(
    "path", [p for p in DOCUMENTS if commands(p)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_commands(path: Path, tmp_path: Path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    with Background() as background:
        run_all(path, tmp_path, environment, background)
    if path == README:
        picture(tmp_path / "demo-out" / "report.html")


class Background:
    """Commands that end in `&`: each prints a line, and goes on until the document ends."""

    def __init__(self) -> None:
        self._processes: list[tuple[str, subprocess.Popen[str]]] = []

    def __enter__(self) -> Background:
        return self

    def start(self, command: str, folder: Path, environment: dict[str, str]) -> str:
        words = shlex.split(command.removesuffix("&"))
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        )
        self._processes.append((command, process))
        assert process.stdout
        line = process.stdout.readline()
        assert line, f"{command} printed nothing"
        return line

    def __exit__(self, *_: object) -> None:
        for _, process in self._processes:
            process.send_signal(signal.SIGINT)
        for command, process in self._processes:
            assert process.wait(20) in (0, 130), command


def run_all(
    path: Path, tmp_path: Path, environment: dict[str, str], background: Background
) -> None:
    for command, shown in commands(path):
        if command.endswith("&"):
            printed = masked(background.start(command, tmp_path, environment))
            for line in shown:
                assert masked(line) in printed, f"{command}: {line}"
            continue
        if command in _NOT_HERE:
            target = command.split()[1]
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
            continue
        words = ["bash", "-c", command] if "$(" in command else shlex.split(command)
        if words[0] == "make":
            # In the tree, but with results in the folder that the commands after it look into.
            words = ["make", "-C", str(ROOT), *words[1:]]
            if words[3:4] == ["demo"]:
                words.append(f"ARGS=--out {tmp_path / 'demo-out'}")
        if words[0] == "suns.py":
            # pip leaves it without the permission to run, which the guide says.
            words = ["python", str(ROOT / ".venv" / "bin" / words[0]), *words[1:]]
        if words[0] != "pytest":
            words = [
                str(ROOT / word) if word.startswith(("hil/", "examples/")) else word
                for word in words
            ]
        # Suites that are part of the tree are run in it.
        folder = ROOT if words[0] == "pytest" else tmp_path
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        printed = masked(done.stdout.replace(f"{tmp_path}/", ""))
        for line in shown:
            assert masked(line) in printed, f"{command}: {line}"


def picture(page: Path) -> None:
    """Make the README's picture of the report, as build/report.png; `make pictures` keeps it."""
    if screenshot.find_browser() is None:
        pytest.skip("no Chromium, no picture: on Debian, apt install chromium")
    fresh = ROOT / "build" / "report.png"
    fresh.parent.mkdir(exist_ok=True)
    screenshot.take(page.read_text("utf-8"), fresh, 1280, 1040)
    size = slice(16, 24)  # width and height in a PNG's header
    assert fresh.read_bytes()[size] == (ROOT / "docs" / "report.png").read_bytes()[size]
