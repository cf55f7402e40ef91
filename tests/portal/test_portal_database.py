"""Accounts and consents, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import getpass
import logging
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from portal_bench import Server, Visitor
from wattseal.errors import Refused
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import MEMORY, Accounts, Consent


def _programs() -> Path | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield MEMORY
        return
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL: on Debian, apt install postgresql")
    # It refuses to run as root.
    user = getpass.getuser()
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    run = {"user": user, "check": True, "capture_output": True, "cwd": "/"}
    try:
        subprocess.run([programs / "initdb", "-A", "trust", "-U", "portal", folder / "d"], **run)
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control = [programs / "pg_ctl", "-D", folder / "d", "-w"]
        subprocess.run(
            [*control, "-o", options, "-l", folder / "log", "start"],
            **{**run, "capture_output": False, "stdout": subprocess.DEVNULL},
        )
        try:
            yield f"postgresql+psycopg://portal@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_accounts_and_consents(url: str) -> None:
    accounts = Accounts(url)
    try:
        ada = accounts.add("ada", "$argon2id$x", bytes(16))
        assert accounts.named("ada") == ada and accounts.named("bob") is None
        with pytest.raises(Refused) as caught:
            accounts.add("ada", "y", bytes(16))
        assert caught.value.code == "name-taken"
        for at in (1, 2):
            accounts.consent(ada, Consent(2**33 + at, 2**32 - 2, 2**32 - 1, "to look at it"))
        assert [one.given_s - 2**33 for one in accounts.consents(ada)] == [2, 1]
        accounts.remove(ada)
        assert accounts.named("ada") is None and accounts.consents(ada) == []
    finally:
        accounts.close()


def test_a_database_that_is_lost_while_it_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A sentence for the visitor and one line for the operator, until it is back."""
    file = tmp_path / "portal.db"
    server = Server(Site(Accounts(f"sqlite:///{file}")))
    try:
        visitor = Visitor(server.url)
        visitor.sign_up("ada", bytes(16))
        with sqlite3.connect(file) as other:
            other.execute("ALTER TABLE portal_accounts RENAME TO away")
        for _ in range(2):
            answer = Visitor(server.url).log_on("ada")
            assert answer.status_code == 503 and "Try again in some minutes" in answer.text
        with sqlite3.connect(file) as other:
            other.execute("ALTER TABLE away RENAME TO portal_accounts")
        assert "logged on as" in Visitor(server.url).log_on("ada").text
    finally:
        server.close()
    told = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in told] == ["error: database: OperationalError"] * 2
    assert not any(one.exc_info for one in told)
