"""A manifest on the desk: whether it is one. Loaded for one (see `once`)."""

from wattseal.errors import Malformed
from wattseal.manifest import (
    ONE_TIME,
    SIGNATURE_BYTES,
    decode,
    digest,
    read,
    verify_signature_steps,
)
from wattseal.record import EXPORT, IMPORT

from meter import desk_codes as d
from meter.applet_files import path
from meter.drive import drive

BRINGS = ("meter.applet_files", "wattseal.manifest")
_READS = {IMPORT: "import", EXPORT: "export", IMPORT | EXPORT: "import, export"}


async def check(desk):
    """Keep the manifest, if it is to be approved; return (result, digest, what is to be asked)."""
    data = desk.message[1]
    body = data[:-SIGNATURE_BYTES]
    name = digest(body)
    if desk.events.approved(name):
        return d.APPROVED, b"", ()
    if desk.notice.lines or desk.clock.monotonic_ms() < desk.hall.quiet_ms:
        return d.BUSY, b"", ()
    try:
        manifest = decode(body)
    except Malformed:
        return d.FORM, b"", ()
    if manifest.granularity_s % desk.public.interval_s:
        return d.FORM, b"", ()  # its sums would hold now more readings, now one
    if not _fits(desk, manifest.granularity_s):
        return d.SCOPE, b"", ()
    if not await drive(verify_signature_steps(manifest, body, data[-SIGNATURE_BYTES:])):
        return d.SIGNATURE, b"", ()
    desk.hall.wait(data)
    return d.TAKEN, name, _lines(manifest)


def _fits(desk, wide):
    """Tell whether sums so wide and those of every approved applet lie on one grid: else two of
    them would tell finer ones by their difference."""
    for name in desk.events.applets():
        data = desk.storage.read(path(name))
        other = read(data[:-SIGNATURE_BYTES]).granularity_s if data else 0
        if wide and other and wide % other and other % wide:
            return False
    return True


def _lines(manifest):
    """Return what the display says of an applet: first what it may, then what it says of itself."""
    wide = manifest.granularity_s
    return (
        "Allow? Press.",
        "each by a PIN" if manifest.kind == ONE_TIME else "WITHOUT A PIN",
        _READS[manifest.reads],
        f"sums of {wide} s" if wide else "every reading",
        f"of the last {manifest.reach_s} s" if manifest.reach_s else "of all the past",
        f"once in {manifest.every_s} s" if manifest.every_s else "at any time",
        '"' + manifest.name.decode() + '"',
        'by "' + manifest.publisher.decode() + '"',
        "to " + manifest.origin.decode(),
    )
