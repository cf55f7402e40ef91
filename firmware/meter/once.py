"""Code that runs once, or once in a while, and is not kept in memory."""

import gc
import sys


def once(name, function, *arguments):
    """Return what a function of the module meter.<name> returns, and forget the module."""
    package = __import__("meter." + name)
    try:
        return getattr(getattr(package, name), function)(*arguments)
    finally:
        setattr(package, name, None)
        del sys.modules["meter." + name]
        gc.collect()  # what comes to stay shall fill the holes
