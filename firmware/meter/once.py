"""Code that runs once, or once in a while, and is not kept in memory."""

import gc
import sys


def once(name, function, *arguments):
    """Return what a function of the module meter.<name> returns, and forget the module.

    Its `BRINGS`, if it has one, names further modules that nobody else needs: they are forgotten
    too, unless they were there before. So are the labels: who uses one has it.
    """
    before = tuple(sys.modules)
    package = __import__("meter." + name)
    module = getattr(package, name)
    try:
        return getattr(module, function)(*arguments)
    finally:
        for path in ("meter." + name, "wattseal.labels") + getattr(module, "BRINGS", ()):  # noqa: RUF005
            if path in sys.modules and path not in before:
                parent, _, child = path.rpartition(".")
                delattr(sys.modules[parent], child)
                del sys.modules[path]
        module = None
        gc.collect()  # what comes to stay shall fill the holes
