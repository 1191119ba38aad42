"""The README says nothing that is not so: its paths exist, its commands are commands."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.micro import UNIMED, clean_environment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MADE_BY_A_RUN = ("data/", "checkpoints/", "training/", "evaluation/", ".unimed")


def test_each_path_that_the_readme_names_exists():
    named = set(re.findall(r"`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.@-]*)+)`", README)) | set(
        re.findall(r"\]\(([a-z][^)#:]*)\)", README)
    )
    missing = [path for path in sorted(named) if not path.startswith(MADE_BY_A_RUN) and not (ROOT / path).exists()]
    assert named and missing == []


def test_each_make_target_that_people_and_ci_are_told_of_is_made_in_one_place():
    rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(rules) == len(set(rules)), "a rule stands twice: the later one replaces the earlier"
    texts = (README, (ROOT / "CONTRIBUTING.md").read_text(), (ROOT / ".ci" / "run").read_text())
    told = {name for text in texts for name in re.findall(r"\bmake ([a-z-]+)", text)}
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert told | set(phony[0].split()) <= set(rules)


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^(?:\$ )?unimed ((?:data |weights |)[a-z]+)", README, re.MULTILINE)))
)
def test_each_command_that_the_readme_names_has_help(command):
    result = subprocess.run(
        [UNIMED, *command.split(), "--help"], capture_output=True, text=True, env=clean_environment(), timeout=60
    )
    assert result.returncode == 0 and "Usage" in result.stdout
