"""Which MicroPython is taken, and what is said when there is none."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from wattseal_hil import debian
from wattseal_hil.errors import BoardError
from wattseal_hil.vm import MINIMUM, find_vm, probe


def fake(path: Path, output: str) -> Path:
    """A command that answers the probe with `output`."""
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_both_word_sizes_are_what_they_say(vm):
    assert vm.version >= (*MINIMUM, 0)
    print_size = [*vm.argv, "-c", "import sys; print(sys.maxsize)"]
    size = int(subprocess.run(print_size, capture_output=True, check=True).stdout)
    assert size == 2 ** (vm.bits - 1) - 1


def test_the_environment_names_a_vm_by_path_or_command(vm64, monkeypatch):
    command = " ".join(vm64.argv)
    monkeypatch.setenv("WATTSEAL_MICROPYTHON", command)
    assert find_vm(64) == vm64


def test_a_vm_on_path_is_taken_when_it_fits(vm64, monkeypatch, tmp_path):
    fake(tmp_path / "micropython", "micropython 1 27 0 64")
    monkeypatch.delenv("WATTSEAL_MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_vm(64).version == (1, 27, 0)


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("micropython 1 23 0 64", "vm-too-old"),
        ("micropython 1 25 0 32", "vm-broken"),
        ("cpython 3 11 7 64", "vm-broken"),
        ("", "vm-broken"),
    ],
)
def test_a_named_vm_that_does_not_serve_is_refused(output, code, monkeypatch, tmp_path):
    monkeypatch.setenv("WATTSEAL_MICROPYTHON", str(fake(tmp_path / "mp", output)))
    with pytest.raises(BoardError) as refused:
        find_vm(64)
    assert refused.value.code == code


def test_cpython_is_never_taken_for_a_vm():
    with pytest.raises(BoardError) as refused:
        probe([sys.executable])
    assert refused.value.code == "vm-broken"


def test_a_machine_without_any_is_told_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("WATTSEAL_MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(BoardError) as refused:
        find_vm(64)
    assert refused.value.code == "vm-missing"
    assert "WATTSEAL_MICROPYTHON" in refused.value.detail
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_two_processes_that_fetch_at_once_both_succeed(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fetch = [sys.executable, "-c", "from wattseal_hil.debian import fetch; fetch(64)"]
    # As on a fresh machine: apt has no lists of its own yet.
    (tmp_path / "apt.conf").write_text(f'Dir::State::lists "{tmp_path}/none";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    both = [subprocess.Popen(fetch, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    if any("vm-missing" in error for error in errors):
        pytest.skip(f"nothing can be fetched here: {errors[0].splitlines()[-1]}")
    assert [process.returncode for process in both] == [0, 0], errors
    assert probe(debian.installed(64) or []).bits == 64
    assert os.listdir(debian.cache_dir()) == ["micropython-trixie-amd64"]
