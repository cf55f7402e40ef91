"""The utility port: a Modbus RTU server on one serial line, unit 1."""

import asyncio

from micropython import const

from meter.modbus import Framer, frame
from meter.watchdog import UTILITY

_UNIT = const(1)
_SILENCE_MS = const(50)  # far above 3.5 characters, far below a master's time-out
_ANSWER_MS = const(10_000)


class UtilityPort:
    """Serves one UART through its `stream`. `server` answers, `clock` tells silence on the line.

    direction: takes 1 to drive an RS-485 line and 0 to leave it, None without such a line.
    """

    def __init__(self, stream, uart, clock, server, watchdog, direction=None):
        self._uart = uart
        self._stream = stream
        self._clock = clock
        self._server = server
        self._watchdog = watchdog
        self._direction = direction

    async def answer_forever(self):
        """Answer every request for this unit; other units, broadcasts and noise get silence."""
        framer = Framer(_UNIT)
        heard_ms = self._clock.monotonic_ms()
        while True:
            data = await self._stream.read(256)
            now_ms = self._clock.monotonic_ms()
            if now_ms - heard_ms > _SILENCE_MS:
                framer.silence()
            heard_ms = now_ms
            pdu = framer.feed(data)
            if pdu is not None:
                self._watchdog.promise(UTILITY, _ANSWER_MS)
                await self.send(frame(_UNIT, self._server.answer(pdu)))
                self._watchdog.rest(UTILITY)

    async def send(self, data):
        """Send a frame, and leave the line when its last bit is out."""
        direction = self._direction
        if direction:
            direction(1)
        self._stream.write(data)
        await self._stream.drain()
        if direction:
            while not self._uart.txdone():
                await asyncio.sleep_ms(1)
            direction(0)
