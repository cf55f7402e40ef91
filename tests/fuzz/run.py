"""The coverage-guided lane: `python tests/fuzz/run.py [--seconds N] [TARGET …]`.

Runs each target in a process of its own under atheris (libFuzzer). Seeds and what is found stay
in build/fuzz/TARGET. A crash is written there too, with the command that replays it:
`python tests/fuzz/run.py TARGET FILE`, which needs no atheris.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "fuzz"
MAX_INPUT_BYTES = 16 * 1024
SLOW_S = 20
MEMORY_MB = 2048
_WORDS = re.compile(rb'"[A-Za-z0-9_/-]{1,32}":?|[0-9-]+:[0-9.:]+\(?')


def fuzz(target: str, seconds: int) -> int:
    """Fuzz one target in this process; never returns while libFuzzer is content."""
    import atheris

    with atheris.instrument_imports(include=["wattseal", "wattseal_host", "wattseal_hil", "meter"]):
        from fuzz.targets import TARGETS
    corpus, crashes = BUILD / target / "corpus", BUILD / target / "crash-"
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={crashes}",
        f"-max_len={MAX_INPUT_BYTES}",
        f"-timeout={SLOW_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        "-print_final_stats=1",
    ]
    words = BUILD / target / "words"
    if words.stat().st_size:
        options.append(f"-dict={words}")
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()
    return 0


def plant(target: str) -> int:
    """Put the seeds of a target where libFuzzer looks for them; how many there are."""
    from fuzz.seeds import seeds

    corpus = BUILD / target / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    words: set[bytes] = set()
    for number, data in enumerate(seeds()[target]):
        (corpus / f"seed-{number:03}").write_bytes(data)
        words.update(_WORDS.findall(data))
    # libFuzzer puts these in: names of fields, which it would not guess.
    lines = [b'"' + word.replace(b'"', b'\\"') + b'"\n' for word in sorted(words)]
    (BUILD / target / "words").write_bytes(b"".join(lines))
    return sum(1 for path in corpus.glob("seed-*") if path.stat().st_size)


def supervise(targets: list[str], seconds: int) -> int:
    """Fuzz each target in turn; 1 if one crashed."""
    crashed = []
    for target in targets:
        count = plant(target)
        if not count:
            sys.exit(f"no seeds for {target}: that would fuzz nothing and pass")
        print(f"{target}: {count} seeds, {seconds} s", flush=True)
        line = [sys.executable, __file__, "--inside", "--seconds", str(seconds), target]
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False)
        log = BUILD / target / "log.txt"
        log.write_text(done.stdout + done.stderr)
        for text in done.stderr.splitlines():
            if "number_of_executed_units" in text or text.startswith("Done "):
                print(f"  {text}", flush=True)
        if done.returncode:
            crashed.append(target)
            print("\n".join(done.stderr.splitlines()[-30:]), file=sys.stderr)
            for crash in sorted((BUILD / target).glob("crash-*")):
                print(f"replay with: {sys.executable} {__file__} {target} {crash}", flush=True)
    print(f"{len(targets)} targets, crashed: {', '.join(crashed) or 'none'}")
    return 1 if crashed else 0


def main() -> int:
    from fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="TARGET", help="or: TARGET FILE, to replay")
    chosen = parser.parse_args()
    names: list[str] = chosen.names
    if len(names) == 2 and names[1] not in TARGETS:
        TARGETS[names[0]](Path(names[1]).read_bytes())
        return 0
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]}; there are {', '.join(TARGETS)}")
    return supervise(names or list(TARGETS), chosen.seconds)


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parent / "host")]
    # Before anything of ours is imported: what is imported earlier is not instrumented.
    if "--inside" in sys.argv:
        sys.exit(fuzz(sys.argv[-1], int(sys.argv[sys.argv.index("--seconds") + 1])))
    sys.exit(main())
