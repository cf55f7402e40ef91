"""The one error class the host adds to the protocol's three (`wattseal.errors`)."""

from wattseal.errors import Malformed


class Unusable(Malformed):
    """The input is not the kind of file that was asked for at all (exit 2, never a verdict)."""
