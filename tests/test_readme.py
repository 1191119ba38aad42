"""README and guides say nothing that is not so: their paths exist, their commands are commands."""

import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from components.evaluation.copied import Nearest
from components.records.benchmark import BenchmarkItem
from components.records.vocabulary import Modality, Split
from tests.fixtures.micro import UNIMED, clean_environment
from tests.fixtures.sixteen_drawings import chosen, picture

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


def test_the_readmes_drawings_are_small_and_what_the_page_says_of_them_stands_beside_them():
    readme = (ROOT / "README.md").read_text()
    assert "](docs/sixteen-drawings.png)" in readme
    assert (ROOT / "docs" / "sixteen-drawings.png").stat().st_size <= 150_000
    near, limit = re.findall(r"([\d.]+) % of the drawings are nearer to a training image than ([\d.]+) grey", readme)[0]
    found = Nearest({}, {str(at): float(at) for at in range(1000)}, 10 * float(near))
    assert found.said.replace(f"{found.limit:.1f}", limit) in readme


def test_the_readmes_drawings_are_chosen_by_their_ids_alone():
    def item(name: str, benchmark: str = "t2i") -> BenchmarkItem:
        known = dict.fromkeys(("task", "question_type", "patient_key", "record_id", "prompt_id", "prompt"), "")
        return BenchmarkItem(
            **known,
            item_id=name,
            benchmark=benchmark,
            split=Split.VAL,
            answer_type="image",
            options=(),
            modality=Modality.CT,
            anatomy="abdomen",
            reference="",
            image=None,
            reference_image=None,
        )

    items = [item(f"drawing-{at}") for at in range(40)]
    first = [one.item_id for one in chosen(items)]
    assert len(set(first)) == 16 and first != sorted(first)
    assert [one.item_id for one in chosen([item("a question", "vqa"), *reversed(items)])] == first
    sheet = picture([(Image.new("RGB", (64, 64), (at, 90, 0)), "abdomen, CT") for at in range(16)])
    assert sheet.width > 8 * 128 and len(sheet.convert("RGB").getcolors(1 << 20) or ()) >= 17


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
