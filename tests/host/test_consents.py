"""`wattseal customer consents --approve`: what is approved is what the customer was shown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sealed_house import SealingMeter
from typer.testing import CliRunner
from wattseal import manifest
from wattseal.ecdsa import public_key, sign
from wattseal.p256 import encode_point
from wattseal_host.cli import consents
from wattseal_host.cli.main import app
from wattseal_host.collect.replies import PortApplet
from wattseal_host.customer.store import Secrets

PUBLISHER = 4711


def applet(**change: Any) -> PortApplet:
    made = manifest.Manifest()
    made.version, made.granularity_s, made.reach_s = 1, 86400, 7200
    made.publisher_key = encode_point(public_key(PUBLISHER))
    made.name, made.publisher, made.origin = b"Daily totals", b"Ltd", b"https://portal.example"
    for name, value in change.items():
        setattr(made, name, value)
    body = made.encode()
    digest = manifest.digest(body)
    return PortApplet(digest, False, body, sign(PUBLISHER, digest))


class Meter:
    """A customer port with one applet that waits; what was decided."""

    def __init__(self, waiting: PortApplet) -> None:
        self.house = SealingMeter("consents")
        self.waiting = waiting
        self.decided: list[tuple[int, bytes]] = []

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_: object) -> None: ...

    def applets(self) -> list[PortApplet]:
        return [self.waiting]

    def consent(self) -> tuple[bool, bytes]:
        return False, bytes(32)

    def status(self) -> dict[str, int]:
        return {"epoch": 0}

    def itself(self) -> SimpleNamespace:
        return SimpleNamespace(meter=self.house.meter)

    def decide_applet(self, state: int, digest: bytes, proof: bytes) -> None:
        epoch = 0, bytes(32), state, digest
        secret = self.house.secrets[0]
        assert proof == manifest.proof(secret, self.house.meter, *epoch)
        self.decided.append((state, digest))


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Meter:
    meter = Meter(applet())
    monkeypatch.setattr("wattseal_host.collect.customer.CustomerPort", lambda _: meter)
    house = meter.house
    Secrets(house.meter, house.key, dict(house.secrets)).save(tmp_path / "secrets.json")
    monkeypatch.chdir(tmp_path)
    return meter


def approve(*words: str, answer: str = "") -> Any:
    command = ["customer", "consents", "--port", "any", "--secrets", "secrets.json", "--approve"]
    return CliRunner().invoke(app, [*command, *words], input=answer)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        consents, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    )


@pytest.mark.parametrize("digits, yes", [(4, False), (63, False), (4, True), (31, True)])
def test_a_beginning_is_no_name_where_nobody_is_asked(meter: Meter, digits: int, yes: bool) -> None:
    words = meter.waiting.digest.hex()[:digits], *(["--yes"] if yes else [])
    done = approve(*words, answer="y\n")
    assert done.exit_code != 0 and "applet-digest" in repr(done.exception)
    assert not meter.decided


@pytest.mark.parametrize("digits, yes", [(64, False), (64, True), (32, True)])
def test_the_whole_digest_or_half_of_it(meter: Meter, digits: int, yes: bool) -> None:
    done = approve(meter.waiting.digest.hex()[:digits], *(["--yes"] if yes else []))
    assert done.exit_code == 0, done.exception
    assert meter.decided == [(1, meter.waiting.digest)]


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_it_is_shown_and_asked_for(meter: Meter) -> None:
    digest = meter.waiting.digest.hex()
    done = approve(digest[:8], answer="n\n")
    assert done.exit_code != 0 and "applet-declined" in repr(done.exception)
    assert not meter.decided
    assert digest in done.output and "Daily totals" in done.output
    assert "each by a PIN, import, not finer than 86400 s, the last 7200 s" in done.output
    assert approve(digest[:8], answer="y\n").exit_code == 0
    assert meter.decided == [(1, meter.waiting.digest)]


@pytest.mark.usefixtures("terminal")
def test_exchanged_while_the_customer_reads(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reaches the utility's port puts another applet in the place of the one shown."""
    shown = meter.waiting
    other = applet(
        kind=manifest.STANDING, recipient_key=encode_point(public_key(666)), granularity_s=0
    )

    def confirm(_: str, **__: object) -> bool:
        meter.waiting = other
        return True

    monkeypatch.setattr(consents.typer, "confirm", confirm)
    done = approve(shown.digest.hex()[:8])
    assert done.exit_code != 0 and "applet-unknown" in repr(done.exception)
    assert not meter.decided
