"""Each command that a message, a page or a document tells people to run is one that there is."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from flows.cli.main import app

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for room in ("components", "flows", "docs", "infra")
    for path in (ROOT / room).rglob("*")
    if path.suffix in {".py", ".md", ".html", ".yaml"}
)
TOLD = re.compile(r"`(?:cd [^`&]*&& )?unimed ((?:\{\w|[^`{])[^`]*)`|(?:Example|Next): unimed ([^\"\'\n(]*)")


def told() -> list[tuple[str, str]]:
    """(file, the command without `unimed`) for each that stands in backticks or after Example: and Next:."""
    found = []
    for path in [*SOURCES, ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]:
        # A message may be put together of several literals: what stands between two of them is Python's.
        text = re.sub(r"\"\s*\n\s*f?\"", "", path.read_text())
        for match in TOLD.finditer(text):
            found.append((str(path.relative_to(ROOT)), " ".join((match[1] or match[2]).split())))
    return found


def fault(command: str) -> str:
    """What is wrong with it; empty for a command of ours with options of its own."""
    group = get_command(app)
    try:
        words = shlex.split(command.replace("\\", " "))
    except ValueError:
        words = command.split()
    for word in words:
        inner = getattr(group, "commands", {})
        if not inner:
            break
        options = word.split("|")
        if unknown := [name for name in options if name not in inner]:
            return f"no command {unknown[0]!r}" if not word.startswith(("-", "…", "{")) else ""
        group = inner[options[0]]
        if len(options) > 1:
            return ""
    known = {option for parameter in group.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    flags = [word.partition("=")[0].rstrip(",.;)") for word in words if re.match(r"--?[a-z]", word)]
    unknown = [flag for flag in flags if flag not in known]
    return f"{group.name} has no {unknown[0]}" if unknown else ""


def test_every_command_that_is_told_exists_with_its_options():
    found = told()
    assert len(found) > 60
    wrong = [f"{where}: unimed {command}: {why}" for where, command in found if (why := fault(command))]
    assert wrong == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("retrain --fast", "retrain has no --fast"),
        ("data shows x", "no command 'shows'"),
        ("doctor --repair", ""),
        ("data show|review|remove", ""),
    ],
)
def test_a_command_that_is_none_is_seen(command, said):
    assert fault(command) == said
