"""The ledger's file: opening it, and transactions that take turns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError, NoResultFound
from sqlalchemy.orm import Session

from wattseal_host.errors import Unusable
from wattseal_host.ledger.cells import damaged
from wattseal_host.ledger.tables import Base

_WRITE = "wattseal_write"
TURN_TIMEOUT_S = 60


class Database:
    """A file with the ledger's tables, made if they are not there. engine: SQLAlchemy's."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises Unusable `ledger-file` for a file that is something else."""
        self.engine = create_engine(
            f"sqlite:///{os.fspath(path)}", connect_args={"timeout": TURN_TIMEOUT_S}
        )
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)
        try:
            # Two that make the ledger at the same time must not both make its tables.
            with self.transaction(write=not _has_tables(self.engine)) as session:
                Base.metadata.create_all(session.connection())
        except Unusable as error:
            self.engine.dispose()
            raise Unusable("ledger-file", f"{path} cannot be opened as a ledger") from error

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def transaction(self, write: bool = False) -> Iterator[Session]:
        """One transaction; one that writes locks the file from its beginning, so that nobody
        else's records come between what it reads and what it writes."""
        try:
            with Session(self.engine) as session, session.begin():
                session.connection(execution_options={_WRITE: write})
                yield session
        except DatabaseError as error:
            raise Unusable("ledger-file", str(error.orig)) from error
        except NoResultFound as error:
            raise damaged("a row is missing") from error
        except UnicodeDecodeError as error:
            # SQLite's own words on what is damaged, with the damage in them.
            raise damaged("its tables are none any more") from error


def _has_tables(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            return set(Base.metadata.tables) <= set(inspect(connection).get_table_names())
    except (DatabaseError, UnicodeDecodeError):
        return False


def _prepare(connection: Any, _: Any) -> None:
    # The driver's own idea of transactions begins them late; `_begin` does it when we say so.
    connection.isolation_level = None
    connection.text_factory = _text
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # One file, not three: a ledger is copied and handed over. A rollback journal with full
    # synchronisation survives a power cut just as well as a write-ahead log.
    cursor.execute("PRAGMA journal_mode = DELETE")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
