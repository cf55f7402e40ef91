"""The utility port: a Modbus RTU server on one serial line, unit 1."""

from micropython import const

from meter.modbus import Framer, Server, frame

_UNIT = const(1)
_SILENCE_MS = const(50)  # far above 3.5 characters, far below a master's time-out


class UtilityPort:
    """Serves one stream. `image` is what may be read, `clock` tells silence on the line."""

    def __init__(self, stream, clock, image):
        self._stream = stream
        self._clock = clock
        self._server = Server(image)

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
                self._stream.write(frame(_UNIT, self._server.answer(pdu)))
                await self._stream.drain()
