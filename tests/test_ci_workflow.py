"""The workflow file that users copy: its shape, and every command in it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from wattseal_hil import strict_yaml

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "hil" / "examples" / "github-actions.yml"
JOBS = strict_yaml.load(FILE)["jobs"]
BIN = Path(sys.executable).parent


def commands(job: str) -> list[list[str]]:
    """Each command of a job, in words; what makes the environment is this test's own."""
    found = []
    for step in JOBS[job]["steps"]:
        for line in step.get("run", "").splitlines():
            words = shlex.split(line)
            if words[1:3] not in (["-m", "pip"], ["-m", "venv"]):
                found.append(words)
    return found


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess:
    program = BIN / Path(words[0]).name.replace("python3", "python")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [str(program), *words[1:]],
        cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


def test_the_jobs_are_what_the_guide_says():
    text = FILE.read_text()
    assert list(JOBS) == ["emulated", "board"]
    assert "self-hosted" in JOBS["board"]["runs-on"] and JOBS["board"]["needs"] == "emulated"
    assert "refs/heads/main" in JOBS["board"]["if"]  # nobody's pull request reaches the bench
    for job in JOBS.values():
        for step in job["steps"]:
            assert {"uses", "run"} & set(step) and ("run" not in step or "name" in step)
    assert FILE.name in (ROOT / "docs" / "hil-tests.md").read_text()
    assert "wattseal" in text


def test_what_the_emulated_job_does(tmp_path):
    suites, soak = commands("emulated")
    assert suites[:4] == ["python", "-m", "pytest", "-q"]
    # All of the examples are tests of this project already: here, as a stranger's, the quick ones.
    (tmp_path / "hil").symlink_to(ROOT / "hil")
    at = suites.index("hil/examples")
    suites[at] = "hil/examples/test_kettle.py"
    done = run(suites, tmp_path)
    assert "4 passed" in done.stdout and (tmp_path / "emulated.xml").exists()
    seconds = soak.index("--seconds")
    soak[seconds + 1] = "1"
    run(soak, tmp_path)
    (kept,) = (s["with"]["path"] for s in JOBS["emulated"]["steps"] if "path" in s.get("with", {}))
    assert {"tapes", "emulated.xml", "soak"} <= set(kept.split())


def test_what_the_board_job_does_is_said_rightly(tmp_path):
    """As far as it can be without a board: options, files, and which suites are found."""
    deploy, doctor, suites = commands("board")
    run([*deploy, "--dry-run", "--chip", "esp32"], tmp_path)
    helped = run([*doctor[:3], "--help"], tmp_path).stdout
    assert all(word in helped for word in doctor if word.startswith("--"))
    found = subprocess.run(
        [sys.executable, *suites[1:], "--collect-only", "-p", "no:cacheprovider",
         "--junitxml", str(tmp_path / "board.xml")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0 and "test_kettle.py" in found.stdout, found.stderr


@pytest.mark.parametrize("job", JOBS)
def test_every_word_that_names_a_file_names_one(job):
    for words in commands(job):
        for word in words:
            if word.startswith("hil/"):
                assert (ROOT / word).exists(), word
