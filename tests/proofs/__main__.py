"""`make prove [ONLY=name]`: proofs that take long, each a program of this folder; then what each came to, by its last line.
The exit status is 1 where one failed, after all have run."""

import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.proofs.outcome import NOT_TRIED, PASSED, last_line

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("[!_]*.py") if "def main(" in path.read_text())
ROOT = HERE.parents[1]


def main(arguments: list[str]) -> int:
    """A name alone chooses one proof, whose options may follow it."""
    chosen, options = arguments[:1] or NAMES, arguments[1:]
    if unknown := sorted(set(chosen) - set(NAMES)):
        print(f"no proof is called {unknown[0]}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    table = Table()
    for heading in ("proof", "verdict", "what it came to", "minutes"):
        table.add_column(heading, justify="right" if heading == "minutes" else "left")
    verdicts = []
    for name in chosen:
        print(f"\n== {name}", flush=True)
        begun = time.monotonic()
        status, said = prove(command(name, options))
        verdicts.append({PASSED: "passed", NOT_TRIED: "not tried"}.get(status, "failed"))
        table.add_row(name, verdicts[-1], said, f"{(time.monotonic() - begun) / 60:.1f}")
    Console().print(table)
    print(last_line(*(verdicts.count(verdict) for verdict in ("passed", "failed", "not tried"))))
    return 1 if "failed" in verdicts else 0


def prove(words: list[str]) -> tuple[int, str]:
    """(exit status, last line) of a program whose output goes on to ours."""
    last = ""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last


def command(name: str, options: list[str]) -> list[str]:
    return [sys.executable, "-m", f"tests.proofs.{name}", *options]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
