"""A worker process: reads jobs from its standard input, writes results to its standard output.

Started by `workers.py` and by nobody else; messages are pickles between two processes of one
user, each after its length in 8 bytes. Ends when its input does.
"""

from __future__ import annotations

import gc
import pickle
import signal
import sys
from typing import Any, BinaryIO


def send(pipe: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(8, "big"))
    pipe.write(data)
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """The next message. Raises EOFError at the end."""
    length = pipe.read(8)
    if len(length) < 8:
        raise EOFError
    data = pipe.read(int.from_bytes(length, "big"))
    return pickle.loads(data)


def main() -> None:
    from wattseal_host.proof.jobs import perform

    # The terminal's interrupt is the parent's to handle: it closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # points are tuples of numbers: no cycles to find
    while True:
        try:
            job = receive(sys.stdin.buffer)
        except EOFError:
            return
        send(sys.stdout.buffer, perform(job))
