"""`wattseal portal serve`, `portal demo` and `customer hand-over`, as a user types them."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from in_process import wattseal
from relay_bench import Customer
from wattseal.errors import Malformed, Misuse, Refused
from wattseal_host.cli import portal, relay
from wattseal_host.portal.applet import check_origin
from wattseal_host.portal.relayed import Relay as Client
from wattseal_host.portal.site import HERE

WATTSEAL = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "portal")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert, private


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"portal at (\S+)", line)
    assert found, line
    return found[1]


def test_never_in_clear_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cert = Path("cert.pem")
    for serve in (
        lambda: portal.serve(host="0.0.0.0"),
        lambda: portal.serve(tls_cert=cert),
        lambda: relay.command(["tty"], listen="0.0.0.0:0"),
        lambda: relay.command(["tty"], tls_cert=cert),
    ):
        with pytest.raises(Misuse) as caught:
            serve()
        assert caught.value.code == "tls"
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    """A user at the terminal, which is the meter's display and button, and on the website."""
    out = tmp_path / "readings.json"
    line = [*WATTSEAL, "portal", "demo", "--days", "1", "--port", "0", "--out", str(out)]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = _address(process)
        assert process.stdout is not None and process.stdin is not None
        meter = re.search(r"meter id ([0-9a-f]{32})", process.stdout.readline())
        assert meter and out.stat().st_mode & 0o777 == 0o600
        customer = Customer(url)
        customer.sign_up("ada", bytes.fromhex(meter[1]))
        assert "48 readings" in customer.hand_over(out.read_bytes()).text
        customer.ask(**{"from": "2026-01-01", "to": "2026-01-01"})
        for phase, told in (("applet", "Allow"), ("asked", "Export"), ("pin", r"PIN (\d{6})")):
            customer.until(phase)
            while not (found := re.search(told, process.stdout.readline())):
                pass
            if phase != "pin":
                time.sleep(6)  # a question is to be read first
                process.stdin.write("\n")
                process.stdin.flush()
        customer.type_pin(found[1])
        customer.until("done")
        assert "48 readings" in customer.http.get("/results?tariff=Night+and+day").text
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def test_relay_and_portal_by_tls(tmp_path: Path) -> None:
    """Key and token are made on the first run; the meter is not plugged in."""
    cert, key = _certificate(tmp_path)
    tls = ["--tls-cert", str(cert), "--tls-key", str(key)]
    started = []
    try:
        relay = [*WATTSEAL, "provider", "relay", "--utility", str(tmp_path / "tty"), *tls]
        relay += ["--listen", "127.0.0.1:0", "--tokens", str(tmp_path / "tokens")]
        started.append(subprocess.Popen(relay, stdout=subprocess.PIPE, text=True))
        assert started[0].stdout is not None
        at = started[0].stdout.readline().split()[-1]
        serve = [*WATTSEAL, "portal", "serve", "--port", "0", *tls, "--relay", at]
        serve += ["--relay-token", str(tmp_path / "tokens"), "--relay-ca", str(cert)]
        database = tmp_path / "portal.db"
        serve += ["--database", f"sqlite:///{database}", "--key", str(tmp_path / "publisher.pem")]
        started.append(subprocess.Popen(serve, stdout=subprocess.PIPE, text=True))
        url = _address(started[1])
        customer = Customer(url, verify=ssl.create_default_context(cafile=str(cert)))
        assert url.startswith("https://")
        assert "logged on as" in customer.sign_up("ada", bytes(16)).text
        assert "__Host-wattseal" in customer.http.cookies
        assert "its line is unplugged" in customer.ask().text
        for made in (database, tmp_path / "publisher.pem", tmp_path / "tokens"):
            assert made.stat().st_mode & 0o777 == 0o600
        stranger = Client(at, "t" * 43, str(cert))
        with pytest.raises(Refused) as caught:
            stranger.mailbox(bytes(16))
        assert caught.value.code == "relay-token"
        stranger.close()
        customer.http.close()
    finally:
        for process in started:
            process.send_signal(signal.SIGINT)
            process.wait(20)


@pytest.mark.parametrize("origin", ["portal.example", "https://a/b", "https://a@b", "ftp://a"])
def test_an_origin_that_is_none(origin: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_origin(origin)
    assert caught.value.code == "origin"


def test_the_vendored_file_is_the_one_that_was_built() -> None:
    vendor = HERE / "static" / "vendor"
    built = (vendor / "noble-curves.js").read_bytes()
    kept = (vendor / "noble-curves.js.sha256").read_text().split()[0]
    assert hashlib.sha256(built).hexdigest() == kept
    pinned = json.loads((vendor / "source" / "package.json").read_text())["dependencies"]
    assert all(version[0].isdigit() for version in pinned.values())


def test_a_relay_looks_first_and_writes_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["provider", "relay", "--utility", "/dev/nix", "--listen"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = wattseal(*options, f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    monkeypatch.setattr(portal, "run", lambda *told, **more: more["listening"].close())
    done = wattseal(*options, "127.0.0.1:0")
    assert done.returncode == 0 and (tmp_path / "relay.tokens").exists()
    assert done.stderr == "note: /dev/nix is not there yet: its meter is asked when it comes\n"


def test_a_portal_looks_first_and_writes_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for options in (
        ["--relay", "http://127.0.0.1:1"],
        ["--relay", "http://127.0.0.1:1", "--relay-token", "missing"],
        ["--origin", "https://a b"],
        ["--tariff", "missing"],
    ):
        done = wattseal("portal", "serve", "--port", "0", *options)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert not list(tmp_path.iterdir())
