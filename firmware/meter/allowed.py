"""The display's pages of who may export: one for each applet. Loaded for a page, see `once`."""

from micropython import const
from wattseal.errors import Malformed
from wattseal.manifest import SIGNATURE_BYTES, STANDING, read

from meter.applet_files import path

BRINGS = ("meter.applet_files", "wattseal.manifest")
_COLUMNS = const(16)


def rows(index, applets, storage):
    """Return the rows of a page, 8 at most. applets: the digests of those approved."""
    if index >= len(applets):
        return ["Exports", "", "None is allowed."]
    name = applets[index]
    try:
        manifest = read(storage.read(path(name))[:-SIGNATURE_BYTES])
    except Malformed:
        return ["Export", name.hex()[:_COLUMNS], "its file is lost"]
    how = "standing" if manifest.kind == STANDING else "by PIN"
    rows = [f"{index + 1} of {len(applets)}, {how}"]
    # Whole, to the last character: the end of an address says whose it is.
    for text in (manifest.name, manifest.origin.split(b"://")[-1]):
        for at in range(0, len(text), _COLUMNS):
            rows.append(text[at : at + _COLUMNS].decode())
    rows += ["Hold button 5 s:", "withdraw all"]
    return rows
