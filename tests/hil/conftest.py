"""Fixtures of the bench's own tests: both VMs, the probe firmware, boards that are closed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.vm import Vm, find_vm

PROBE = Path(__file__).parent / "firmware_probe"


@pytest.fixture(scope="session")
def vm64() -> Vm:
    return find_vm(64)


@pytest.fixture(params=[64, 32], ids=["vm64", "vm32"])
def vm(request) -> Vm:
    return request.getfixturevalue(f"vm{request.param}")


@pytest.fixture
def make_board(tmp_path) -> Iterator[Callable[..., EmulatedBoard]]:
    """Boards in directories of their own; by default with the probe firmware and 1 kW."""
    boards = []

    def make(vm: Vm, **options) -> EmulatedBoard:
        options.setdefault("workdir", tmp_path / f"board{len(boards)}")
        options.setdefault("load", ConstantLoad(1000))
        options.setdefault("firmware", PROBE)
        boards.append(EmulatedBoard(vm, **options))
        return boards[-1]

    yield make
    for board in boards:
        board.close()


@pytest.fixture
def firmware(tmp_path) -> Callable[[str], Path]:
    """A firmware directory with this main.py."""

    def write(source: str) -> Path:
        path = tmp_path / "firmware"
        path.mkdir(exist_ok=True)
        (path / "main.py").write_text(source)
        return path

    return write
