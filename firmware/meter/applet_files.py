"""Where applets lie: one file for each approved one, by its digest.

A file is manifest || signature. What is approved the chain says (`Events`), not the files.
"""

FOLDER = "applets"


def path(name):
    """Return the file of the applet with this digest."""
    return FOLDER + "/" + name.hex()[:16]


def sweep(storage, approved):
    """Remove what is not approved any more."""
    storage.folder(FOLDER)
    keep = [path(name) for name in approved]
    for name in [FOLDER + "/" + entry[0] for entry in storage.sizes(FOLDER)]:
        if name not in keep:
            storage.remove(name)
