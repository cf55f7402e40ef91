"""Fetch a Debian package without root, into a directory of our own: MicroPython, or a tool.

Works on Debian and its close relatives, whatever their release: the archive's address is that of
the machine's own package sources, the package lists, cache and state are private (no lock of the
system is taken, none of its hooks run), signatures are checked by apt with Debian's key ring, and
the files run through their own loader and C library. The finished tree appears under its name by
one rename, so two processes that fetch at the same time do no harm.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wattseal_hil.errors import BoardError

SUITE = "trixie"  # Debian 13, the first release with the package; MicroPython 1.25
PACKAGES = ["micropython", "libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7"]
_SUITES = "stable|oldstable|oldoldstable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_ARCHITECTURES = {
    64: ("amd64", "usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu"),
    32: ("i386", "usr/lib/ld-linux.so.2", "usr/lib/i386-linux-gnu"),
}


def cache_dir() -> Path:
    """Where this project keeps what it fetched for this user."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "wattseal"


class _Unavailable(Exception):
    """Why a package cannot be had here, in a few words."""


def _tree(bits: int, program: str = "micropython") -> Path:
    return cache_dir() / f"{program}-{SUITE}-{_ARCHITECTURES[bits][0]}"


def _argv(bits: int, root: Path, program: str = "micropython") -> list[str]:
    _, loader, libraries = _ARCHITECTURES[bits]
    return [
        str(root / loader),
        *("--argv0", program, "--library-path", str(root / libraries)),
        str(_program(root, program)),
    ]


def _program(root: Path, program: str) -> Path:
    """Where a package puts it: daemons are in sbin."""
    daemon = root / "usr/sbin" / program
    return daemon if daemon.exists() else root / "usr/bin" / program


def installed(bits: int, program: str = "micropython") -> list[str] | None:
    """The command of the copy fetched before, or None."""
    root = _tree(bits, program)
    return _argv(bits, root, program) if _program(root, program).exists() else None


def hint() -> str:
    """One sentence: how to get MicroPython on this system."""
    if sys.platform == "darwin":
        return "run 'brew install micropython'"
    if shutil.which("apt-get"):
        return "run 'apt-get install micropython' on Debian 13 or newer"
    if shutil.which("pacman"):
        return "install 'micropython' from the AUR"
    return "build the unix port of MicroPython 1.24 or newer"


def _missing(reason: str, bits: int) -> BoardError:
    variable = "WATTSEAL_MICROPYTHON" if bits == 64 else "WATTSEAL_MICROPYTHON32"
    detail = f"no MicroPython of {bits} bits ({reason}); {hint()}, or set {variable} to its path"
    return BoardError("vm-missing", detail)


def _archives(work: Path) -> list[str]:
    """Addresses in the machine's own package sources that may be a Debian archive, in order.

    Asked of apt with an empty list directory, since a fresh machine has no lists yet; a foreign
    archive with suites named after Debian's is found out later, by its signature.
    """
    command = [
        *("apt-get", "-o", "Debug::NoLocking=1", "-o", f"Dir::State::lists={work}/state/lists"),
        *("update", "--print-uris"),
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.findall(rf"^'(\S+)/dists/(?:{_SUITES})/InRelease'", out, re.MULTILINE)
    if not found:
        raise _Unavailable("this machine's package sources name no Debian archive")
    return list(dict.fromkeys(found))


_APT_CONF = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
Dir::Etc::sourcelist "{work}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{work}/state";
Dir::State::lists "{work}/state/lists";
Dir::State::status "/dev/null";
Dir::Cache "{work}/cache";
Dir::Cache::archives "{work}/cache/archives";
"""


def fetch(bits: int) -> list[str]:
    """Fetch, unpack and install MicroPython; its command. BoardError `vm-missing` if not."""
    try:
        return _fetch(bits, "micropython", PACKAGES)
    except _Unavailable as reason:
        raise _missing(str(reason), bits) from None


def tool(program: str, packages: Sequence[str]) -> list[str]:
    """The command of a program: the machine's own, or that of a private copy of `packages`.

    `packages` are the Debian packages it needs, its own and all libraries but the C library.
    BoardError `tool-missing` if neither can be had.
    """
    if on_path := shutil.which(program):
        return [on_path]
    try:
        return installed(64, program) or _fetch(64, program, [*packages, "libc6"])
    except _Unavailable as reason:
        detail = f"no {program} ({reason}); on Debian, apt install {packages[0]}"
        raise BoardError("tool-missing", detail) from None


def _fetch(bits: int, program: str, packages: Sequence[str]) -> list[str]:
    for needed in ("apt-get", "dpkg-deb"):
        if not shutil.which(needed):
            raise _Unavailable(f"no {needed} to fetch it with")
    if os.uname().machine != "x86_64":
        raise _Unavailable(f"it is fetched on x86_64 only, this is {os.uname().machine}")
    if not KEYRING.exists():
        raise _Unavailable(f"{KEYRING} is missing to check Debian's signatures")
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache_dir()) as work:
            root = _unpack(Path(work), bits, packages)
            try:
                root.rename(_tree(bits, program))
            except OSError:
                if installed(bits, program) is None:  # not because another process was first
                    raise
    except OSError as error:
        raise _Unavailable(f"cannot write {cache_dir()}: {error.strerror}") from None
    return _argv(bits, _tree(bits, program), program)


def _unpack(work: Path, bits: int, packages: Sequence[str]) -> Path:
    """Download into `work` and unpack; the directory that holds usr/."""
    (work / "root").mkdir()
    _download(work, bits, "deb", ["download", *packages])
    for package in sorted((work / "deb").glob("*.deb")):
        if failure := _failure(["dpkg-deb", "-x", str(package), str(work / "root")], work):
            raise _Unavailable(failure)
    return work / "root"


def fetch_source(work: Path) -> Path:
    """Download MicroPython's sources into `work`; the archive. BoardError `vm-missing` if not."""
    try:
        if not shutil.which("apt-get") or not KEYRING.exists():
            raise _Unavailable(f"no apt-get or no {KEYRING} to fetch its source with")
        _download(work, 64, "deb-src", ["source", "--download-only", PACKAGES[0]])
    except _Unavailable as reason:
        raise _missing(str(reason), 64) from None
    return next((work / "deb").glob("*.orig.tar.*"))


def source_tree() -> Path:
    """MicroPython's sources, fetched once. BoardError `vm-missing` if they cannot be had."""
    tree = cache_dir() / f"micropython-{SUITE}-source"
    if not tree.is_dir():
        cache_dir().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache_dir()) as work:
            with tarfile.open(fetch_source(Path(work))) as archive:
                archive.extractall(work, filter="data")
            try:
                next(Path(work).glob("micropython-*")).rename(tree)
            except OSError:
                if not tree.is_dir():  # not because another process was first
                    raise
    return tree


def _download(work: Path, bits: int, kind: str, command: list[str]) -> None:
    """Run an apt-get command in `work`/deb, with an apt of its own."""
    for name in ("state/lists/partial", "cache/archives/partial", "deb"):
        (work / name).mkdir(parents=True)
    architecture = _ARCHITECTURES[bits][0]
    (work / "apt.conf").write_text(_APT_CONF.format(work=work, architecture=architecture))
    apt = ["apt-get", "-c", str(work / "apt.conf"), "-q=2"]
    failure = None
    for archive in _archives(work):
        source = f"{kind} [signed-by={KEYRING}] {archive} {SUITE} main\n"
        (work / "sources.list").write_text(source)
        failure = _failure([*apt, "update"], work) or _failure([*apt, *command], work)
        if failure is None:
            return
    raise _Unavailable(failure or "no archive")


def _failure(command: list[str], work: Path) -> str | None:
    """Run `command` among the packages; what it complained of, if it failed."""
    done = subprocess.run(
        command,
        cwd=work / "deb",
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines() or ["no reason given"]
    return f"{command[0]} failed: {next((x for x in lines if x.startswith('E:')), lines[-1])}"
