"""Code that runs once, or once in a while, and is not kept in memory."""

import gc
import sys


def once(name, function, *arguments):
    """Return what a function of the module meter.<name> returns; forget the module, and those that
    its import brought with it."""
    before = tuple(sys.modules)
    package = __import__("meter." + name)
    brought = [module for module in sys.modules if module not in before]
    try:
        return getattr(getattr(package, name), function)(*arguments)
    finally:
        for module in brought:
            parent, _, child = module.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], child, None)
            sys.modules.pop(module, None)
        gc.collect()  # what comes to stay shall fill the holes
