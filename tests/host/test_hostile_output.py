"""What a file says never drives the terminal, and long documents of ours are not called forged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from wattseal_host import jws
from wattseal_host.cli.output import plain
from wattseal_host.keys import public_bytes
from wattseal_host.strict_json import dumps

RUN = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]


def test_control_characters_are_shown_not_sent():
    assert plain("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert plain("right\u202eleft") == "right\\u202eleft"
    assert plain("straße 5 €") == "straße 5 €"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_field_name_cannot_forge_a_verdict(tmp_path: Path, encoding: str):
    bundle = {"statement": {}, "\x1b[2J\naccepted: 1.00 EUR é": 1}
    (tmp_path / "bundle.json").write_bytes(dumps(bundle))
    trust = {"format": "wattseal-trust/1", "meters": [], "providers": []}
    (tmp_path / "trust.json").write_bytes(dumps(trust))
    line = [*RUN, "verify", str(tmp_path / "bundle.json"), "--trust", str(tmp_path / "trust.json")]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(line, capture_output=True, env=environment, check=False)
    assert done.returncode == 1, done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
    assert not any(line.startswith(b"accepted") for line in done.stdout.splitlines())


def test_a_document_of_a_million_characters_is_signed_and_read():
    key = ECKey.generate_key("P-256")
    signed = jws.sign(jws.TARIFF, {"text": "x" * 1_000_000}, key)
    assert jws.check_signature(jws.parse(signed.token, jws.TARIFF), [public_bytes(key)])
