"""The whole meter put together, which happens once (see `once`)."""

import asyncio

from wattseal.errors import WattsealError
from wattseal.events import POWER_ON
from wattseal.hashing import sha256
from wattseal.labels import CALIBRATION
from wattseal.record import ORIGIN, decode_body, decode_origin, decode_sealed

from meter import calibration
from meter.button import Button
from meter.clock import Clock
from meter.consent import Consent
from meter.customer_port import CustomerPort
from meter.display import Display
from meter.events import Events
from meter.hall import Hall
from meter.keys import Keys
from meter.log import Log
from meter.metering import Metering
from meter.modbus import Server
from meter.notice import Notice
from meter.once import once
from meter.openings import Openings
from meter.orders import Orders
from meter.pairing import Pairing, Pins
from meter.public import SELF_TEST_FIT, Public
from meter.registers import Registers
from meter.running import Meter
from meter.sealer import Sealer
from meter.sensor import Sensor
from meter.state import State
from meter.told import Told
from meter.utility_port import UtilityPort
from meter.watchdog import Watchdog

BRINGS = ("meter.calibration",)


def build(
    storage, settings, time, rtc, cause, entropy, voltage, current, converter, case_open,
    customer_uart, utility_uart, direction, button, i2c, feed, console,
):
    """Return the Meter of a board.

    storage: its flash. settings: what `settings.load` returned. time: the module. rtc: sets the
    real-time clock, as machine.RTC().datetime. cause: of this boot, as in BOOT. entropy: as
    os.urandom. voltage, current: converters with `read` (steps, 0 to 4095); voltage with `read_uv`
    as well. converter: the chip's, as ((lowest, highest) straight step, nominal nV a step).
    case_open: tells whether the case is open. customer_uart, utility_uart: the ports; direction:
    of the second's transceiver, or None. button: reads 0 while it is pressed. i2c: the bus a
    display may be on. feed: feeds the watchdog. console: takes a line of text for whoever watches.

    WattsealError `keys-lost` if the flash holds a log but not its keys: there is no honest way on.
    """
    settings, refused = settings
    clock = Clock(time, rtc)
    log = Log(storage)
    log.relieve()
    state = State(storage)
    if not state.load() and log.count:
        console("checkpoint is lost: registers go on from the log")
    if log.damaged or state.next_seq > log.count:
        log.damaged = True
        console("log-damaged: the newest records are lost, and nothing is sealed")
    config, changed = _config(log, state, settings, console)
    straight, nv_per_step = converter
    constants, spoilt = _constants(storage, settings, nv_per_step, console)
    sensor = Sensor(voltage.read, current.read, time, settings, constants, straight)
    if not constants.present and settings.voltage_sensor:
        sensor.calibration = calibration.design(
            settings, sensor.factory_nv_per_step(voltage.read_uv) or nv_per_step
        )
    newest = decode_sealed(log.newest) if log.count else None
    keys = Keys(
        storage, entropy, sensor.noise, newest.boot if newest else 0, newest is not None
    )
    told = Told(storage)
    once("told_load", "load", told, storage, log)
    provider, other = keys.provider(settings.provider)
    if other:
        console("the provider's key is not replaced, or is none")
    if provider:
        cause = _keep_clock(clock, told, keys.boot, cause)
    public = Public(
        clock, log, keys.meter, keys.public, keys.boot, keys.epoch, config,
        refused or changed or spoilt or other, constants.present,
    )
    openings = Openings(keys)
    sealer = Sealer(log, keys, openings, public, console)
    public.self_test = once("selftest", "self_test", log, keys)
    public.events = events = Events(
        log, told, sealer, clock, cause, once("firmware", "firmware_digest"),
        _calibration_digest(storage, settings),
    )
    if public.self_test & SELF_TEST_FIT != SELF_TEST_FIT:
        console(f"self-test passed {public.self_test} only: nothing is sealed")
        events.closed = True
    if log.damaged:
        events.closed = True
    notice = Notice(clock, console)
    pins = Pins(keys.random)
    pairing = Pairing(clock, keys, notice, pins)
    watchdog = Watchdog(clock, feed)
    hall = Hall(
        clock, storage, keys, log, openings, public, notice, pins, pairing, events, watchdog
    )
    metering = Metering(
        clock, sensor, log, keys, openings, sealer, state, public, settings, console, events,
        case_open, watchdog, hall.look,
    )
    consent = Consent(clock, keys, events, metering)
    customer = CustomerPort(
        asyncio.StreamReader(customer_uart), clock, metering, pairing, keys,
        openings, log, public, settings.telegram_ms, consent, watchdog, hall,
    )
    orders = Orders(
        clock, told, events, keys.meter, keys.boot, provider, keys.random, metering,
        watchdog,
    )
    image = Registers(log, public, orders, consent.disclosed, hall)
    server = Server(image)
    utility = UtilityPort(
        asyncio.StreamReader(utility_uart), utility_uart, clock, server, watchdog,
        direction,
    )
    display = Display(
        clock, i2c, notice, console, storage, metering, log, keys, openings, public, pairing
    )
    console(
        f"meter {public.meter.hex()} boot {public.boot} record {log.count} "
        f"self-test {public.self_test} key {public.key.hex()}"
    )
    return Meter(
        Button(clock, button, notice, pairing, hall), notice, display, server, metering, customer,
        utility, orders,
    )


def _keep_clock(clock, told, boot, cause):
    """Let orders alone set the clock; return the boot's cause as the chain is to know it.

    A clock an order had set goes on through a reset. Where that is in doubt it is not set, as
    after power-on, and so the cause must say.
    """
    kept = cause != POWER_ON and told.clock_boot == boot - 1 and clock.is_set()
    clock.keep_by_orders(kept)
    if kept:
        told.clock_boot = boot
    elif told.clock_boot:
        cause = POWER_ON
        told.clock_boot = 0
    told.save()  # failing that, the next boot is in doubt
    return cause


def _calibration_digest(storage, settings):
    """Return the digest of what stands between sensor and reading: the file, and the design's."""
    return sha256(
        CALIBRATION, storage.read(calibration.NAME), b"\0",
        f"{settings.voltage_nv_per_v} {settings.current_uv_per_a} {settings.start_mw} "
        f"{settings.voltage_sensor} {settings.nominal_mv}".encode(),
    )


def _constants(storage, settings, nv_per_step, console):
    """Return (Calibration, whether a file was refused): the file's constants or the design's."""
    text = storage.read(calibration.NAME)
    if text:
        try:
            return calibration.parse(text), False
        except WattsealError as error:
            console(f"{calibration.NAME} is refused, the design's constants hold: {error}")
            return calibration.design(settings, nv_per_step), True
    return calibration.design(settings, nv_per_step), False


def _config(log, state, settings, console):
    """Return ((interval_s, exponent, channel_set) of the chain, whether settings differ).

    Once there is a log the chain's own values hold: they change by an event record only.
    """
    wanted = (settings.interval_s, settings.unit_exponent, settings.channel_set)
    if not log.count:
        return wanted, False
    newest = decode_sealed(log.newest)
    interval_s = state.interval_s
    first = log.body(0)
    if first:
        origin = decode_body(first)
        if origin.event == ORIGIN:
            interval_s = decode_origin(origin.payload)[0]
    config = (interval_s or settings.interval_s, newest.exponent, newest.channel_set)
    if config != wanted:
        console("interval, unit and channels are the chain's, not those of settings.json")
    return config, config != wanted
