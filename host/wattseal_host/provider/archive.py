"""A provider's signed documents, read by what a bill calls them. Needs no secret key."""

from __future__ import annotations

from pathlib import Path

from wattseal.errors import Refused

from wattseal_host.case import Documents
from wattseal_host.documents import Contract, Enrolment, open_contract, open_enrolment
from wattseal_host.files import read_token
from wattseal_host.replacement import Replacement, open_replacement
from wattseal_host.tariff import Tariff, open_tariff

MAX_TARIFFS_KEPT = 64


class Archive:
    """The documents in an office's directory, under its public key (33 bytes).

    Each is verified when it is read. Tariffs, which many bills share, are kept.
    """

    def __init__(self, directory: str | Path, public: bytes) -> None:
        self.public = public
        self._directory = Path(directory)
        self._tariffs: dict[bytes, Tariff] = {}

    def enrolment(self, meter: bytes) -> Enrolment:
        """Raises Refused `meter-unknown` for a meter the office never enrolled."""
        token = self._token("enrolments", meter)
        if token is None:
            raise Refused("meter-unknown", meter.hex())
        enrolment = open_enrolment(token, [self.public])[0]
        if enrolment.meter != meter:
            raise Refused("meter-unknown", meter.hex())
        return enrolment

    def documents(self, enrolment: Enrolment, contract: bytes, tariff: bytes) -> Documents:
        """By digests. Raises Refused `contract-unknown`, `contract-meter`, `tariff-unknown`."""
        agreed = self.contract(enrolment, contract)
        return Documents(enrolment, agreed, contract, (self.tariff(tariff),), (tariff,))

    def contract(self, enrolment: Enrolment, digest: bytes) -> Contract:
        """A meter's contract. Raises Refused `contract-unknown`, `contract-meter`."""
        agreed = self._contract(digest)
        if agreed.meter != enrolment.meter:
            raise Refused("contract-meter", agreed.meter.hex())
        return agreed

    def replacement(self, meter: bytes) -> tuple[Replacement, bytes]:
        """The document by which another meter came in a meter's place, and its digest. Raises
        Refused `replacement-unknown`."""
        token = self._token("replacements", meter)
        if token is None:
            raise Refused("replacement-unknown", meter.hex())
        replacement, signed = open_replacement(token, [self.public])
        return replacement, signed.digest

    def _contract(self, digest: bytes) -> Contract:
        token = self._token("contracts", digest)
        if token is not None:
            contract, signed = open_contract(token, [self.public])
            if signed.digest == digest:
                return contract
        raise Refused("contract-unknown", digest.hex())

    def tariff(self, digest: bytes) -> Tariff:
        """Raises Refused `tariff-unknown`."""
        kept = self._tariffs.get(digest)
        if kept is not None:
            return kept
        token = self._token("tariffs", digest)
        if token is not None:
            tariff, signed = open_tariff(token, [self.public])
            if signed.digest == digest:
                if len(self._tariffs) >= MAX_TARIFFS_KEPT:
                    self._tariffs.clear()
                self._tariffs[digest] = tariff
                return tariff
        raise Refused("tariff-unknown", digest.hex())

    def _token(self, folder: str, name: bytes) -> str | None:
        path = self._directory / folder / f"{name.hex()}.jws"
        return read_token(path) if path.is_file() else None
