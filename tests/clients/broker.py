"""Mosquitto, the broker most homes run, and its own `mosquitto_sub` to read along: both Debian's.

TLS with an authority of its own, and a password: nobody else is let in.
"""

from __future__ import annotations

import base64
import datetime
import getpass
import hashlib
import ipaddress
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from wattseal_hil import debian
from wattseal_hil.errors import BoardError

USER, PASSWORD = "meter", "pass word ü"
_LIBRARIES = [
    "libmosquitto1", "libcjson1", "libdlt2", "libwrap0", "libcap2", "libsystemd0", "libssl3t64",
    "libwebsockets19t64", "zlib1g", "libzstd1", "libnsl2", "libtirpc3t64",
]  # fmt: skip


def tools() -> tuple[list[str], list[str]]:
    """The commands of broker and reader; skips, aloud, where they cannot be had."""
    try:
        broker = debian.tool("mosquitto", ["mosquitto", *_LIBRARIES])
        return broker, debian.tool("mosquitto_sub", ["mosquitto-clients", *_LIBRARIES])
    except BoardError as error:
        pytest.skip(f"{error} (and mosquitto-clients)")


class Broker:
    """Runs in `folder`; `authority` is the certificate that signed its own."""

    def __init__(self, folder: Path) -> None:
        self._command, self._reader = tools()
        self._folder = folder
        self.authority = folder / "ca.pem"
        _certify(folder)
        salt = bytes(12)
        kept = hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), salt, 101)
        words = [base64.b64encode(part).decode() for part in (salt, kept)]
        (folder / "users").write_text(f"{USER}:$7$101${words[0]}${words[1]}\n")
        (folder / "password").write_text(PASSWORD + "\n")
        (folder / "password").chmod(0o600)
        self.port, self.plain_port = _free(), _free()
        (folder / "broker.conf").write_text(
            f"user {getpass.getuser()}\nallow_anonymous false\npassword_file {folder}/users\n"
            f"listener {self.port} 127.0.0.1\ncertfile {folder}/broker.pem\n"
            f"keyfile {folder}/broker.key\nlistener {self.plain_port} 127.0.0.1\n"
        )
        self.start()

    @property
    def options(self) -> list[object]:
        """Of `wattseal customer mqtt`."""
        return [
            *("--broker", f"mqtts://localhost:{self.port}", "--ca", self.authority),
            *("--user", USER, "--password-file", self._folder / "password"),
        ]

    def start(self) -> None:
        log = (self._folder / "log").open("a")
        command = [*self._command, "-c", str(self._folder / "broker.conf")]
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.plain_port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def listen(self, path: Path) -> subprocess.Popen[bytes]:
        """Everything from now on, and what is retained, to a file: see `heard`."""
        return subprocess.Popen(
            [
                *self._reader, "-h", "127.0.0.1", "-p", str(self.plain_port), "-u", USER,
                "-P", PASSWORD, "-t", "#", "-F", "%r %t %p",
            ],
            stdout=path.open("wb"), stderr=subprocess.STDOUT, env={"PATH": os.defpath},
        )  # fmt: skip


def heard(path: Path) -> list[tuple[bool, str, Any]]:
    """(retained, topic, payload: of JSON its value) of every whole line."""
    found = []
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            retained, topic, payload = line.rstrip("\n").split(" ", 2)
            value = json.loads(payload) if payload.startswith("{") else payload
            found.append((retained == "1", topic, value))
    return found


def until(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """The first value of `condition` that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return value


def _certify(folder: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        for name in ("an authority of our own", "localhost")
    ]
    for at, path in enumerate(("ca.pem", "broker.pem")):
        made = (
            x509.CertificateBuilder(names[0], names[at], keys[at].public_key())
            .serial_number(at + 1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not at, path_length=None), critical=True)
        )
        if at:
            local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            made = made.add_extension(x509.SubjectAlternativeName(local), critical=False)
        pem = made.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (folder / path).write_bytes(pem)
    (folder / "broker.key").write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
