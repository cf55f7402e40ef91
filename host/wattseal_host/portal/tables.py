"""What the portal keeps in its database: accounts and consents. Never a reading."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from wattseal.errors import Refused

from wattseal_host.errors import Unusable

MEMORY = "sqlite://"
_metadata = MetaData()
_accounts = Table(
    "portal_accounts",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(40), unique=True, nullable=False),
    Column("password", String(200), nullable=False),
    Column("meter", LargeBinary(16), nullable=False),
    sqlite_autoincrement=True,  # a removed account's number is never another's
)
_consents = Table(
    "portal_consents",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("account", ForeignKey("portal_accounts.id", ondelete="CASCADE"), nullable=False),
    Column("given_s", BigInteger, nullable=False),
    Column("from_s", BigInteger, nullable=False),
    Column("to_s", BigInteger, nullable=False),
    Column("purpose", String(40), nullable=False),
)


_proved = Table(
    "portal_proved",
    _metadata,
    Column("account", ForeignKey("portal_accounts.id", ondelete="CASCADE"), primary_key=True),
)


@dataclass(frozen=True)
class Account:
    """password: the argon2 hash; meter: 16 bytes."""

    number: int
    name: str
    password: str
    meter: bytes


@dataclass(frozen=True)
class Consent:
    """The period handed over, UTC seconds, and when and what for."""

    given_s: int
    from_s: int
    to_s: int
    purpose: str


class Accounts:
    """url: of SQLAlchemy, `sqlite:///FILE` or `postgresql+psycopg://…`. Raises Unusable
    `database`."""

    def __init__(self, url: str) -> None:
        options = {}
        if url == MEMORY:
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        try:
            self._engine: Engine = create_engine(url, hide_parameters=True, **options)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _hold_to_references)
            _metadata.create_all(self._engine)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            # Its own words may hold the password.
            raise Unusable("database", f"cannot be opened ({type(error).__name__})") from error

    def close(self) -> None:
        self._engine.dispose()

    def add(self, name: str, password: str, meter: bytes) -> Account:
        """Raises Refused `name-taken`."""
        row = {"name": name, "password": password, "meter": meter}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_accounts).values(row))
        except IntegrityError as error:
            raise Refused("name-taken") from error
        found = self.named(name)
        assert found is not None
        return found

    def named(self, name: str) -> Account | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(_accounts).where(_accounts.c.name == name)).first()
        return None if row is None else Account(row.id, row.name, row.password, row.meter)

    def remove(self, account: Account) -> None:
        """The account and the list of its consents."""
        with self._engine.begin() as connection:
            connection.execute(delete(_consents).where(_consents.c.account == account.number))
            connection.execute(delete(_proved).where(_proved.c.account == account.number))
            connection.execute(delete(_accounts).where(_accounts.c.id == account.number))

    def consent(self, account: Account, consent: Consent) -> None:
        """Raises Refused `session-over` for an account that was removed meanwhile."""
        row = insert(_consents).values(
            account=account.number,
            given_s=consent.given_s,
            from_s=consent.from_s,
            to_s=consent.to_s,
            purpose=consent.purpose,
        )
        try:
            with self._engine.begin() as connection:
                connection.execute(row)
        except IntegrityError as error:
            raise Refused("session-over") from error

    def prove(self, number: int) -> None:
        """An account's customer was at its meter: a PIN was right."""
        with suppress(IntegrityError), self._engine.begin() as connection:  # known, or removed
            connection.execute(insert(_proved).values(account=number))

    def proved(self, account: Account) -> bool:
        query = select(_proved).where(_proved.c.account == account.number)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def consents(self, account: Account) -> list[Consent]:
        """Newest first."""
        query = select(_consents).where(_consents.c.account == account.number)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_consents.c.id.desc()).limit(200)).all()
        return [Consent(row.given_s, row.from_s, row.to_s, row.purpose) for row in rows]


def _hold_to_references(connection: Any, _: object) -> None:
    """SQLite looks at foreign keys where it is told to, connection by connection."""
    connection.execute("PRAGMA foreign_keys=ON")
