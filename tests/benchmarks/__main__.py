"""`make bench [ONLY=name]`: every program of this folder, or one. Their figures, one JSON object a line, go to standard output
and into bench.jsonl; what people read goes to standard error. The exit status is 1 where a goal is missed or a program
failed, after all have run."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.figures import say

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("[!_]*.py") if "def main(" in path.read_text())
OUT = HERE.parents[1] / "bench.jsonl"


def main(chosen: list[str], out: Path = OUT) -> int:
    unknown = sorted(set(chosen) - set(NAMES))
    if unknown:
        say(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    failed, goals = [], Counter[bool | None]()
    with out.open("w") as kept:
        for name in chosen or NAMES:
            say(f"\n== {name}")
            code, met = run(name, kept.write)
            goals.update(met)
            if code and False not in met:
                failed.append(name)
    say(f"\n{goals[True]} goals met, {goals[False]} missed, {goals[None]} figures without a goal: {out}")
    if failed:
        say(f"ended before their figures were there: {', '.join(failed)}")
    return 1 if failed or goals[False] else 0


def run(name: str, write: Callable[[str], object]) -> tuple[int, list[bool | None]]:
    """The program's exit status and, of each figure that it printed, whether its goal is met."""
    met = []
    with subprocess.Popen(command(name), stdout=subprocess.PIPE, text=True, cwd=OUT.parent) as process:
        assert process.stdout is not None
        for line in process.stdout:
            met.append(json.loads(line)["met"])
            print(line, end="", flush=True)
            write(line)
    return process.returncode, met


def command(name: str) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.{name}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
