"""The provider's desk: its key, and the documents it signed, as files in one directory.

    provider.key            PKCS #8 PEM, mode 0600
    enrolments/METER.jws    contracts/DIGEST.jws    tariffs/DIGEST.jws    replacements/METER.jws
"""

from __future__ import annotations

from pathlib import Path

from joserfc.jwk import ECKey
from wattseal.errors import Misuse

from wattseal_host import jws
from wattseal_host.documents import Contract, Enrolment, open_enrolment
from wattseal_host.files import read_token, write_token
from wattseal_host.keys import generate_key, load_key, public_bytes, save_key, sign_digest
from wattseal_host.replacement import Replacement
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust

KEY_FILE = "provider.key"


class Office:
    """Signs and files documents. `create` makes the key once; `Office(path)` opens it."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._key: ECKey = load_key(self.directory / KEY_FILE)
        self.public = public_bytes(self._key)

    @classmethod
    def create(cls, directory: str | Path) -> Office:
        """Raises Misuse `key-exists` rather than replace a key."""
        path = Path(directory)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        save_key(path / KEY_FILE, generate_key())
        return cls(path)

    def enrol(self, meter: Enrolment) -> jws.Signed:
        """Vouch for a meter that was read from its utility port."""
        signed = meter.sign(self._key)
        self._file("enrolments", meter.meter.hex(), signed)
        return signed

    def publish(self, tariff: Tariff) -> jws.Signed:
        signed = tariff.sign(self._key)
        self._file("tariffs", signed.digest.hex(), signed)
        return signed

    def agree(self, contract: Contract) -> jws.Signed:
        """Sign a contract. Raises Misuse `meter-not-enrolled` for a meter never enrolled."""
        if contract.meter not in {meter.meter for meter in self.enrolments()}:
            raise Misuse("meter-not-enrolled", contract.meter.hex())
        signed = contract.sign(self._key)
        self._file("contracts", signed.digest.hex(), signed)
        return signed

    @property
    def key(self) -> ECKey:
        """What this office signs with; for papers that are not kept in its directory."""
        return self._key

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign 32 bytes that a meter is to verify (see `orders`)."""
        return sign_digest(self._key, digest)

    def link(self, replacement: Replacement) -> jws.Signed:
        """Sign that one meter goes on for another (checked: see `replacements`)."""
        signed = replacement.sign(self._key)
        self._file("replacements", replacement.meter.hex(), signed)
        return signed

    def enrolments(self) -> list[Enrolment]:
        """Every meter this office enrolled, by id."""
        paths = sorted((self.directory / "enrolments").glob("*.jws"))
        return [open_enrolment(read_token(path), [self.public])[0] for path in paths]

    def trust(self) -> Trust:
        """What the office itself trusts: its own key and its enrolled meters'."""
        return Trust((self.public,), tuple(meter.key for meter in self.enrolments()))

    def _file(self, folder: str, name: str, signed: jws.Signed) -> None:
        directory = self.directory / folder
        directory.mkdir(exist_ok=True)
        write_token(directory / f"{name}.jws", signed.token)
