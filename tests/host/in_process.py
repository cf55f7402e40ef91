"""Commands in this process: for tests that give many and care for what they print."""

from __future__ import annotations

import contextlib
import io
import sys
from subprocess import CompletedProcess
from unittest import mock

from wattseal_host.cli.main import run


def wattseal(*arguments: object) -> CompletedProcess[str]:
    """Run one command; its exit code, stdout and stderr."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    argv = ["wattseal", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch("signal.signal"),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            run()
        except SystemExit as ended:
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read())
            return CompletedProcess(argv, int(ended.code or 0), *texts)
    raise AssertionError("a command ends by saying how")
