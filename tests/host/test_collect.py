"""Collecting in earnest: over broken links, from many meters, past wiped and forked ones."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from in_process import wattseal
from scripted_meter import ScriptedMeter, wire
from sealed_house import House, SealingMeter
from wattseal.errors import Malformed, Refused
from wattseal_host.collect import many
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.many import collect_all
from wattseal_host.collect.place import CUSTOMER, UTILITY, Place
from wattseal_host.collect.resume import collect
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger, apart
from wattseal_host.ledger.apart import MAX_REJECT_BYTES

TIMEOUT_S = 0.3


def history(name: str, *values: int, boot: int = 1) -> SealingMeter:
    meter = SealingMeter(name)
    meter.boot = boot
    meter.origin()
    for value in values:
        meter.reading(value)
    return meter


HONEST = history("honest", 1, 2, 3, 4, 5, 6, boot=3)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def read(ledger: Ledger, meter: ScriptedMeter, place: str = "/dev/meter", **more: bool) -> int:
    with wire(meter.answer) as path, CustomerPort(path, TIMEOUT_S) as port:
        port.place = Place(CUSTOMER, place)
        return collect(ledger, port, **more)


def test_it_goes_on_where_it_stopped(ledger: Ledger) -> None:
    meter = ScriptedMeter(HONEST, boot=3)
    meter.told = HONEST.sealed[:4]
    assert read(ledger, meter) == 4
    meter.told = HONEST.sealed
    assert [read(ledger, meter), read(ledger, meter)] == [3, 0]
    assert ledger.sealed(HONEST.meter) == HONEST.sealed


def test_a_link_that_breaks_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent at every fourth request; nothing is read twice but what was not committed."""
    monkeypatch.setattr(many, "PAUSE_S", 0.01)
    monkeypatch.setattr(many, "CustomerPort", lambda port, tap: CustomerPort(port, 0.1, tap))
    monkeypatch.setattr("wattseal_host.collect.resume.BATCH", 2)
    meter = ScriptedMeter(HONEST, boot=3)

    requests = count(1)

    def answer(request: bytes) -> bytes:
        return b"" if next(requests) % 4 == 0 else meter.answer(request)

    with wire(answer) as path:
        (outcome,) = collect_all(tmp_path / "l.db", [Place(CUSTOMER, path)])
    assert (outcome.code, outcome.new, outcome.records) == ("", 7, 7)
    assert outcome.breaks >= 1


def test_a_meter_that_never_answered_is_not_waited_for(tmp_path: Path) -> None:
    (outcome,) = collect_all(tmp_path / "l.db", [Place(UTILITY, "/nonexistent")])
    assert (outcome.code, outcome.meter, outcome.breaks) == ("port-missing", None, 0)


def test_what_came_before_the_break_is_kept(ledger: Ledger) -> None:
    class Breaking(CustomerPort):
        def fetch(self, from_seq: int, count: int) -> Iterator[bytes]:
            for data in self.history(from_seq, count):
                if data == HONEST.sealed[5]:
                    raise PortError("port-silent")
                yield data

    with (
        wire(ScriptedMeter(HONEST, boot=3).answer) as path,
        Breaking(path, TIMEOUT_S) as port,
        pytest.raises(PortError),
    ):
        collect(ledger, port)
    assert ledger.sealed(HONEST.meter) == HONEST.sealed[:5]


def test_several_meters_at_once_and_one_that_fails(tmp_path: Path) -> None:
    """Two ports of one meter among them: its records are stored once."""
    others = [history(f"street {number}", 7, 8, 9) for number in range(3)]
    altered = ScriptedMeter(others[2])
    altered.told[2] = altered.told[2][:76] + b"\0" + altered.told[2][77:]
    meters = [*(ScriptedMeter(meter) for meter in others[:2]), altered]
    with ExitStack() as stack:
        paths = [stack.enter_context(wire(meter.answer)) for meter in [*meters, meters[0]]]
        places = [Place(CUSTOMER, path) for path in ["/nonexistent", *paths]]
        outcomes = collect_all(tmp_path / "l.db", places)
    assert [o.code for o in outcomes] == ["port-missing", "", "", "chain-signature", ""]
    assert [o.records for o in outcomes] == [0, 4, 4, 2, 4]
    with Ledger(tmp_path / "l.db") as ledger:
        for meter, count in zip(others, (4, 4, 2), strict=True):
            assert ledger.sealed(meter.meter) == meter.sealed[:count]
        (reject,) = ledger.rejects(others[2].meter)
        assert (reject.code, reject.sealed) == ("chain-signature", altered.told[2])


def test_a_babbling_meter_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "KEEP_FIRST", 5)
    monkeypatch.setattr(apart, "KEEP_LAST", 10)
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.add_meter(House(HONEST).enrolment)
        for number in range(40):
            with pytest.raises(Malformed):
                ledger.append(HONEST.meter, [number.to_bytes(4, "big") * 5000], "customer")
        with pytest.raises(Malformed):
            ledger.append(HONEST.meter, [number.to_bytes(4, "big") * 5000], "customer")
        rejects = ledger.rejects(HONEST.meter)
        assert len(rejects) == 15
        assert {len(reject.sealed) for reject in rejects} == {MAX_REJECT_BYTES}
        first, last = (int.from_bytes(r.sealed[:4], "big") for r in (rejects[0], rejects[-1]))
        assert (first, last) == (0, number)
        assert ledger.sealed(HONEST.meter) == []


def test_replies_without_end_are_not_listened_to(ledger: Ledger) -> None:
    def answer(request: bytes) -> bytes:
        if request.startswith(b"?status"):
            return ScriptedMeter(HONEST).status()
        return b"".join(b"#record %d 00\r\n" % seq for seq in range(200))

    with (
        wire(answer) as path,
        CustomerPort(path, TIMEOUT_S) as port,
        pytest.raises(PortError, match="port-answer"),
    ):
        collect(ledger, port)


@pytest.mark.parametrize("length", [1, 3, 7, 12])
def test_a_wiped_meter_is_noticed_with_evidence(ledger: Ledger, length: int) -> None:
    """Genesis again under the same key, with fewer or more records than before."""
    read(ledger, ScriptedMeter(HONEST, boot=3))
    wiped = SealingMeter("honest").origin(HONEST.end_s)
    for value in range(length - 1):
        wiped.reading(value)
    for _ in range(2):
        with pytest.raises(Refused, match="meter-wiped"):
            read(ledger, ScriptedMeter(wiped))
    (evidence,) = ledger.forks(HONEST.meter)
    assert evidence.seq == 0
    assert ledger.sealed(HONEST.meter) == HONEST.sealed


@pytest.mark.parametrize("length", [5, 7, 9])
def test_a_meter_set_back_that_went_on_is_noticed_where_it_parted(
    ledger: Ledger, length: int
) -> None:
    read(ledger, ScriptedMeter(HONEST, boot=3))
    forked = history("honest", 1, 2, 3, boot=3)
    forked.boot = 4
    while len(forked.sealed) < length:
        forked.reading(90)
    with pytest.raises(Refused, match="meter-forked"):
        read(ledger, ScriptedMeter(forked, boot=4))
    (evidence,) = ledger.forks(HONEST.meter)
    assert evidence.seq == 4
    assert ledger.sealed(HONEST.meter) == HONEST.sealed


def test_a_meter_set_back_is_noticed_before_it_seals_again(ledger: Ledger) -> None:
    read(ledger, ScriptedMeter(HONEST, boot=3))
    back = ScriptedMeter(HONEST, boot=3)
    back.told = HONEST.sealed[:4]
    with pytest.raises(Refused, match="log-rewound"):
        read(ledger, back)
    with pytest.raises(Refused, match="boot-rewound"):
        read(ledger, ScriptedMeter(HONEST, boot=2))
    gone = ScriptedMeter(history("honest", *range(20), boot=3), boot=3)
    gone.told = [*HONEST.sealed, b"", b""]
    gone.oldest = 8
    with pytest.raises(Refused, match="log-gap"):
        read(ledger, gone)
    assert ledger.sealed(HONEST.meter) == HONEST.sealed and not ledger.forks(HONEST.meter)


def test_another_meter_on_the_same_port_is_asked_about(ledger: Ledger) -> None:
    read(ledger, ScriptedMeter(HONEST, boot=3))
    other = ScriptedMeter(history("exchanged", 1, 2))
    with pytest.raises(Refused, match="meter-replaced"):
        read(ledger, other)
    assert [meter.meter for meter in ledger.meters()] == [HONEST.meter]
    assert read(ledger, other, accept_new=True) == 3
    # From now on both are known: who walks from meter to meter with one cable is not bothered.
    assert read(ledger, ScriptedMeter(HONEST, boot=3)) == 0
    assert read(ledger, other) == 0
    assert read(ledger, ScriptedMeter(history("elsewhere", 1)), "/dev/other") == 2


def test_a_late_answer_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modbus RTU does not number its frames."""
    from wattseal_host.collect.utility import UtilityPort

    port = UtilityPort("/dev/null")
    answers = [HONEST.sealed[at] for at in (0, 0, 1, 2)]
    monkeypatch.setattr(port, "record", lambda seq: answers.pop(0))
    assert list(port.fetch(0, 3)) == HONEST.sealed[:3]


def test_collecting_by_command(tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return wattseal(*arguments, "--json")

    ledger, other = tmp_path / "l.db", history("second", 5)
    forked = history("honest", 1, 2, 30, 40, boot=3)
    with ExitStack() as stack:
        ports = [stack.enter_context(wire(ScriptedMeter(m, 3).answer)) for m in (HONEST, other)]
        options = [option for port in ports for option in ("--customer", port)]
        done = run("collect", "--ledger", ledger, *options)
        value = json.loads(done.stdout)
        assert (done.returncode, value["new"], value["failed"]) == (0, 9, 0)
        assert [port["records"] for port in value["ports"]] == [7, 2]
        done = run("collect", "--ledger", ledger, *options, "--utility", "/nonexistent")
        assert (done.returncode, json.loads(done.stdout)["failed"]) == (3, 1)
        assert run("collect", "--ledger", ledger, "--customer", "/nonexistent").returncode == 2
        assert run("collect", "--ledger", ledger, *options[:2] * 2).returncode == 2
    with wire(ScriptedMeter(forked, 3).answer) as port:
        done = run("collect", "--ledger", ledger, "--customer", port)
        value = json.loads(done.stdout)
        assert done.returncode == 2 and "meter-forked" in done.stderr
    (evidence,) = value["ports"][0]["evidence"]
    trust = tmp_path / "trust.json"
    trust.write_bytes(House(HONEST).trust.write())
    done = run("verify", evidence, "--trust", trust)
    assert (done.returncode, json.loads(done.stdout)["code"]) == (0, "fork-proven")
    done = wattseal("verify", evidence, "--trust", trust)
    assert done.returncode == 0 and done.stdout.startswith("the evidence holds: fork-proven")
    trust.write_bytes(House(other).trust.write())
    done = wattseal("verify", evidence, "--trust", trust)
    assert done.returncode == 1 and "untrusted-keys" in done.stdout
    listed = json.loads(run("ledger", "forks", "--ledger", ledger, "--out", tmp_path).stdout)
    assert [fork["file"] for fork in listed["forks"]] == [evidence]
    rejects = json.loads(run("ledger", "rejects", "--ledger", ledger).stdout)["rejects"]
    assert [reject["code"] for reject in rejects] == ["meter-forked"]
    checked = json.loads(run("ledger", "check", "--ledger", ledger).stdout)["meters"]
    assert [row["code"] for row in checked] == ["complete", "complete"]
