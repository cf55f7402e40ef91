"""Applets: deployed through the desk, approved at the meter or at home. Loaded when needed."""

from micropython import const
from wattseal.errors import Malformed, Refused
from wattseal.events import GIVEN, WITHDRAWN
from wattseal.manifest import SIGNATURE_BYTES, decode, digest, proof, verify_signature_steps
from wattseal.record import EXPORT, IMPORT

from meter import desk_codes as d
from meter.applet_files import FOLDER, WAITING, path
from meter.drive import drive

BRINGS = ("meter.applet_files", "meter.desk_codes", "wattseal.manifest")
_ASKED_MS = const(120_000)
_APPLET = '#applet {{"digest":"{}","approved":{},"manifest":"{}","signature":"{}"}}'
_READS = {IMPORT: "import", EXPORT: "export", IMPORT | EXPORT: "import, export"}


async def deploy(desk):
    """Take the manifest on the desk, and ask the customer about it for two minutes."""
    if desk.notice.lines:
        return desk.reply(d.BUSY)
    data = desk.message[1]
    body = data[:-SIGNATURE_BYTES]
    try:
        manifest = decode(body)
    except Malformed:
        return desk.reply(d.FORM)
    if not await drive(verify_signature_steps(manifest, body, data[-SIGNATURE_BYTES:])):
        return desk.reply(d.SIGNATURE)
    name = digest(body)
    if desk.events.approved(name):
        return desk.reply(d.APPROVED)
    _sweep(desk.storage, desk.events.applets())
    desk.storage.replace(WAITING, data)
    desk.reply(d.TAKEN)
    desk.answer = 0
    desk.notice.ask(lines_of(manifest), desk.say_yes)
    until_ms = desk.clock.monotonic_ms() + _ASKED_MS
    while await desk.hear(until_ms):
        if desk.answer:
            desk.result = d.APPROVED if await _approve(desk.storage, desk.events, name) else d.BUSY
            return None
        if desk.message:
            break  # it is served first; who is asked at home still can
    return None


def lines_of(manifest):
    """Return what the display says of an applet."""
    how = "needs a PIN" if manifest.kind == 1 else f"every {manifest.every_s} s"
    what = _READS[manifest.reads]
    return (
        "Allow? Press.", manifest.name.decode(), "by " + manifest.publisher.decode(),
        "to " + manifest.origin.decode(),
        f"{what}, {manifest.granularity_s} s" if manifest.granularity_s else what + ", all", how,
    )


async def tell(hall, line):
    """Answer ?applet: a line for each applet, by the coroutine `line`."""
    for data in _files(hall.storage):
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
        if not hall.events.approved(name) and digest(_waiting(hall.storage)) != name:
            raise Refused("applet-unknown")
        done = await _approve(hall.storage, hall.events, name)
    else:
        done = await hall.events.applet(WITHDRAWN, name)
        hall.wake()
        _sweep(hall.storage, hall.events.applets())
    if not done:
        raise Refused("consent-busy")


async def _approve(storage, events, name):
    if events.approved(name):
        return True
    # The file first: what the chain says is approved can be served.
    storage.replace(path(name), storage.read(WAITING))
    done = await events.applet(GIVEN, name)
    if done:
        storage.remove(WAITING)
    return done


def _waiting(storage):
    return storage.read(WAITING)[:-SIGNATURE_BYTES]


def _sweep(storage, approved):
    """Remove what is not approved any more."""
    storage.folder(FOLDER)
    keep = [path(name) for name in approved] + [WAITING]
    for name in [FOLDER + "/" + entry[0] for entry in storage.sizes(FOLDER)]:
        if name not in keep:
            storage.remove(name)


def _files(storage):
    storage.folder(FOLDER)
    for name in [entry[0] for entry in storage.sizes(FOLDER)]:
        data = storage.read(FOLDER + "/" + name)
        if len(data) > SIGNATURE_BYTES:
            yield data
