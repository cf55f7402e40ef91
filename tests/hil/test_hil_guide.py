"""The guide to HIL tests says what is there: fixtures, features, options, files."""

import re
from pathlib import Path

import pytest
from wattseal_hil import pytest_choice, pytest_plugin
from wattseal_hil.rig import environment
from wattseal_hil.rig.interface import FEATURES

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "hil-tests.md").read_text()
EXAMPLES = ROOT / "hil" / "examples"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_its_test_is_the_examples():
    (shown,) = blocks("python")
    body = shown.split("def ", 1)[1].strip()
    code = re.sub(r" +#.*", "", (EXAMPLES / "test_kettle.py").read_text())
    assert body in code


def test_its_files_are_read(tmp_path):
    found = blocks("yaml")
    assert len(found) == 2
    for text in found:
        (tmp_path / "env.yaml").write_text(text)
        environment.read(tmp_path / "env.yaml")


def test_it_names_every_fixture_and_feature_and_option():
    fixtures = {name for name in vars(pytest_plugin) if name.startswith("wattseal_")}
    assert fixtures == set(re.findall(r"\bwattseal_\w+", GUIDE)) - {
        "wattseal_needs", "wattseal_hil", "wattseal_",
    }  # fmt: skip
    listed = GUIDE.split("There are `customer-port`")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", "`customer-port`" + listed)) == FEATURES
    source = Path(pytest_choice.__file__).read_text()
    assert set(re.findall(r'"(--rig[a-z-]*)"', source)) <= set(re.findall(r"--rig[a-z-]*", GUIDE))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("test_*.py")), ids=lambda path: path.name)
def test_it_names_every_suite(path):
    assert f"../hil/examples/{path.name}" in GUIDE
    assert path.read_text().startswith('"""')
