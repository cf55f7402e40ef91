"""A folder for the targets whose parsers take files."""

import tempfile
from pathlib import Path

SCRATCH = Path(tempfile.mkdtemp(prefix="wattseal-fuzz-"))
