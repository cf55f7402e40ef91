"""Which services the customer lets export from the meter: asked and decided at home."""

from __future__ import annotations

from dataclasses import dataclass

from wattseal import manifest
from wattseal.ecdsa import verify
from wattseal.errors import Malformed, Refused
from wattseal.events import GIVEN, WITHDRAWN
from wattseal.manifest import Manifest
from wattseal.p256 import decode_point
from wattseal.record import EXPORT, IMPORT

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer.consent import paired_epoch
from wattseal_host.customer.store import Secrets
from wattseal_host.errors import PortError
from wattseal_host.keys import fingerprint

_READS = {IMPORT: "import", EXPORT: "export", IMPORT | EXPORT: "import and export"}


@dataclass(frozen=True)
class Applet:
    """An applet on the meter: `approved`, or waiting for the customer."""

    digest: bytes
    approved: bool
    manifest: Manifest

    def describe(self) -> dict[str, object]:
        """What it may do, for people and for JSON."""
        may = self.manifest
        return {
            "digest": self.digest.hex(),
            "approved": self.approved,
            "name": may.name.decode(),
            "version": may.version,
            "publisher": may.publisher.decode(),
            "publisher_key": fingerprint(may.publisher_key),
            "recipient": may.origin.decode(),
            "each_by_pin": may.kind == manifest.ONE_TIME,
            "reads": _READS[may.reads],
            "granularity_s": may.granularity_s,
            "reach_s": may.reach_s,
            "every_s": may.every_s,
        }


def listed(port: CustomerPort) -> list[Applet]:
    """The applets on the meter. Raises PortError `port-answer` for one that is not what its digest
    names, or that its publisher did not sign."""
    found = []
    for told in port.applets():
        try:
            read = manifest.decode(told.manifest)
        except Malformed as error:
            raise PortError("port-answer", f"applet: {error.code}") from error
        digest = manifest.digest(told.manifest)
        if digest != told.digest or not verify(
            decode_point(read.publisher_key), digest, told.signature
        ):
            raise PortError("port-answer", "applet: its publisher did not sign it")
        found.append(Applet(digest, told.approved, read))
    return found


def decide(port: CustomerPort, secrets: Secrets, digest: bytes, approve: bool) -> None:
    """Approve or withdraw an applet; in the meter's chain on return.

    Raises Refused `applet-unknown`, or as `consent.paired_epoch`; PortError `port-refused`.
    """
    if all(applet.digest != digest for applet in listed(port)):
        raise Refused("applet-unknown", digest.hex()[:16])
    epoch = paired_epoch(port, secrets)
    state = GIVEN if approve else WITHDRAWN
    challenge = port.consent()[1]
    secret = secrets.epochs[epoch]
    proof = manifest.proof(secret, secrets.meter, epoch, challenge, state, digest)
    port.decide_applet(state, digest, proof)
