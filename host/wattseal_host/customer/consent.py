"""Consent that the utility port shows consumption: given and withdrawn by who has the secret."""

from __future__ import annotations

from wattseal.errors import Refused
from wattseal.events import GIVEN, WITHDRAWN
from wattseal.orders import consent_proof

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer.store import Secrets
from wattseal_host.keys import fingerprint


def decide(port: CustomerPort, secrets: Secrets, give: bool) -> int:
    """Give or withdraw consent; the epoch it holds for. It is in the meter's chain on return.

    Raises as `paired_epoch`, and PortError `port-refused` with the meter's own code.
    """
    epoch = paired_epoch(port, secrets)
    state = GIVEN if give else WITHDRAWN
    challenge = port.consent()[1]
    proof = consent_proof(secrets.epochs[epoch], secrets.meter, epoch, challenge, state)
    port.decide(state, proof)
    return epoch


def paired_epoch(port: CustomerPort, secrets: Secrets) -> int:
    """The meter's current epoch, whose secret we hold.

    Raises Refused `meter-pinned` for another meter than the one paired, `epoch-unknown` if the
    current epoch is not among the secrets.
    """
    status = port.status()
    if port.itself().meter != secrets.meter:
        raise Refused("meter-pinned", f"paired with key {fingerprint(secrets.key)}")
    epoch = status.get("epoch")
    if type(epoch) is not int or epoch not in secrets.epochs:
        raise Refused("epoch-unknown", f"epoch {epoch}")
    return epoch
