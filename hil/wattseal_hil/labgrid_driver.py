"""Our meter in somebody's labgrid: resources that say where it is, a driver that is a rig.

    imports: [wattseal_hil.labgrid_driver]
    targets:
      main:
        resources:
          WattsealEmulatedMeter: {load: 2000}
        drivers:
          WattsealMeterDriver: {}
          WattsealPortDriver: {port: customer}

    meter = target.get_driver("WattsealMeterDriver")
    meter.cycle()
    meter.sleep(60)
    print(meter.meter.register_wh)

The same file serves `pytest --rig-env`. Imported by labgrid alone: nothing else here needs it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import attr
from labgrid.driver import Driver
from labgrid.driver.consoleexpectmixin import ConsoleExpectMixin
from labgrid.exceptions import InvalidConfigError
from labgrid.factory import target_factory
from labgrid.protocol import ConsoleProtocol, PowerProtocol, ResetProtocol
from labgrid.resource import Resource
from labgrid.step import step

from wattseal_hil.errors import BoardError
from wattseal_hil.meter import Meter
from wattseal_hil.rig import environment
from wattseal_hil.rig.interface import Rig
from wattseal_hil.rig.spec import open_rig

OFF_S = 2.0  # of board time, in a power cycle
_BAUD = {"customer": 115200, "utility": 19200}


def _option() -> Any:
    return attr.ib(default=None)


@target_factory.reg_resource
@attr.s(eq=False)
class WattsealEmulatedMeter(Resource):
    """A meter emulated where labgrid runs; options as in rig.environment, checked there."""

    seed = _option()
    bits = _option()
    chip = _option()
    load = _option()
    start = _option()
    settings = _option()
    calibration = _option()
    faulty = _option()
    flash = _option()
    rtc = _option()
    heap_bytes = _option()
    pace = _option()
    firmware = _option()


@target_factory.reg_resource
@attr.s(eq=False)
class WattsealBoard(Resource):
    """A board on a USB cable. Its ports: RawSerialPort or NetworkSerialPort of the same target,
    by their names `customer` and `utility`."""

    chip = _option()
    device = _option()
    options = _option()


@target_factory.reg_resource
@attr.s(eq=False)
class WattsealServedRig(Resource):
    """A rig of `wattseal rig serve`: host and port, or path of its control socket."""

    host = _option()
    port = _option()
    path = _option()


def _described(resource: Resource) -> tuple[str, dict[str, Any]]:
    kind = type(resource)
    names = [one.name for one in attr.fields(kind) if one.init and one.name != "target"]
    options = {name: _plain(getattr(resource, name)) for name in names}
    return kind.__name__, {name: value for name, value in options.items() if value is not None}


def _plain(value: Any) -> Any:
    """labgrid reads mappings as OrderedDict."""
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


@target_factory.reg_driver
@attr.s(eq=False)
class WattsealMeterDriver(Driver, PowerProtocol, ResetProtocol):
    """A rig for as long as it is active: its meter runs, and nothing resets it but you.

    What a rig can do beyond this is at `rig`, and the meter's own answers are at `meter`.
    """

    bindings = {  # noqa: RUF012 (labgrid's own form)
        "where": {"WattsealEmulatedMeter", "WattsealBoard", "WattsealServedRig"}
    }

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._rig: Rig | None = None

    def on_activate(self) -> None:
        env = self.target.env
        folder = Path(env.config.filename).parent if env else Path()
        resources = [_described(resource) for resource in self.target.resources]
        ours = [(k, dict(o)) for k, o in resources if _is_ours(k, o)]
        for kind, options in ours:
            if kind.startswith("Wattseal"):
                options.pop("name", None)
        try:
            spec = environment.of_resources(ours, folder, f"target {self.target.name}")
        except BoardError as error:
            raise InvalidConfigError(error.detail) from None
        self._rig = open_rig(spec)
        self._rig.start()

    def on_deactivate(self) -> None:
        rig, self._rig = self._rig, None
        if rig:
            rig.close()

    @property
    def rig(self) -> Rig:
        """See wattseal_hil.rig.interface.Rig."""
        if self._rig is None:
            raise BoardError("board-closed", "the driver is not active")
        return self._rig

    @property
    def meter(self) -> Meter:
        """See wattseal_hil.meter.Meter."""
        return Meter(self.rig)

    @Driver.check_active
    @step()
    def on(self) -> None:
        self.rig.power_on()

    @Driver.check_active
    @step()
    def off(self) -> None:
        self.rig.power_off()

    @Driver.check_active
    @step()
    def cycle(self) -> None:
        """Without power for two seconds of board time."""
        self.rig.power_off()
        self.rig.sleep(OFF_S)
        self.rig.power_on()

    @Driver.check_active
    @step(result=True)
    def get(self) -> bool:
        """Whether the power is on."""
        return self.rig.powered

    @Driver.check_active
    @step()
    def reset(self) -> None:
        self.rig.reset()

    @Driver.check_active
    @step(args=["seconds"])
    def sleep(self, seconds: float) -> None:
        """Let board time pass."""
        self.rig.sleep(seconds)

    @Driver.check_active
    @step(args=["load"])
    def plug(self, load: Any) -> None:
        """Watts, or an appliance's description."""
        self.rig.plug(load)


def _is_ours(kind: str, options: dict[str, Any]) -> bool:
    named = options.get("name") in _BAUD
    return kind.startswith("Wattseal") or (named and kind in ("RawSerialPort", "NetworkSerialPort"))


@target_factory.reg_driver
@attr.s(eq=False)
class WattsealPortDriver(ConsoleExpectMixin, Driver, ConsoleProtocol):
    """A port of the meter as a console: read, write, sendline, expect. `port`: customer, utility.

    On an emulated meter time stands still but for `sleep`; a `pace` lets telegrams come by
    themselves.
    """

    bindings = {"meter": WattsealMeterDriver}  # noqa: RUF012 (labgrid's own form)
    port = attr.ib(default="customer", validator=attr.validators.in_(sorted(_BAUD)))
    txdelay = attr.ib(default=0.0, validator=attr.validators.instance_of(float))
    txchunk = attr.ib(default=1, validator=attr.validators.instance_of(int))

    def on_activate(self) -> None:
        serial = importlib.import_module("serial")
        rig = self.meter.rig
        url = rig.customer_port if self.port == "customer" else rig.utility_port
        self._line: Any = serial.serial_for_url(url, _BAUD[self.port])

    def on_deactivate(self) -> None:
        self._line.close()

    def _read(self, size: int = 1, timeout: float = 0.0, max_size: int | None = None) -> bytes:
        from pexpect import TIMEOUT

        wanted = max(size, self._line.in_waiting)
        self._line.timeout = timeout
        data: bytes = self._line.read(min(wanted, max_size) if max_size else wanted)
        if not data:
            raise TIMEOUT(f"nothing came in {timeout:.2f} s")
        return data

    def _write(self, data: bytes) -> int:
        written: int = self._line.write(data)
        return written
