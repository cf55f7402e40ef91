"""What the host adds to the protocol's classes of error (`wattseal.errors`)."""

from wattseal.errors import Malformed, WattsealError


class Unusable(Malformed):
    """The input is not the kind of file that was asked for at all (exit 2, never a verdict)."""


class PortError(WattsealError):
    """A meter's port is missing or silent, or its answer is not what the protocol says.

    Codes: port-missing, port-silent, port-answer, port-busy, port-refused (detail: the meter's own
    code).
    """
