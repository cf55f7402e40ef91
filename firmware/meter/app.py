"""The whole meter: its parts put together, and its tasks."""

import asyncio

from wattseal.errors import WattsealError
from wattseal.record import ORIGIN, decode_origin, decode_sealed

from meter import calibration
from meter.clock import Clock
from meter.customer_port import CustomerPort
from meter.keys import Keys
from meter.log import Log
from meter.metering import Metering
from meter.openings import Openings
from meter.pairing import Pairing
from meter.public import Public
from meter.registers import Registers
from meter.sealer import Sealer
from meter.sensor import Sensor
from meter.settings import Settings, parse
from meter.state import State
from meter.storage import Storage
from meter.utility_port import UtilityPort


class Meter:
    """A meter on a board.

    root: path of its flash file system. time: the module. entropy: as os.urandom.
    voltage, current: converters with `read` (steps, 0 to 4095); voltage with `read_uv` as well.
    customer_uart, utility_uart: the ports. console: takes a line of text for whoever watches.

    WattsealError `keys-lost` if the flash holds a log but not its keys: there is no honest way on.
    """

    def __init__(
        self, root, time, entropy, voltage, current, customer_uart, utility_uart, console,
    ):
        storage = Storage(root)
        settings, refused = _settings(storage, console)
        clock = Clock(time)
        log = Log(storage)
        state = State(storage)
        if not state.load() and log.count:
            console("checkpoint is lost: registers go on from the log")
        config, changed = _config(log, state, settings, console)
        constants, spoilt = _constants(storage, settings, console)
        sensor = Sensor(voltage.read, current.read, time, settings, constants)
        if not constants.present and settings.voltage_sensor:
            sensor.calibration = calibration.design(
                settings, sensor.factory_nv_per_step(voltage.read_uv)
            )
        newest = decode_sealed(log.newest) if log.count else None
        keys = Keys(
            storage, entropy, sensor.noise, newest.boot if newest else 0, newest is not None
        )
        public = Public(
            clock, log, keys.meter, keys.public, keys.boot, keys.epoch, config,
            refused or changed or spoilt, constants.present,
        )
        openings = Openings(keys)
        sealer = Sealer(log, keys, openings, public, console)
        self.pairing = Pairing(clock, keys)
        self._metering = Metering(
            clock, sensor, log, keys, openings, sealer, state, public, settings, console
        )
        self._customer = CustomerPort(
            asyncio.StreamReader(customer_uart), clock, self._metering, self.pairing, keys,
            openings, log, public, settings.telegram_ms,
        )
        self._utility = UtilityPort(
            asyncio.StreamReader(utility_uart), clock, Registers(log, public)
        )
        console(f"meter {public.meter.hex()} boot {public.boot} record {log.count}")

    async def run(self):
        """Run all tasks for ever; an exception in any of them ends all."""
        await asyncio.gather(
            self._metering.measure_forever(),
            self._metering.seal_forever(),
            self._customer.send_telegrams_forever(),
            self._customer.answer_forever(),
            self._utility.answer_forever(),
        )


def _settings(storage, console):
    """Return (Settings, whether the file was refused)."""
    text = storage.read("settings.json")
    if text:
        try:
            return parse(text), False
        except WattsealError as error:
            console(f"settings.json is refused, defaults hold: {error}")
            return Settings(), True
    return Settings(), False


def _constants(storage, settings, console):
    """Return (Calibration, whether a file was refused): the file's constants or the design's."""
    text = storage.read(calibration.NAME)
    if text:
        try:
            return calibration.parse(text), False
        except WattsealError as error:
            console(f"{calibration.NAME} is refused, the design's constants hold: {error}")
            return calibration.design(settings, 0), True
    return calibration.design(settings, 0), False


def _config(log, state, settings, console):
    """Return ((interval_s, exponent, channel_set) of the chain, whether settings differ).

    Once there is a log the chain's own values hold: they change by an event record only.
    """
    wanted = (settings.interval_s, settings.unit_exponent, settings.channel_set)
    if not log.count:
        return wanted, False
    newest = decode_sealed(log.newest)
    interval_s = state.interval_s
    first = log.read(0)
    if first:
        origin = decode_sealed(first)
        if origin.event == ORIGIN:
            interval_s = decode_origin(origin.payload)[0]
    config = (interval_s or settings.interval_s, newest.exponent, newest.channel_set)
    if config != wanted:
        console("interval, unit and channels are the chain's, not those of settings.json")
    return config, config != wanted
