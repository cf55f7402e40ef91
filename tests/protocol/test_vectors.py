"""The vectors: one runner, two interpreters, and files that recompute to themselves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
FIRMWARE = ROOT / "firmware"
RUNNER = VECTORS / "run_vectors.py"
MAKERS = sorted(path for path in VECTORS.glob("make_*.py") if path.name != "make_generators.py")
CASES = sorted(VECTORS.glob("*/*.json"))


def run(command: list[str], vectors: Path = VECTORS) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*command, str(RUNNER), str(vectors), str(FIRMWARE)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def on_cpython() -> str:
    done = run([sys.executable])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


def test_cpython_gives_what_every_case_expects(on_cpython):
    lines = on_cpython.splitlines()
    assert len(lines) == len(CASES) + 1 > 300
    for case, line in zip(CASES, lines, strict=False):
        assert line.startswith(f"{case.parent.name}/{case.stem} ")
        failure = json.loads(case.read_text()).get("failure")
        if failure:
            assert line.endswith(f" {failure['class']} {failure['code']}")


def test_micropython_gives_the_same_lines(micropython, on_cpython):
    done = run([*micropython, "-X", "heapsize=512k"])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stdout == on_cpython


def test_cases_recompute_to_the_same_bytes(tmp_path):
    for maker in MAKERS:
        subprocess.run([sys.executable, str(maker), str(tmp_path)], check=True, timeout=60,
                       capture_output=True)  # fmt: skip
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.glob("*/*")}
    kept = {path.relative_to(VECTORS): path.read_bytes() for path in CASES}
    assert made.keys() == kept.keys()
    assert made == kept


def test_generators_recompute_to_the_same_bytes(tmp_path):
    maker = VECTORS / "make_generators.py"
    subprocess.run([sys.executable, str(maker), str(tmp_path)], check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(made) == ["comb_tables.bin", "generators.py"]
    for name, content in made.items():
        assert content == (FIRMWARE / "wattseal" / name).read_bytes(), name


def test_no_case_at_all_fails(tmp_path):
    assert run([sys.executable], tmp_path).returncode == 1
    (tmp_path / "family").mkdir()
    assert run([sys.executable], tmp_path).returncode == 1


@pytest.mark.parametrize(
    "change",
    [
        {"expect": {"scalar": "2", "encoded": "00"}},
        {"expect": None, "failure": {"class": "Malformed", "code": "scalar-range"}},
        {"expect": None},
    ],
)
def test_a_wrong_expectation_fails(tmp_path, change):
    case = json.loads((VECTORS / "scalars" / "decode-one.json").read_text()) | change
    (tmp_path / "family").mkdir()
    (tmp_path / "family" / "wrong.json").write_text(json.dumps(case))
    done = run([sys.executable], tmp_path)
    assert done.returncode == 1
    assert "DIFFERS" in done.stdout


def test_every_code_of_the_package_has_a_vector():
    """Each code raised in the source is the expected failure of some case, of the same class."""
    import ast

    raised = set()
    for path in (FIRMWARE / "wattseal").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id not in ("Malformed", "Refused", "Misuse"):
                    continue
                values = [node.args[0]]
                if isinstance(node.args[0], ast.IfExp):
                    values = [node.args[0].body, node.args[0].orelse]
                raised |= {(node.func.id, value.value) for value in values}
    failures = [json.loads(case.read_text()).get("failure") for case in CASES]
    covered = {(failure["class"], failure["code"]) for failure in failures if failure}
    # Writing is not reading: these two are tested in test_record.py.
    assert raised - covered == {("Misuse", "record-field"), ("Misuse", "unsigned-record")}
    assert covered <= raised
