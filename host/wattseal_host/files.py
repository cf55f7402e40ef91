"""Reading and writing whole files: bounded reads, atomic writes, owner-only secrets."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from wattseal.errors import Misuse

from wattseal_host.errors import Unusable

MAX_FILE_BYTES = 64 * 1024 * 1024
OWNER_ONLY = 0o600


def read_bounded(path: str | os.PathLike[str], limit_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a regular file, at most `limit_bytes`.

    Raises Unusable `file-missing`, `file-not-regular` (a directory, a device, a pipe) or
    `file-huge`; other OSErrors pass through.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unusable("file-missing", str(path)) from error
    if not stat.S_ISREG(mode):
        raise Unusable("file-not-regular", str(path))
    with path.open("rb") as file:
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise Unusable("file-huge", f"{path} is over {limit_bytes} bytes")
    return data


def read_secret(path: str | os.PathLike[str], limit_bytes: int = 1024 * 1024) -> bytes:
    """`read_bounded` for a file that holds a secret: refused when others may read it."""
    data = read_bounded(path, limit_bytes)
    mode = stat.S_IMODE(Path(path).stat().st_mode)
    if mode & 0o077:
        raise Misuse("secret-exposed", f"{path} has mode {mode:04o}, wants 0600")
    return data


def write_atomic(path: str | os.PathLike[str], data: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `data` in one step: a reader sees the old file or the new one, whole.

    The temporary file lies beside the target with mode 0600 from its first byte, and is
    synced before the rename, so that a secret is never readable by others, not for a moment.
    Raises Unusable `file-not-regular` for a device, a pipe or a directory, which is left alone.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise Unusable("file-not-regular", str(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        error.filename = str(path)  # which was asked for; the other is ours
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_secret(path: str | os.PathLike[str], data: bytes) -> None:
    """`write_atomic` with mode 0600."""
    write_atomic(path, data, OWNER_ONLY)


def write_token(path: str | os.PathLike[str], token: str) -> None:
    """Write a signed document as one line."""
    write_atomic(path, token.encode("ascii") + b"\n")


def read_token(path: str | os.PathLike[str]) -> str:
    """A signed document's file. Raises Unusable `jws-file` if it is not text of one line."""
    try:
        text = read_bounded(path, MAX_FILE_BYTES).decode("ascii").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise Unusable("jws-file", f"{path} is no signed document") from error
    if text.count(".") != 2 or not text.replace(".", "").isprintable():
        raise Unusable("jws-file", f"{path} is no signed document")
    return text
