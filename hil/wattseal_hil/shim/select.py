"""`select.poll` that waits on virtual time: it jumps to its deadline, never past the grant.

Without any granted time left it reports idle and waits in earnest, on the streams and on the
supervisor, so that a request is answered while the clock stands still.
"""

import emu
import nor
import uselect
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT  # noqa: F401


class poll:
    def __init__(self):
        self._p = uselect.poll()
        self._flags = []
        self.modify = self._p.modify
        self._p.register(emu._ctl, POLLIN)

    def register(self, s, mask=POLLIN):
        # asyncio.ThreadSafeFlag has no descriptor: the VM's own poll would take a ms each time.
        if hasattr(s, "state"):
            self._flags.append(s)
        else:
            self._p.register(s, mask)

    def unregister(self, s):
        (self._flags.remove if s in self._flags else self._p.unregister)(s)

    def poll(self, ms=-1):
        """The ready (stream, events) pairs; waits `ms` of virtual time, -1: for ever."""
        emu.watch()
        nor.fill()
        emu.fold(0)
        us = ms * 1000 - emu.sub if ms > 0 else ms  # so as to wake on a whole ms, as a tick does
        wait = 0
        while True:
            r = emu.ready(self._p, wait)
            for s in self._flags:
                if s.state:
                    r.append((s, POLLIN))
            if r or ms == 0 or us == 0:
                return r
            if (left := emu.room()) > 0:
                wait = 0
                step = left if us < 0 else min(us, left)
                emu.fold(step)
                if us > 0:
                    us -= step
                    if us == 0:
                        return r
            elif wait:
                wait = 0  # an interrupt may have made something ready: looked at before idling
            else:
                emu.send(73)
                wait = -1

    ipoll = poll
