"""The whole meter at work: its tasks."""

import asyncio


class Meter:
    """What `app.build` put together."""

    def __init__(self, pairing, notice, display, server, metering, customer, utility, orders):
        self._pairing = pairing
        self._notice = notice
        self._display = display
        self._server = server
        self._metering = metering
        self._customer = customer
        self._utility = utility
        self._orders = orders

    def press(self):
        """Take a press of the button: the answer to what is asked, or else it opens the pairing.

        A question that could hardly be read yet swallows it.

        May be called by an interrupt handler.
        """
        if not self._notice.press() and not self._notice.question:
            self._pairing.press()

    async def run(self, address="", port=0):
        """Run all tasks for ever; an exception in any of them ends all.

        port: of Modbus TCP, on a network address; 0 for none. OSError if it is taken.
        """
        if port:
            from meter.tcp_port import TcpPort

            await TcpPort(self._server).listen(address, port)
        await asyncio.gather(
            self._metering.measure_forever(),
            self._metering.seal_forever(),
            self._customer.send_telegrams_forever(),
            self._customer.answer_forever(),
            self._utility.answer_forever(),
            self._orders.obey_forever(),
            self._display.show_forever(),
        )
