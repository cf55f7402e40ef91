"""A service that asks a meter for exports: its applet, and its way through the utility's port."""

from wattseal import manifest
from wattseal.ecdsa import public_key, sign
from wattseal.p256 import encode_point
from wattseal_hil.pairing import press_for_pin, read_pin
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.errors import PortError
from wattseal_host.export.recipient import CONFIRMATION, MANIFEST, REQUEST, SHARE, Export

PUBLISHER = 12345
RECIPIENT = 67890
ORIGIN = "https://portal.example"
NONE, ASKED, PIN_SHOWN, ANSWERED, SERVING, DONE = range(6)
(
    TAKEN, IN_HAND, FORM, SIGNATURE, UNKNOWN, SCOPE, PERIOD, BUSY, SESSION, PIN_WRONG, EXPIRED,
    REFUSED, FLASH, WITHDRAWN, APPROVED, MEMORY,
) = range(1, 17)  # fmt: skip


def applet(**change):
    """Return (digest, manifest || signature)."""
    made = manifest.Manifest()
    made.version = 1
    made.publisher_key = encode_point(public_key(PUBLISHER))
    made.name, made.publisher, made.origin = b"Load curve", b"Example Ltd", ORIGIN.encode()
    for name, value in change.items():
        setattr(made, name, value)
    body = made.encode()
    return manifest.digest(body), body + sign(PUBLISHER, manifest.digest(body))


STANDING = {
    "kind": manifest.STANDING, "recipient_key": encode_point(public_key(RECIPIENT)),
    "granularity_s": 3600, "every_s": 3600, "name": b"Daily",
}  # fmt: skip


class Service:
    """Speaks to the meter on `board` through its utility port, in board time."""

    def __init__(self, board):
        self.board = board
        self._port = UtilityPort(board.utility_port)
        self.port = self._port.__enter__()
        self.key = self.port.identity().key

    def close(self):
        self._port.__exit__(None, None, None)

    def passes(self, seconds=2):
        self.board.sleep(seconds)

    def told(self):
        """(state, result) now."""
        data = self.port.mailbox_bytes()
        return int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")

    def part(self, begin, length):
        return self.port.mailbox_bytes()[begin : begin + length]

    @property
    def chunks(self):
        return int.from_bytes(self.part(20, 4), "big")

    def mail(self, kind, message):
        """Leave a message; what became of it, in hand or not, when it was judged."""
        self.port.mail(kind, message)
        for _ in range(200):
            state, result = self.told()
            if result != IN_HAND:
                return state, result
            self.passes(0.05)
        raise AssertionError("the meter does not get on")

    def press(self):
        """A press that can be an answer: the whole question could be read."""
        self.passes(7)
        self.board.press_button()
        self.told()
        self.passes(1)
        return self.told()

    def deploy(self, data):
        """Deploy and approve with the button."""
        assert self.mail(MANIFEST, data) == (NONE, TAKEN)
        assert self.press() == (NONE, APPROVED)

    def export(self, start_s, end_s, granularity_s=0, origin=ORIGIN):
        return Export(origin, self.key, start_s, end_s, granularity_s)

    def agree(self, one, name):
        """Go through a one-time export up to its chunks."""
        assert self.mail(REQUEST, one.request(name)) == (ASKED, TAKEN)
        assert self.press() == (PIN_SHOWN, TAKEN)
        assert self.mail(SHARE, one.share(read_pin(self.board))) == (ANSWERED, TAKEN)
        state, result = self.mail(CONFIRMATION, one.answer(self.part(28, 65)))
        assert state in (SERVING, DONE) and result == TAKEN
        one.confirmed(self.part(94, 32))

    def chunk(self, number):
        for _ in range(2000):
            try:
                return self.port.export_chunk(number)
            except PortError as error:
                if error.code != "port-busy":
                    raise
            self.passes(0.05)
        raise AssertionError(f"chunk {number} is not made")

    def fetch(self, one):
        """All chunks; the items."""
        count = self.chunks
        for number in range(one.opened, count):
            one.open(number, number + 1 == count, self.chunk(number))
        for _ in range(200):
            if self.told()[0] == DONE:
                break
            self.passes(0.05)
        else:
            raise AssertionError(f"not signed: {self.told()}")
        return one.finish(self.part(126, 64))

    def records(self):
        return [self.port.record(seq) for seq in range(self.port.status().next_seq)]

    def pair(self, customer):
        from wattseal_hil.pairing import pair

        return pair(customer.ask, press_for_pin(self.board))
