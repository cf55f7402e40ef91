"""The customer's own website: what the meter says now, what was used, billed and released.

Served to its owner alone, by default on this machine alone; nothing of it leaves.
"""

from pathlib import Path

HERE = Path(__file__).parent
