"""Where applets lie: applets/waiting, and one file for each approved one, by its digest.

A file is manifest || signature. What is approved the chain says (`Events`), not the files.
"""

FOLDER = "applets"
WAITING = "applets/waiting"


def path(name):
    """Return the file of the applet with this digest."""
    return FOLDER + "/" + name.hex()[:16]
