"""The three ways in which an input or a call can be wrong.

Every error carries `code`, a stable kebab-case name that programs and tests may rely on; the
detail is for people and may change.
"""


class WattsealError(Exception):
    """Base of all errors of this project: `code` is stable, `detail` is for people."""

    def __init__(self, code, detail=""):
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self):
        return self.code + (": " + self.detail if self.detail else "")


class Malformed(WattsealError):
    """The input is not of its format: nothing of it was used."""


class Refused(WattsealError):
    """The input is well formed, and a verification of it failed."""


class Misuse(WattsealError):
    """The caller broke the contract of a function."""
