"""Collecting from the firmware on the emulated board: reboots, captures, a flash set back."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from wattseal_hil.board import START_S, EmulatedBoard
from wattseal_hil.loads import ConstantLoad
from wattseal_host.collect import many
from wattseal_host.collect.capture import CaptureWriter, container_chunks, open_capture
from wattseal_host.collect.many import Outcome, collect_all
from wattseal_host.collect.place import CUSTOMER, UTILITY, Place
from wattseal_host.collect.tap import TO_METER
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.evidence import judge
from wattseal_host.ledger import Ledger
from wattseal_host.replay import replay
from wattseal_host.trust import Trust

HOUR_S = 3600
SETTINGS = {"interval_s": 300, "burst_ms": 60_000, "telegram_ms": 60_000, "checkpoint_ms": 60_000}


def board(workdir: Path, start_s: int = START_S, seed: int = 5) -> EmulatedBoard:
    settings = None if (workdir / "flash.bin").exists() else SETTINGS
    return EmulatedBoard(
        workdir=workdir, seed=seed, load=ConstantLoad(700), start_s=start_s, settings=settings
    )


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "PAUSE_S", 0.1)
    monkeypatch.setattr(
        many, "UtilityPort", lambda port, tap: UtilityPort(port, timeout_s=0.5, tap=tap)
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedBoard]:
    """A meter with five hours of records."""
    with board(tmp_path_factory.mktemp("running")) as meter:
        meter.power_on()
        meter.run_until(START_S + 5 * HOUR_S + 5)
        yield meter


def only(ledger: Path) -> tuple[bytes, list[bytes]]:
    with Ledger(ledger) as opened:
        (meter,) = opened.meters()
        return meter.meter, opened.sealed(meter.meter)


def test_captures_of_both_ports_replay_to_the_same_ledger(
    running: EmulatedBoard, tmp_path: Path
) -> None:
    """As containers, and as the bare bytes a sniffer gives, requests and answers on one wire."""
    places = [Place(UTILITY, running.utility_port), Place(CUSTOMER, running.customer_port)]
    with CaptureWriter(tmp_path / "capture", places) as writer:
        outcomes = collect_all(tmp_path / "l.db", places, taps=[writer.tap(at) for at in range(2)])
    assert [outcome.code for outcome in outcomes] == ["", ""]
    meter, sealed = only(tmp_path / "l.db")
    assert len(sealed) > 60
    outcome = replay(tmp_path / "capture", tmp_path / "again.db")
    assert outcome.verdict == "accepted" and only(tmp_path / "again.db") == (meter, sealed)
    heard = {place.kind: counts for place, counts in outcome.places}
    assert heard[UTILITY]["exchanges"] > 2 and heard[UTILITY]["noise_bytes"] == 0
    # Both ports were read at the same time, and either has what the other left.
    for at, place in enumerate(places):
        alone = tmp_path / f"{place.kind}.db"
        with CaptureWriter(tmp_path / f"{place.kind}.capture", [place]) as writer:
            collect_all(alone, [place], taps=[writer.tap(0)])
        with open_capture(tmp_path / f"{place.kind}.capture") as file:
            stream = b"".join(chunk.data for chunk in container_chunks(file)[1])
        (tmp_path / f"{place.kind}.raw").write_bytes(b"\x01\x03\x00 joined late" + stream)
        outcome = replay(tmp_path / f"{place.kind}.raw", tmp_path / f"raw{at}.db")
        assert (outcome.verdict, outcome.places[0][0].kind) == ("accepted", place.kind)
        assert only(tmp_path / f"raw{at}.db") == (meter, sealed)


def test_a_meter_that_reboots_in_the_middle(running: EmulatedBoard, tmp_path: Path) -> None:
    """Without power for longer than the port is patient with one request."""
    capture, place = tmp_path / "capture", Place(UTILITY, running.utility_port)
    asked = 0
    timer = threading.Timer(3, running.power_on)
    with CaptureWriter(capture, [place]) as writer:
        written = writer.tap(0)

        def tap(to: str, data: bytes) -> None:
            nonlocal asked
            written(to, data)
            asked += to == TO_METER
            if asked == 20 and running.powered:
                running.power_off()
                timer.start()

        (outcome,) = collect_all(tmp_path / "l.db", [place], taps=[tap], patience_s=20)
    timer.join()
    assert (outcome.code, outcome.new) == ("", outcome.records)
    assert outcome.breaks >= 1 and outcome.records > 60
    replayed = replay(capture, tmp_path / "again.db")
    assert replayed.verdict == "accepted" and replayed.places[0][1]["unanswered"] > 0
    assert only(tmp_path / "again.db") == only(tmp_path / "l.db")


def collected(meter: EmulatedBoard, ledger: Path) -> Outcome:
    """By the name of a port that stays, as a by-id link of a serial adapter does."""
    link = ledger.with_name("port")
    link.unlink(missing_ok=True)
    link.symlink_to(meter.utility_port)
    (outcome,) = collect_all(ledger, [Place(UTILITY, str(link))])
    return outcome


def test_a_flash_set_back_a_wiped_one_and_another_meter(tmp_path: Path) -> None:
    ledger, flash = tmp_path / "l.db", tmp_path / "board" / "flash.bin"
    with board(tmp_path / "board") as meter:
        meter.power_on()
        meter.run_until(START_S + HOUR_S + 5)
        meter.power_off()
        shutil.copy(flash, tmp_path / "backup.bin")
        meter.power_on()
        meter.run_until(START_S + 3 * HOUR_S + 5)
        assert collected(meter, ledger).code == ""
    identity, sealed = only(ledger)

    shutil.copy(tmp_path / "backup.bin", flash)
    with board(tmp_path / "board", START_S + 3 * HOUR_S) as meter:
        meter.power_on()
        outcome = collected(meter, ledger)
        assert outcome.code in ("log-rewound", "meter-forked")
        meter.run_until(START_S + 6 * HOUR_S + 5)
        assert collected(meter, ledger).code == "meter-forked"
    with Ledger(ledger) as opened:
        evidence = opened.forks(identity)[0]
        assert judge(evidence.write(), Trust((), (evidence.key,))).holds
        assert 12 <= evidence.seq < len(sealed)

    # A new flash is a new key, so that is another meter, as one in the same place is.
    flash.unlink()
    for workdir, seed in ((tmp_path / "board", 5), (tmp_path / "other", 6)):
        with board(workdir, START_S + 6 * HOUR_S, seed) as meter:
            meter.power_on()
            meter.run_until(START_S + 7 * HOUR_S)
            assert collected(meter, ledger).code == "meter-replaced"
    # Whatever happened, what was collected is still there and nothing else is.
    assert only(ledger) == (identity, sealed)
