"""Runs first on the board: settings of the interpreter itself, no hardware."""

import gc

# Collect early and often: free memory then stays in one piece for the bursts and the curve.
gc.threshold(32 * 1024)
