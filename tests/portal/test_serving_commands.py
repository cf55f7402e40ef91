"""`portal serve`, `provider relay`, `customer home`: options that are wrong are named, and nothing
is written before all of them were looked at."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from wattseal.errors import WattsealError
from wattseal_host.cli import output
from wattseal_host.cli.main import app

TOKEN = "portal " + "t" * 43 + "\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a relay's token and a file that is neither key nor certificate."""
    monkeypatch.chdir(tmp_path)
    token = tmp_path / "relay.token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    (tmp_path / "nonsense").write_text("nonsense")
    return tmp_path


def run(*words: str) -> Any:
    return CliRunner().invoke(app, words)


RELAY = ["--relay", "http://127.0.0.1:1", "--relay-token", "relay.token"]


@pytest.mark.parametrize(
    "words, code",
    [
        (["--tariff", "nix"], "file-missing"),
        (["--tls-cert", "nix", "--tls-key", "nix"], "tls"),
        (["--tls-cert", "nonsense", "--tls-key", "nonsense"], "tls"),
        (["--relay", "127.0.0.1:8500", "--relay-token", "relay.token"], "usage"),
        ([*RELAY, "--relay-ca", "nix"], "tls"),
        ([*RELAY, "--publisher", "x" * 25], "applet"),
        ([*RELAY, "--database", "sqlite:////nix/portal.db"], "database"),
        (["--database", "nonsense"], "database"),
    ],
)
def test_a_portal_that_cannot_begin_leaves_nothing(
    folder: Path, words: list[str], code: str
) -> None:
    before = sorted(folder.iterdir())
    done = run("portal", "serve", "--port", "0", *words)
    assert isinstance(done.exception, WattsealError) and done.exception.code.startswith(code)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("what", [["portal", "serve"], ["provider", "relay", "--utility", "nix"]])
def test_an_address_in_use_leaves_nothing(folder: Path, what: list[str]) -> None:
    before = sorted(folder.iterdir())
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = str(other.getsockname()[1])
        where = ["--port", number] if what[0] == "portal" else ["--listen", f"127.0.0.1:{number}"]
        done = run(*what, *where)
    assert isinstance(done.exception, OSError)
    assert sorted(folder.iterdir()) == before


def test_a_home_names_all_that_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(
        "customer", "home", "--secrets", "no-secrets", "--tariff", "no-tariff", "--zone", "No/Zone",
        "--trust", "no-trust", "--tls-cert", "no-cert", "--tls-key", "no-key",
    )  # fmt: skip
    assert isinstance(done.exception, WattsealError)
    told = f"{done.output}{capsys.readouterr().err}error: {done.exception.code}: {done.exception}"
    for one in ("no-secrets", "--port", "no-tariff", "No/Zone", "no-trust", "no-cert"):
        assert one in told, one
    assert len(re.findall("error: ", told)) == 6


def test_one_that_is_wrong_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    def wrong() -> None:
        raise WattsealError("wrong")

    with pytest.raises(WattsealError, match="wrong"):
        output.look_at(list, wrong)
    assert capsys.readouterr().err == ""
