"""Environment files: labgrid's shape, read strictly, one clear error each."""

from pathlib import Path

import pytest
from wattseal_hil import strict_yaml
from wattseal_hil.errors import BoardError
from wattseal_hil.rig import environment
from wattseal_hil.rig.emulated import EmulatedRig
from wattseal_hil.rig.spec import Board, Emulated, Served, open_rig

EXAMPLES = Path(__file__).resolve().parents[2] / "hil" / "examples"


@pytest.fixture
def read(tmp_path):
    def read(text: str, target: str | None = None):
        (tmp_path / "env.yaml").write_text(text)
        return environment.read(tmp_path / "env.yaml", target)

    return read


def target(resource: str) -> str:
    return f"targets: {{main: {{resources: {{{resource}}}}}}}"


def test_the_examples_are_read():
    kinds = {path.stem: environment.read(path) for path in EXAMPLES.glob("*.yaml")}
    assert set(kinds) == {"emulated", "board", "served"}
    assert kinds["board"] == Board("esp32", "/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2", {})
    assert kinds["served"] == Served(("127.0.0.1", 7000))
    with open_rig(kinds["emulated"]) as rig:
        rig.start()
        assert rig.now_s == pytest.approx(1772323200, abs=1)


def test_every_option_of_an_emulated_meter(read, tmp_path):
    spec = read(
        target(
            "WattsealEmulatedMeter: {seed: 3, bits: 64, chip: esp32s3, heap_bytes: 600000, "
            "load: {kind: motor, watts: 500, power_factor: 0.6}, start: 2026-03-01T00:00:00Z, "
            "settings: {interval_s: 900}, calibration: {}, faulty: true, flash: f.bin, "
            "rtc: false, pace: 10}"
        )
    )
    assert isinstance(spec, Emulated)
    assert set(spec.options) | {"firmware", "start"} == set(environment.EMULATED_OPTIONS) | {
        "start_s"
    }
    assert spec.options["flash"] == tmp_path / "f.bin"
    with open_rig(spec) as rig:
        assert isinstance(rig, EmulatedRig)


def test_a_boards_ports_are_labgrids(read):
    text = """
    imports: [wattseal_hil.labgrid_driver]
    options: {anything: goes}
    targets:
      bench:
        resources:
        - WattsealBoard: {chip: esp32c3, device: /dev/ttyACM0, options: {baud: 115200}}
        - NetworkSerialPort: {name: customer, host: lab7, port: 4001, protocol: raw}
        - NetworkSerialPort: {name: utility, host: lab7, port: 4002}
        - NetworkPowerPort: {model: gude, host: pdu, index: 0}
        drivers:
          ManualPowerDriver: {}
    """
    assert read(text) == Board(
        "esp32c3", "/dev/ttyACM0", "socket://lab7:4001", "rfc2217://lab7:4002", {"baud": 115200}
    )


TWO = """
targets:
  main: {resources: {WattsealServedRig: {host: a, port: 1}}}
  other: {resources: {WattsealServedRig: {path: control}}}
"""


def test_targets_by_name(read, tmp_path):
    assert read(TWO) == Served(("a", 1))
    assert read(TWO, "other") == Served(str(tmp_path / "control"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there are no `targets`"),
        ("[]", "there are no `targets`"),
        ("targets: {}", "there are no `targets`"),
        ("targets: {a: {}, b: {}}", "no target main, but a, b"),
        ("targets: {main: 3}", "targets.main is no mapping"),
        ("targets: {main: {resources: 3}}", "targets.main.resources is no mapping"),
        ("targets: {main: {resources: [{A: {}, B: {}}]}}", "each entry of the list is one"),
        (target(""), "there is nothing"),
        (target("WatsealBoard: {}"), "there is WatsealBoard"),
        (target("WattsealMeter: {}"), "WattsealMeter: there is WattsealEmulatedMeter"),
        (target("WattsealBoard: {}, WattsealServedRig: {}"), "one of"),
        (target("WattsealBoard: 3"), "WattsealBoard is no mapping"),
        (target("WattsealBoard: {chip: esp32}"), "device is missing"),
        (target("WattsealBoard: {chip: esp8266, device: a}"), "chip: esp8266 is none of"),
        (target("WattsealBoard: {chip: esp32, device: a, options: {b: 1}}"), "b is none of"),
        (target("WattsealEmulatedMeter: {sede: 1}"), "sede is none of seed"),
        (target("WattsealEmulatedMeter: {seed: 1.5}"), "seed: 1.5 is no whole number"),
        (target("WattsealEmulatedMeter: {seed: true}"), "seed: True is no whole number"),
        (target("WattsealEmulatedMeter: {load: .nan}"), "load: nan is no"),
        (target("WattsealEmulatedMeter: {start: yesterday}"), "start: yesterday is no time"),
        (target("WattsealEmulatedMeter: {start: 2026-01-01}"), "start: 2026-01-01 is no time"),
        (target("WattsealServedRig: {host: a}"), "host and port, or path"),
        (target("WattsealServedRig: {host: a, port: 0}"), "host and port, or path"),
        ("targets: {main: {}, main: {}}", ":1: main stands here twice"),
        ("targets: !template x", "!template is not understood here"),
        ("targets: {1: {}}", "the key 1 is no text"),
        ("targets: [", "env.yaml:1: "),
        ("a: &a [*a]\n---\nb: 1", "env.yaml"),
        ("targets: \x01", "env.yaml"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(read, text, words):
    with pytest.raises(BoardError) as caught:
        read(text)
    assert caught.value.code == "rig-environment"
    assert words in caught.value.detail and "\n" not in caught.value.detail


def test_a_port_twice(read):
    port = "- RawSerialPort: {name: customer, port: a}\n"
    text = "targets: {main: {resources: [{WattsealBoard: {chip: esp32, device: a}}]}}\n"
    assert read(text)
    listed = "targets:\n main:\n  resources:\n  - WattsealBoard: {chip: esp32, device: a}\n  "
    with pytest.raises(BoardError) as caught:
        read(listed + port + "  " + port)
    assert "two ports of that name" in caught.value.detail


def test_strict_yaml(tmp_path):
    text = "a: 2026-01-01\nb: [1, 2.5, true, null, text]\nc: &x {d: e}\nf: *x\n"
    assert strict_yaml.parse(text) == {
        "a": "2026-01-01", "b": [1, 2.5, True, None, "text"], "c": {"d": "e"}, "f": {"d": "e"},
    }  # fmt: skip
    with pytest.raises(BoardError) as caught:
        strict_yaml.load(tmp_path)
    assert caught.value.code == "yaml-missing"
    (tmp_path / "large").write_bytes(b"#" * (1 << 20) + b"##")
    with pytest.raises(BoardError) as caught:
        strict_yaml.load(tmp_path / "large")
    assert caught.value.code == "yaml-malformed"
