"""The board: builds every hardware object of the meter, wires them up, and runs it.

Pins are those of boards/ for an ESP32 DevKit: voltage on GPIO34 and current on GPIO35 (both on
ADC1, which Wi-Fi leaves alone), customer port on UART1, utility port on UART2, button on GPIO0.
"""

import asyncio
import os
import time

from machine import ADC, UART, Pin
from meter.app import Meter


def entropy(count):
    """Return random bytes. An ESP32's generator is truly random only while a radio is on."""
    try:
        import network
    except ImportError:
        return os.urandom(count)  # a board without a radio
    radio = network.WLAN(network.STA_IF)
    was_on = radio.active()
    radio.active(True)
    try:
        return os.urandom(count)
    finally:
        radio.active(was_on)


def main():
    """Build the meter on this board and run it for ever."""
    meter = Meter(
        root="/",
        time=time,
        entropy=entropy,
        voltage=ADC(Pin(34), atten=ADC.ATTN_11DB),
        current=ADC(Pin(35), atten=ADC.ATTN_11DB),
        customer_uart=UART(1, 115200, bits=8, parity=None, stop=1, tx=17, rx=16, txbuf=2048),
        utility_uart=UART(2, 19200, bits=8, parity=0, stop=1, tx=26, rx=25, txbuf=512),
        console=print,
    )
    button = Pin(0, Pin.IN, Pin.PULL_UP)
    button.irq(lambda _: meter.pairing.press(), Pin.IRQ_FALLING)
    asyncio.run(meter.run())


main()
