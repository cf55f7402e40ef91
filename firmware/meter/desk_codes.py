"""What is said to the desk and by it (SPEC.md 8.3)."""

from micropython import const

# What is left here.
MANIFEST = const(1)
REQUEST = const(2)
SHARE = const(3)
CONFIRMATION = const(4)

# How far an export is.
NONE = const(0)
ASKED = const(1)  # the display asks, and the button answers
PIN_SHOWN = const(2)
ANSWERED = const(3)  # the meter has given its share
SERVING = const(4)
DONE = const(5)  # all chunks were made, and the meter has signed

NO = const(2)  # the button's answer; 1 is yes

# What became of the newest message.
TAKEN = const(1)
IN_HAND = const(2)
FORM = const(3)
SIGNATURE = const(4)
UNKNOWN = const(5)  # no such applet, or it is not approved
SCOPE = const(6)  # more, or more often, than the applet may
PERIOD = const(7)  # not in the log, or another customer's
BUSY = const(8)
SESSION = const(9)
PIN_WRONG = const(10)
EXPIRED = const(11)
REFUSED = const(12)  # at the meter
FLASH = const(13)
WITHDRAWN = const(14)  # while it was being exported
APPROVED = const(15)  # the applet
MEMORY = const(16)
