"""The generators' cache: whatever is in the file, the generators are the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wattseal_host.proof import generators
from wattseal_host.proof.group import P256

LEVEL = 3  # indices 4 to 7
SCRIPT = """
from wattseal_host.proof.group import P256
print(P256.encode(P256.vectors(8).exp([1] * 8, [2] * 8, [], [])).hex())
"""


@pytest.fixture
def level(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    start, stop = generators.level_range(LEVEL)
    points = [generators.hash_points(name, start, stop) for name in "GH"]
    generators.write_level(LEVEL, *points)
    assert generators.read_level(LEVEL) == tuple(points)
    return generators.cache_directory() / f"level-{LEVEL:02d}"


def test_a_damaged_level_is_not_read(level) -> None:
    good = level.read_bytes()
    for at in range(0, len(good), 37):
        changed = bytearray(good)
        changed[at] ^= 1 << at % 8
        level.write_bytes(changed)
        assert generators.read_level(LEVEL) is None
    for damaged in (b"", good[:-1], good + b"\0", good[: len(good) // 2], bytes(len(good))):
        level.write_bytes(damaged)
        assert generators.read_level(LEVEL) is None


def test_one_level_is_not_taken_for_another(level) -> None:
    level.rename(level.with_name(f"level-{LEVEL + 1:02d}"))
    assert generators.read_level(LEVEL) is None
    assert generators.read_level(LEVEL + 1) is None


def made_anew(cache: Path) -> bytes:
    """The sum of the first generators, as a fresh process with this cache has it."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    return bytes.fromhex(done.stdout.decode())


def test_a_process_makes_anew_what_is_damaged_and_keeps_it(level, tmp_path) -> None:
    true = P256.encode(P256.vectors(8).exp([1] * 8, [2] * 8, [], []))
    level.write_bytes(level.read_bytes()[:-1] + b"?")
    assert made_anew(tmp_path) == true
    assert generators.read_level(LEVEL) is not None


def test_a_cache_that_cannot_be_written_is_only_slow(tmp_path) -> None:
    true = P256.encode(P256.vectors(8).exp([1] * 8, [2] * 8, [], []))
    (tmp_path / "wattseal").write_text("no folder")
    assert made_anew(tmp_path) == true
    assert (tmp_path / "wattseal").read_text() == "no folder"
