"""Where applets lie: applets/waiting, and one file for each approved one, by its digest.

A file is manifest || signature. What is approved the chain says (`Events`), not the files.
"""

from wattseal.manifest import SIGNATURE_BYTES, decode, digest

FOLDER = "applets"
WAITING = "applets/waiting"


def path(name):
    """Return the file of the applet with this digest."""
    return FOLDER + "/" + name.hex()[:16]


def read(storage, name):
    """Return the Manifest with this digest, None if it is not there."""
    data = storage.read(path(name))[:-SIGNATURE_BYTES]
    return decode(data) if data and digest(data) == name else None
