"""The utility port over TCP: Modbus TCP (Modbus messaging on TCP/IP V1.0b), a few at a time.

Who asks nothing gives way: a new connection takes the place of the one that has been silent for
the longest, so that nobody is locked out by connections that do nothing.
"""

import asyncio

from micropython import const

_MOST = const(4)
_IDLE_S = const(120)  # a connection that asks nothing for so long is half open
_REST_S = const(5)  # for what of a frame has begun
_HEADER_BYTES = const(7)
_LONGEST = const(254)  # unit and PDU


class TcpPort:
    """Answers for any unit number, as a device without a serial line behind it does."""

    def __init__(self, server):
        self._server = server
        self._tasks = []  # type: list

    async def listen(self, address, port):
        """Begin to serve in the background. OSError if the port is taken."""
        await asyncio.start_server(self._serve, address, port)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        tasks = self._tasks
        if len(tasks) == _MOST:
            tasks.pop(0).cancel()
        tasks.append(task)
        try:
            while True:
                await self._answer(reader, writer)
                if task not in tasks:
                    break  # its place was taken
                tasks.remove(task)
                tasks.append(task)
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.CancelledError):  # noqa: UP041
            pass  # gone, half open, no Modbus, or its place was taken
        finally:
            if task in tasks:
                tasks.remove(task)
        writer.close()
        await writer.wait_closed()

    async def _answer(self, reader, writer):
        header = await asyncio.wait_for(reader.readexactly(_HEADER_BYTES), _IDLE_S)
        length = int.from_bytes(header[4:6], "big")
        if header[2:4] != b"\0\0" or not 2 <= length <= _LONGEST:
            raise EOFError
        pdu = await asyncio.wait_for(reader.readexactly(length - 1), _REST_S)
        answer = self._server.answer(pdu)
        writer.write(header[:4] + (len(answer) + 1).to_bytes(2, "big") + header[6:] + answer)
        await asyncio.wait_for(writer.drain(), _REST_S)
