"""The whole meter at work: its tasks."""

import asyncio


class Meter:
    """What `app.build` put together."""

    def __init__(self, pairing, notice, display, server, metering, customer, utility, orders):
        self._pairing = pairing
        self.notice = notice
        self._display = display
        self._server = server
        self._metering = metering
        self._customer = customer
        self._utility = utility
        self._orders = orders

    def press(self):
        """Take a press of the button, perhaps in an interrupt.

        It answers what is asked (a question that could hardly be read yet swallows it), takes a PIN
        away that is being shown, so that the pages can be read, or else opens the pairing.
        """
        if self.notice.press() or self.notice.question:
            return
        if self._pairing.is_open():
            self._pairing.close()
        else:
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
