"""Applets at home: told, approved and withdrawn at the customer's port. Loaded for a command."""

from wattseal.errors import Malformed, Refused
from wattseal.events import GIVEN, WITHDRAWN
from wattseal.manifest import SIGNATURE_BYTES, digest, proof

from meter.applet_files import path, sweep
from meter.approving import approve

BRINGS = ("meter.applet_files", "meter.approving", "meter.desk_codes", "wattseal.manifest")
_APPLET = '#applet {{"digest":"{}","approved":{},"manifest":"{}","signature":"{}"}}'


async def tell(hall, line):
    """Answer ?applet: a line for each applet, by the coroutine `line`."""
    for data in _signed(hall):
        name = digest(data[:-SIGNATURE_BYTES])
        approved = "true" if hall.events.approved(name) else "false"
        body, signature = data[:-SIGNATURE_BYTES].hex(), data[-SIGNATURE_BYTES:].hex()
        await line(_APPLET.format(name.hex(), approved, body, signature))
    await line(f"#end {len(hall.events.applets())}")


async def decide(hall, consent, state, name, given):
    """Approve or withdraw an applet, with a proof; in the chain on return.

    Refused `consent-proof`, `applet-unknown`, `consent-busy`.
    """
    if state not in (GIVEN, WITHDRAWN):
        raise Malformed("bad-command")
    keys = hall.keys
    challenge = consent.take_challenge()
    expected = proof(keys.epoch_secret, keys.meter, keys.epoch, challenge, state, name)
    if not challenge or given != expected:
        raise Refused("consent-proof")
    if state == GIVEN:
        if not hall.events.approved(name) and digest(hall.waiting()[:-SIGNATURE_BYTES]) != name:
            raise Refused("applet-unknown")
        done = await approve(hall, name)
    else:
        done = await hall.events.applet(WITHDRAWN, name)
        sweep(hall.storage, hall.events.applets())
    if not done:
        raise Refused("consent-busy")
    hall.wake()


def _signed(hall):
    for name in hall.events.applets():
        data = hall.storage.read(path(name))
        if data:
            yield data
    if hall.waiting():
        yield hall.waiting()
