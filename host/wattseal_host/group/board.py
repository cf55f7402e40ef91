"""The folder of a run, a notice board: signed papers that hold nothing secret, one to a file."""

from __future__ import annotations

from pathlib import Path

from wattseal.errors import Misuse

from wattseal_host.files import read_token, write_token
from wattseal_host.group.founding import GroupSet, Plan
from wattseal_host.group.rounds import Closing, Roster
from wattseal_host.trust import Trust

SUFFIX = ".jws"


class Board:
    """`folder` with set, plan, roster, closing and sum, and deals/, shares/, reveals/ by meter.

    Every paper is checked when it is read, those of the aggregator by the providers in `trust`.
    """

    def __init__(self, folder: Path, trust: Trust) -> None:
        self.folder = folder
        self._trusted = trust.providers

    def group(self) -> GroupSet:
        return GroupSet.open(self.token("set"), self._trusted)

    def plan(self, group: GroupSet) -> Plan:
        return Plan.open(self.token("plan"), group, self._trusted)

    def roster(self, plan: Plan, group: GroupSet) -> Roster:
        return Roster.open(self.token("roster"), plan, group, self._trusted)

    def closing(self, roster: Roster, group: GroupSet) -> Closing:
        return Closing.open(self.token("closing"), roster, group, self._trusted)

    def token(self, name: str) -> str:
        return read_token(self.folder / (name + SUFFIX))

    def tokens(self, name: str) -> list[str]:
        """Every paper of a kind, in the order of the files' names."""
        folder = self.folder / name
        paths = sorted(folder.glob("*" + SUFFIX)) if folder.is_dir() else []
        return [read_token(path) for path in paths]

    def post(self, name: str, token: str) -> Path:
        """Put up a paper. Misuse `group-posted`: what is fixed stays (the same again is none)."""
        path = self.folder / (name + SUFFIX)
        if path.exists() and read_token(path) != token:
            raise Misuse("group-posted", f"{path} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_token(path, token)
        return path
