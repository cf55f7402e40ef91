"""Runs first on the board: settings of the interpreter itself, no hardware."""

import gc

# While modules are loaded, what stays and what does not come by turns: collected often, what stays
# lies close together, and free memory in one piece. main.py is content with less later.
gc.threshold(4 * 1024)
