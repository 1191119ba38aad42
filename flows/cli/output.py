"""What every command prints with: JSON for scripts, tables for people, a spinner while they wait."""

import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")]


def print_json(value: Any) -> None:
    """The value as indented JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


NARROW = 110
"""Columns of a terminal under which a table leaves out what it can do without."""


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], spare: Collection[str] = ()
) -> None:
    """A table on stdout; columns whose name begins with `#` are numbers and stand right. `spare` are those that a narrow
    terminal does without."""
    out = console()
    kept = [at for at, name in enumerate(columns) if out.width >= NARROW or name not in spare]
    out.print(table(title, [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]))


def print_entry(head: str, lines: Iterable[str]) -> None:
    """A line in bold, and under it lines of text that are wrapped and stand a little to the right."""
    from rich.padding import Padding
    from rich.text import Text

    out = console()
    out.print(Text(head, "bold"))
    for line in lines:
        out.print(Padding(Text(line), (0, 0, 0, 4)))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Any:
    """The rich table behind `print_table`."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name.removeprefix("#"), justify="right" if name.startswith("#") else "left")
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made


def console(*, stderr: bool = False) -> Any:
    """A rich console; wide when nobody watches, so that a log keeps whole lines."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else 160)


def note(text: str) -> None:
    """A line for people, on stderr, so that stdout stays for results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner with the seconds while the block runs; without a terminal one plain line."""
    if not sys.stderr.isatty():
        note(f"{what} …")
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        yield


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar that the block moves with (done, in all or 0 when unknown, the thing's name); without a terminal one line."""
    if not sys.stderr.isatty():
        note(f"{what} …")
        yield lambda done, total, name: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, TextColumn("{task.fields[name]}"), console=console(stderr=True), transient=True
    ) as progress:
        bar = progress.add_task(what, total=None, name="")
        yield lambda done, total, name: progress.update(bar, completed=done, total=total or None, name=name)


def speed_text(per_second: float) -> str:
    """`2.83/s`, `41/s`, `1 250/s`."""
    return (f"{per_second:.3g}" if per_second < 100 else f"{per_second:,.0f}".replace(",", " ")) + "/s"


def seconds_text(seconds: float) -> str:
    """48 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def bytes_text(size: float) -> str:
    """512 B, 3.4 MB, 1.2 GB."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def when_text(instant: float) -> str:
    """2026-01-31 12:03:07 in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(instant))
