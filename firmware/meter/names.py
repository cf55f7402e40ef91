"""The names all modules use, met while memory is in one piece. Loaded for that (see `once`).

MicroPython keeps a name for ever where it happened to meet it, and its tables of names grow in
pieces. Whoever deploys bytecode writes this module anew, with a function that mentions every name
(`hil/wattseal_hil/deploy.py`); from sources, and in a frozen image, there is nothing to do.
"""


def meet():
    """Return nothing: it was done when this was loaded."""
