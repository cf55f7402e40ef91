"""Test firmware for the emulated board: a little of everything a meter does, and an echo.

Customer port: a telegram every `telegram_ms` with clock, ticks and the sum of a burst; lines that
begin with '?' are echoed. Utility port: a frame is a length byte, then so many bytes, then it is
answered by the same frame reversed. A burst of ADC samples every `burst_ms`, its sum is replaced
atomically in /state and appended to /log. The button writes a line to the console.
"""

import asyncio
import json
import os
import time
from hashlib import sha256

from machine import ADC, UART, Pin

DEFAULTS = {"burst_ms": 1000, "telegram_ms": 1000, "cycles": 4, "log_every": 10}


def settings():
    values = dict(DEFAULTS)
    try:
        with open("/settings.json") as f:
            values.update(json.load(f))
    except OSError:
        pass
    return values


class Probe:
    def __init__(self):
        self.settings = settings()
        self.voltage = ADC(Pin(34), atten=ADC.ATTN_11DB)
        self.current = ADC(Pin(35), atten=ADC.ATTN_11DB)
        self.customer = UART(1, baudrate=115200, tx=17, rx=16)
        self.utility = UART(2, baudrate=19200, parity=0, tx=26, rx=25)
        self.button = Pin(0, Pin.IN, Pin.PULL_UP)
        self.button.irq(self.pressed, Pin.IRQ_FALLING)
        self.total = 0
        self.bursts = 0

    def pressed(self, pin):
        print("button", pin.value(), time.time())

    def burst(self):
        n = 100 * self.settings["cycles"]
        v_sum = i_sum = vi_sum = 0
        voltage = self.voltage.read_uv
        current = self.current.read_uv
        ticks = time.ticks_us
        start = ticks()
        for _ in range(n):
            ticks()
            v = voltage() // 1000
            i = current() // 1000
            v_sum += v
            i_sum += i
            vi_sum += v * i
        assert time.ticks_diff(ticks(), start) == 200 * n
        return (vi_sum * n - v_sum * i_sum) // (n * n)

    async def measure(self):
        period = self.settings["burst_ms"]
        while True:
            now = time.ticks_ms()
            self.total += self.burst()
            self.bursts += 1
            with open("/state.new", "w") as f:
                f.write("%d %d" % (self.bursts, self.total))
            os.rename("/state.new", "/state")
            if self.bursts % self.settings["log_every"] == 0:
                with open("/log", "a") as f:
                    f.write("%d %d\n" % (time.time(), self.total))
            await asyncio.sleep_ms(max(0, period - time.ticks_diff(time.ticks_ms(), now)))

    async def tell(self):
        out = asyncio.StreamWriter(self.customer, {})
        filler = "0123456789" * 85
        while True:
            out.write("/%d %d %d %s\r\n" % (time.time(), time.ticks_ms(), self.total, filler))
            await out.drain()
            await asyncio.sleep_ms(self.settings["telegram_ms"])

    async def echo(self):
        stream = asyncio.StreamReader(self.customer)
        while True:
            line = await stream.readline()
            if line[:1] == b"?":
                stream.write(b"#" + line)
                await stream.drain()

    async def frames(self):
        stream = asyncio.StreamReader(self.utility)
        while True:
            length = (await stream.readexactly(1))[0]
            try:
                body = await asyncio.wait_for_ms(stream.readexactly(length), 50)
            except asyncio.TimeoutError:
                continue
            stream.write(bytes([length]) + bytes(reversed(body)))
            await stream.drain()


async def main():
    probe = Probe()
    print("probe", sha256(os.urandom(40)).digest().hex(), time.gmtime())
    for work in (probe.measure, probe.tell, probe.echo):
        asyncio.create_task(work())
    await probe.frames()


asyncio.run(main())
