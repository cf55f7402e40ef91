"""Home Assistant's sensors by MQTT: the real firmware, a real broker and its own reader."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broker import PASSWORD, USER, Broker, heard, until
from house import WATTS, House
from in_process import wattseal
from wattseal_host.customer import mqtt
from wattseal_host.customer.live import Keeper

COMMAND = [
    sys.executable,
    "-c",
    "from wattseal_host.cli.main import run; run()",
    "customer",
    "mqtt",
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def secrets(home: House, tmp_path: Path) -> Path:
    path = tmp_path / "home.json"
    home._secrets.save(path)
    return path


def start(home: House, broker: Broker, *more: object) -> subprocess.Popen[str]:
    line = [*COMMAND, "--port", home.board.customer_port, "--every", "1", *broker.options, *more]
    return subprocess.Popen([*map(str, line)], stderr=subprocess.PIPE, text=True)


def values(path: Path, ending: str) -> list[Any]:
    return [value for _, topic, value in heard(path) if topic.endswith(ending)]


def test_sensors_availability_and_last_will(
    home: House, broker: Broker, secrets: Path, tmp_path: Path
) -> None:
    log = tmp_path / "heard"
    reader = broker.listen(log)
    home.board.set_pace(4)
    running = start(home, broker, "--secrets", secrets)
    try:
        until(lambda: len(values(log, "/state")) > 2, "no state")
        meter = home._secrets.meter.hex()
        base = f"wattseal/{meter}"
        configured = {t.split("/")[3]: v for _, t, v in heard(log) if t.startswith("homeassistant")}
        assert set(configured) == {"import_energy", "import_power", "voltage"}
        energy = configured["import_energy"]
        # What the energy dashboard asks of a source.
        assert energy["device_class"] == "energy" and energy["unit_of_measurement"] == "kWh"
        assert energy["state_class"] == "total_increasing"
        assert configured["import_power"]["device_class"] == "power"
        assert len({one["unique_id"] for one in configured.values()}) == len(configured)
        for name, one in configured.items():
            assert (one["state_topic"], one["availability_topic"]) == (
                f"{base}/state", f"{base}/availability"
            )  # fmt: skip
            assert one["value_template"] == f"{{{{ value_json.{name} }}}}"
            assert one["device"]["identifiers"] == [f"wattseal_{meter}"] and one["origin"]["name"]
        topics = {topic for _, topic, _ in heard(log)}
        told = values(log, "/state")
        assert set(told[0]) == set(configured)
        for one in told:
            assert one["import_power"] == pytest.approx(WATTS, rel=0.01)
            assert one["voltage"] == pytest.approx(230, rel=0.01)
            assert one["import_energy"] == pytest.approx(1.0, rel=0.1)
        registers = [one["import_energy"] for one in told]
        assert registers == sorted(registers)
        assert values(log, "/availability")[-1] == "online"

        # The broker keeps what there is, and nothing of how much was used.
        late = tmp_path / "late"
        second = broker.listen(late)
        until(lambda: len(heard(late)) > len(configured) + 2, "nothing retained")
        second.kill()
        retained = {topic for kept, topic, _ in heard(late) if kept}
        assert retained == topics - {f"{base}/state"}

        running.send_signal(signal.SIGKILL)
        until(lambda: values(log, "/availability")[-1] == "offline", "no last will")
    finally:
        running.kill()
        reader.kill()
        home.board.set_pace(None)


@pytest.mark.slow
def test_a_meter_without_power_a_broker_that_restarts_and_the_end(
    home: House, broker: Broker, tmp_path: Path
) -> None:
    log, again, said = tmp_path / "heard", tmp_path / "again", []
    reader = broker.listen(log)
    home.board.set_pace(4)
    stop = threading.Event()
    told = mqtt.Broker.at(
        f"mqtts://localhost:{broker.port}", user=USER, password=PASSWORD, authority=broker.authority
    )
    topics = mqtt.Topics.of(home._secrets.meter, "homeassistant", "wattseal")
    publisher = mqtt.Publisher(told, said.append)
    with Keeper(home.board.customer_port, silent_s=2) as keeper:
        running = threading.Thread(target=publisher.run, args=(keeper, topics, 1, stop))
        running.start()
        try:
            until(lambda: values(log, "/availability")[-1:] == ["online"], "not online")
            home.board.power_off()
            until(lambda: values(log, "/availability")[-1] == "offline", "silence is not told")
            home.board.power_on()
            until(lambda: values(log, "/availability")[-1] == "online", "not back")
            reader.kill()
            broker.stop()
            broker.start()
            reader = broker.listen(again)
            until(lambda: values(again, "/state"), "the broker is not found again")
            assert values(again, "/availability")[-1] == "online"
            assert len(values(again, "/config")) >= 3
            stop.set()
            until(lambda: values(again, "/availability")[-1] == "offline", "no farewell")
        finally:
            stop.set()
            running.join(20)
            reader.kill()
            home.board.set_pace(None)
    assert any("port-silent" in line for line in said) and any("gone" in line for line in said)


def test_what_is_refused(home: House, broker: Broker, secrets: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not it")
    wrong.chmod(0o600)
    shown = tmp_path / "shown"
    shown.write_text("secret")
    shown.chmod(0o644)
    stranger = tmp_path / "stranger.json"
    held = home._secrets
    type(held)(bytes(16), held.key, held.epochs).save(stranger)
    own = ["customer", "mqtt", "--port", home.board.customer_port]
    local = ["--broker", f"mqtt://127.0.0.1:{broker.plain_port}"]
    cases = {
        "broker-refused": [*own, *broker.options, "--password-file", wrong],
        "secret-exposed": [*own, *broker.options, "--password-file", shown],
        "broker-missing": [*own, *broker.options, "--broker", "mqtts://localhost:1"],
        "broker-tls": [*own, *broker.options, "--ca", _another_authority(tmp_path)],
        "mqtt-plain": [*own, "--broker", "mqtt://broker.example:1883"],
        "mqtt-broker": [*own, "--broker", "mqtt://user:pass@localhost"],
        "mqtt-topic": [*own, *local, "--topic", "wattseal/#"],
        "mqtt-tls": [*own, *local, "--ca", broker.authority],
        "mqtt-user": [*own, *local, "--user", "somebody"],
        "meter-pinned": [*own, *broker.options, "--secrets", stranger],
        "port-missing": [*own, *broker.options, "--port", "/dev/pts/no"],
    }
    home.board.set_pace(4)
    try:
        for code, line in cases.items():
            done = wattseal(*line)
            assert done.returncode == 2, (code, done.stderr)
            assert done.stderr.splitlines()[0].startswith(f"error: {code}"), done.stderr
            assert len(done.stderr.splitlines()) == 1, done.stderr
    finally:
        home.board.set_pace(None)


def _another_authority(tmp_path: Path) -> Path:
    from broker import _certify

    folder = tmp_path / "another"
    folder.mkdir()
    _certify(folder)
    return folder / "ca.pem"
