"""A rig out of a file of labgrid's shape, for --rig-env and, where wanted, for labgrid itself.

    targets:
      main:
        resources:
          WattsealEmulatedMeter:          a meter emulated here; its options are EMULATED
            settings: {interval_s: 900}
            load: 2000

    targets:
      bench:
        resources:
        - WattsealBoard: {chip: esp32, device: /dev/ttyUSB0}
        - RawSerialPort: {name: customer, port: /dev/ttyUSB1}
        - NetworkSerialPort: {name: utility, host: lab7, port: 4002}

    targets:
      main:
        resources:
          WattsealServedRig: {host: 127.0.0.1, port: 7000}     or {path: /run/rig/control}

A target has one Wattseal resource; everything in it is checked. A board's ports are labgrid's own
RawSerialPort and NetworkSerialPort, by their names `customer` and `utility`. What else stands there
(drivers, power switches, imports, options) is for labgrid and left alone. Paths are relative to the
file. All errors: BoardError `rig-environment`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from wattseal_hil import strict_yaml
from wattseal_hil.errors import BoardError
from wattseal_hil.rig.spec import CHIPS, Board, Emulated, RigSpec, Served

DEFAULT_TARGET = "main"
EMULATED = "WattsealEmulatedMeter"
BOARD = "WattsealBoard"
SERVED = "WattsealServedRig"

_NUMBER = (int, float)
# Options of an emulated meter: rig.emulated.EmulatedRig says what they mean.
EMULATED_OPTIONS: dict[str, Any] = {
    "seed": int,
    "bits": int,
    "chip": str,
    "load": (int, float, dict),
    "start": str,
    "settings": dict,
    "calibration": dict,
    "faulty": bool,
    "flash": str,
    "rtc": bool,
    "heap_bytes": int,
    "pace": _NUMBER,
    "firmware": str,
}
_BOARD_OPTIONS = {"chip": str, "device": str, "options": dict}
_SERVED_OPTIONS = {"host": str, "port": int, "path": str}
_RAW_PORT = {"name": str, "port": str, "speed": int}
_NETWORK_PORT = {"name": str, "host": str, "port": int, "speed": int, "protocol": str}
_PORTS = ("customer", "utility")


def read(path: str | Path, target: str | None = None) -> RigSpec:
    """The rig of a target: the one named, else `main`, else the only one."""
    reader = _Reader(str(path), Path(path).parent)
    try:
        return reader.rig(strict_yaml.load(path), target)
    except BoardError as error:
        if error.code.startswith("yaml-"):
            raise BoardError("rig-environment", error.detail) from None
        raise


def of_resources(resources: list[tuple[str, dict[str, Any]]], folder: Path, name: str) -> RigSpec:
    """The rig of a target's resources, each a kind and its options; `name` is for errors."""
    return _Reader(name, folder).of_resources(resources, "resources")


class _Reader:
    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    def _wrong(self, what: str) -> BoardError:
        return BoardError("rig-environment", f"{self._name}: {what}")

    def rig(self, document: Any, name: str | None) -> RigSpec:
        targets = document.get("targets") if isinstance(document, dict) else None
        if not isinstance(targets, dict) or not targets:
            raise self._wrong("there are no `targets`")
        if name is None:
            name = next(iter(targets)) if len(targets) == 1 else DEFAULT_TARGET
        if name not in targets:
            raise self._wrong(f"there is no target {name}, but {', '.join(targets)}")
        where = f"targets.{name}"
        target = self._mapping(targets[name], where)
        where = f"{where}.resources"
        return self.of_resources(self._resources(target.get("resources"), where), where)

    def of_resources(self, resources: list[tuple[str, dict[str, Any]]], where: str) -> RigSpec:
        ours = [(kind, options) for kind, options in resources if kind.startswith("Wattseal")]
        if len(ours) != 1:
            found = ", ".join(kind for kind, _ in resources) or "nothing"
            raise self._wrong(
                f"{where}: one of {EMULATED}, {BOARD} and {SERVED} is wanted, there is {found}"
            )
        kind, options = ours[0]
        where = f"{where}.{kind}"
        if kind == EMULATED:
            return Emulated(self._emulated(options, where))
        if kind == BOARD:
            return self._board(options, where, self._ports(resources))
        if kind == SERVED:
            return self._served(options, where)
        raise self._wrong(f"{where}: there is {EMULATED}, {BOARD} and {SERVED}")

    def _mapping(self, value: Any, where: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(f"{where} is no mapping")
        return value

    def _resources(self, value: Any, where: str) -> list[tuple[str, dict[str, Any]]]:
        """labgrid takes a mapping, or a list of mappings of one key each."""
        found = []
        for entry in value if isinstance(value, list) else [value]:
            mapping = self._mapping(entry, where)
            if isinstance(value, list) and len(mapping) != 1:
                raise self._wrong(f"{where}: each entry of the list is one resource")
            for kind, options in mapping.items():
                found.append((kind, self._mapping(options, f"{where}.{kind}")))
        return found

    def _check(
        self, options: Mapping[str, Any], types: Mapping[str, Any], where: str, need: str = ""
    ) -> None:
        for name, value in options.items():
            if name not in types:
                raise self._wrong(f"{where}: {name} is none of {', '.join(types)}")
            kinds = types[name] if isinstance(types[name], tuple) else (types[name],)
            if type(value) not in kinds or (type(value) is float and not math.isfinite(value)):
                wanted = " or ".join(_WORDS[kind] for kind in kinds)
                raise self._wrong(f"{where}.{name}: {value!r} is no {wanted}")
        for name in need.split():
            if name not in options:
                raise self._wrong(f"{where}: {name} is missing")

    def _emulated(self, options: dict[str, Any], where: str) -> dict[str, Any]:
        self._check(options, EMULATED_OPTIONS, where)
        made = dict(options)
        for name in ("flash", "firmware"):
            if name in made:
                made[name] = self._folder / made[name]
        if "start" in made:
            made["start_s"] = self._seconds(made.pop("start"), f"{where}.start")
        load = made.get("load")
        if isinstance(load, dict) and isinstance(load.get("path"), str):
            made["load"] = {**load, "path": str(self._folder / load["path"])}
        return made

    def _seconds(self, text: str, where: str) -> float:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise self._wrong(f"{where}: {text} is no time like 2026-01-01T00:00:00Z")
        return moment.timestamp()

    def _board(self, options: dict[str, Any], where: str, ports: dict[str, str]) -> Board:
        self._check(options, _BOARD_OPTIONS, where, "chip device")
        if options["chip"] not in CHIPS:
            raise self._wrong(f"{where}.chip: {options['chip']} is none of {', '.join(CHIPS)}")
        from wattseal_hil.rig.real import OPTIONS

        self._check(options.get("options", {}), OPTIONS, f"{where}.options")
        return Board(
            options["chip"],
            options["device"],
            ports.get("customer"),
            ports.get("utility"),
            options.get("options", {}),
        )

    def _ports(self, resources: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
        """What pyserial opens for each of our ports."""
        found: dict[str, str] = {}
        for kind, options in resources:
            name = options.get("name")
            if kind not in ("RawSerialPort", "NetworkSerialPort") or name not in _PORTS:
                continue
            where = f"{kind} {name}"
            if name in found:
                raise self._wrong(f"{where}: there are two ports of that name")
            if kind == "RawSerialPort":
                self._check(options, _RAW_PORT, where, "port")
                found[name] = options["port"]
            else:
                self._check(options, _NETWORK_PORT, where, "host port")
                scheme = {"rfc2217": "rfc2217", "raw": "socket"}.get(
                    options.get("protocol", "rfc2217")
                )
                if scheme is None:
                    raise self._wrong(f"{where}.protocol is rfc2217 or raw")
                found[name] = f"{scheme}://{options['host']}:{options['port']}"
        return found

    def _served(self, options: dict[str, Any], where: str) -> Served:
        self._check(options, _SERVED_OPTIONS, where)
        if set(options) == {"path"}:
            return Served(str(self._folder / options["path"]))
        if set(options) == {"host", "port"} and 0 < options["port"] < 65536:
            return Served((options["host"], options["port"]))
        raise self._wrong(f"{where}: host and port, or path")


_WORDS = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    dict: "mapping",
}
