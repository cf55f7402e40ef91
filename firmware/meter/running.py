"""The whole meter at work: its tasks."""

import asyncio


class Meter:
    """What `app.build` put together."""

    def __init__(self, button, notice, display, server, metering, customer, utility, orders):
        self.button = button
        self.notice = notice
        self._display = display
        self._server = server
        self._metering = metering
        self._customer = customer
        self._utility = utility
        self._orders = orders

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
            self.button.watch_forever(),
        )
