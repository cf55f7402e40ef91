"""What the project's websites share: the guard around them, forms, charts, their look."""

from pathlib import Path

HERE = Path(__file__).parent
STATIC = ("wattseal_host.web", "static")
