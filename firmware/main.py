"""The board: builds every hardware object of the meter, wires them up, and runs it.

The chip tells which pins: meter/board.py. Both inputs are on ADC1, which Wi-Fi leaves alone.
"""

import asyncio
import gc
import os
import time

import machine
from machine import ADC, I2C, RTC, UART, WDT, Pin
from meter.once import once
from meter.storage import Storage
from wattseal.events import POWER_ON, RESET, WATCHDOG

_LEAST_PATIENCE_MS = 30_000
_AGAIN_S = 10


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


def cause():
    """Return why the board starts, as the BOOT event says it."""
    why = machine.reset_cause()
    if why == machine.WDT_RESET:
        return WATCHDOG
    return POWER_ON if why in (machine.PWRON_RESET, machine.HARD_RESET) else RESET


def join(settings):
    """Begin to join the Wi-Fi, which goes on by itself. Return the address to listen on."""
    try:
        import network
    except ImportError:
        return "127.0.0.1"  # a board without a radio: whoever is on it
    radio = network.WLAN(network.STA_IF)
    radio.active(True)
    radio.connect(settings.wifi_ssid, settings.wifi_key)
    return "0.0.0.0"


def port(number, baudrate, **options):
    """Return a UART."""
    try:
        return UART(number, baudrate, bits=8, stop=1, **options)
    except ValueError:
        # An ESP32-C3 has two, and a stock image talks to its console through the first.
        print("UART", number, "is not free in this image: see docs/wiring.md")
        raise


def start_again(error):
    """Start the board again: without a new boot counter on flash nothing may be sealed."""
    print("flash fails, starting again:", error)
    time.sleep(_AGAIN_S)
    machine.reset()


def main():
    """Build the meter on this board and run it for ever."""
    once("names", "meet")
    storage = Storage("/")
    board = once("board", "of", os.uname()[4])
    settings, refused = once("settings", "load", storage, print)
    invert = UART.INV_TX if settings.p1_inverted else 0
    direction = tamper = None
    dogs = []  # type: list[WDT]
    if settings.direction_pin >= 0:
        direction = Pin(settings.direction_pin, Pin.OUT, value=0)
    if settings.tamper_pin >= 0:
        tamper = Pin(settings.tamper_pin, Pin.IN, Pin.PULL_UP)
    scl, sda = board.display
    button = Pin(board.button, Pin.IN, Pin.PULL_UP)
    display = I2C(0, scl=Pin(scl), sda=Pin(sda), freq=400_000)
    number, tx, rx = board.customer
    customer = port(number, 115200, parity=None, tx=tx, rx=rx, txbuf=2048, invert=invert)
    number, tx, rx = board.utility
    utility = port(number, 19200, parity=0, tx=tx, rx=rx, txbuf=512)
    try:
        meter = once(
            "app", "build", storage, (settings, refused), time, RTC().datetime, cause(), entropy,
            ADC(Pin(board.voltage), atten=ADC.ATTN_11DB),
            ADC(Pin(board.current), atten=ADC.ATTN_11DB), (board.straight, board.nv_per_step),
            tamper or (lambda: False), customer, utility, direction, button, display,
            lambda: dogs[0].feed(), print,
        )
    except OSError as error:
        start_again(error)
    button.irq(meter.button.moved, Pin.IRQ_FALLING | Pin.IRQ_RISING)
    # From here on only: to look through a long log may take longer than its patience.
    dogs.append(WDT(timeout=max(_LEAST_PATIENCE_MS, 3 * settings.burst_ms)))
    address = join(settings) if settings.tcp_port else ""
    # A collection costs as much as two group operations, and sealing leaves a quarter of a MiB of
    # garbage: collect when memory is short, or when so much was used that it would be in pieces.
    gc.threshold(64 * 1024)
    tcp_port = settings.tcp_port
    settings = board = None  # what stands in them is in use, and they are in the way
    asyncio.run(meter.run(address, tcp_port))


main()
