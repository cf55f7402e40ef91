"""The sealed-reading protocol: portable, the same files on MicroPython and CPython.

It knows no tariff, no port and no kind of service: it seals a reading of a channel over an
interval, in a unit. SPEC.md beside this file is the authority on bytes and maths.
"""
