"""`mbpoll`, a C program over libmodbus: register types, error replies and silence, RTU and TCP.

The machine's own program, or a private copy of Debian's.
"""

import re
import subprocess

import pytest
from wattseal_hil import debian
from wattseal_hil.errors import BoardError


@pytest.fixture(scope="module")
def program():
    try:
        return debian.tool("mbpoll", ["mbpoll", "libmodbus5"])
    except BoardError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["rtu", "tcp"])
def mbpoll(request, program, home):
    """Run it once on one of the two ways: (exit code, values by address, all it printed)."""
    if request.param == "rtu":  # a pty has no parity; on a real line leave out -P none
        way = ["-m", "rtu", "-b", "19200", "-P", "none", home.board.utility_port]
    else:
        way = ["-m", "tcp", "-p", str(home.tcp_port), "127.0.0.1"]

    def run(*options: str, write: tuple[str, ...] = ()):
        command = [*program, "-1", "-q", "-0", *options, *way, *write]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        values = dict(re.findall(r"(?m)^\[(\d+)\]:\s+(\S+)", done.stdout))
        return done.returncode, values, done.stdout + done.stderr

    run.rtu = request.param == "rtu"
    return run


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("-r 40000 -c 2 -t 4:hex", {"40000": "0x5375", "40001": "0x6E53"}),
        ("-r 0 -c 3 -t 3:hex", {"0": "0x5753", "1": "0x4C31", "2": "0x0001"}),
        ("-r 28 -c 1 -t 4:int -B", {"28": "1800"}),
        ("-r 28 -c 1 -t 3:int -B", {"28": "1800"}),
        ("-r 31 -c 1", {"31": "1"}),
        ("-r 68 -c 2 -t 4:int -B", {"68": "1", "70": "1"}),
        # a scale factor that says "not implemented", as no consent was given
        ("-r 40092 -c 1 -t 4:hex", {"40092": "0x8000"}),
    ],
)
def test_registers_of_several_types(mbpoll, options, shown):
    code, values, text = mbpoll(*options.split())
    assert (code, values) == (0, shown), text


def test_the_newest_record_register_by_register(mbpoll, home):
    code, values, text = mbpoll("-r", "128", "-c", "89", "-t", "4:hex")
    assert code == 0, text
    data = b"".join(int(values[str(at)], 16).to_bytes(2, "big") for at in range(128, 217))
    length = int.from_bytes(data[:2], "big")
    assert data[2 : 2 + length] == home.records()[-1]


@pytest.mark.parametrize(
    ("options", "write", "complaint"),
    [
        ("-r 300 -c 1", (), "Illegal data address"),
        ("-r 0 -c 1 -t 0", (), "Illegal function"),
        ("-r 0 -c 1 -t 1", (), "Illegal function"),
        ("-r 0", ("7",), "Illegal data address"),
        ("-r 0", ("7", "8"), "Illegal data address"),
        ("-r 0 -t 0", ("1",), "Illegal function"),
    ],
)
def test_errors_as_it_words_them(mbpoll, options, write, complaint):
    code, _, text = mbpoll(*options.split(), write=write)
    assert code != 0 and complaint in text, text


def test_what_it_is_by_function_17(mbpoll):
    if mbpoll.rtu:  # the program offers it on a serial line only
        assert "Data  : wattseal WS1 0.1.0" in mbpoll("-u")[2]


def test_another_unit(mbpoll):
    """Others' units get silence on the line; behind a TCP address there is one device alone."""
    code, values, text = mbpoll("-a", "9", "-r", "2", "-c", "1", "-o", "0.3")
    if mbpoll.rtu:
        assert code != 0 and "timed out" in text
    else:
        assert (code, values) == (0, {"2": "1"})
