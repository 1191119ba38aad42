"""README and guides say nothing that is not so: their paths exist, their commands are commands."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.micro import UNIMED, clean_environment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
MADE_BY_A_RUN = ("data/", "checkpoints/", "training/", "evaluation/", ".unimed", "servers/")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_path_that_a_page_names_exists(page):
    text = page.read_text()
    named = set(re.findall(r"`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.@-]*)+)`", text)) | set(
        re.findall(r"\]\(([a-z][^)#:]*)\)", text)
    )
    missing = [path for path in sorted(named) if not path.startswith(MADE_BY_A_RUN) and not (ROOT / path).exists()]
    assert missing == []


def test_each_make_target_that_people_and_ci_are_told_of_is_made_in_one_place():
    rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(rules) == len(set(rules)), "a rule stands twice: the later one replaces the earlier"
    texts = (TEXT, (ROOT / "CONTRIBUTING.md").read_text(), (ROOT / ".ci" / "run").read_text())
    told = {name for text in texts for name in re.findall(r"(?:`|^[ $]*)make ([a-z-]+)", text, re.MULTILINE)}
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert told | set(phony[0].split()) <= set(rules)


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^(?:\$ )?unimed ((?:data |weights |)[a-z]+)", TEXT, re.MULTILINE)))
)
def test_each_command_that_a_page_names_has_help(command):
    result = subprocess.run(
        [UNIMED, *command.split(), "--help"], capture_output=True, text=True, env=clean_environment(), timeout=60
    )
    assert result.returncode == 0 and "Usage" in result.stdout
