"""Runs first on the board: settings of the interpreter itself, no hardware."""

import gc

# A collection costs as much as two group operations, and sealing leaves 32 KiB of garbage every
# eight: collect when memory is short, or when so much was used that it would be in pieces.
gc.threshold(64 * 1024)
