"""The starts that the package holds: small, whole, with a card, and trained on nobody whom the default corpus holds out."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.assembly.dataset import Dataset
from components.assembly.selection.splits import SplitPlan
from components.assembly.selection.started import KNOWN, Seen
from components.recipes.recipe import read_recipe
from components.recipes.shipped import SHIPPED, read_shipped
from components.sources.former_keys import FormerKeys
from components.sources.patients import Patients
from components.sources.starts import CARD, SEEN, Start, lay_start, open_start
from components.storage.workspace import Workspace
from flows.making import make_workspace

LARGEST_BYTES, LARGEST_TABLE = 30_000_000, 1_000_000
NAMED = [name for name in SHIPPED if read_shipped(name).start.shipped]


@pytest.fixture(scope="module", params=NAMED)
def start(request, tmp_path_factory: pytest.TempPathFactory) -> Start:
    settings = read_shipped(request.param).start
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    lay_start(workspace, settings)
    return open_start(workspace, settings.shipped, settings.sha256)


def test_tiny_begins_with_a_start_and_the_recipes_from_nothing_do_not():
    assert "tiny" in NAMED and not {"tiny-scratch", "tiny-start"} & set(NAMED)


def test_a_start_is_small_and_its_card_names_every_licence(start):
    assert sum(file.stat().st_size for file in start.folder.iterdir()) <= LARGEST_BYTES
    assert (start.folder / SEEN).stat().st_size < LARGEST_TABLE
    assert {file.suffix for file in start.folder.iterdir()} <= {".safetensors", ".json", ".parquet", ".md", ".txt"}
    card = (start.folder / CARD).read_text()
    assert all(text in card for texts in start.facts["licences"].values() for text in texts)
    assert set(start.facts["licences"]) >= set(read_shipped("tiny").sources)


def test_no_start_was_trained_on_a_patient_that_the_corpus_names_for_val_or_the_exam(start):
    recipe = read_shipped("tiny")
    plan = SplitPlan.from_settings(recipe.assembly.splits, Patients(recipe.sources))
    seen = Seen.read(start, FormerKeys())
    assert plan.val and plan.test and not {*plan.val, *plan.test} & set(seen.patients)
    assert sum(seen.patients.values()) == start.facts["images"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_record_off_the_training_side_of_the_default_corpus_is_known_to_the_start_of_tiny(tmp_path: Path):
    """By patient, pixels, look and mirror image, the slabs within a subject too."""
    workspace, _ = make_workspace(tmp_path / "workspace", "tiny")
    recipe = read_recipe(workspace.params)
    for stage in (["code"], *(["validate", source] for source in recipe.sources), ["admit"], ["assemble"]):
        command = [sys.executable, "-P", "-m", "components.stage", *stage]
        subprocess.run(command, cwd=workspace.root, check=True, timeout=600)
    manifest = Dataset(workspace.dataset).manifest
    reasons = {reason for source in manifest["sources"].values() for reason in source["reasons"]}
    assert manifest["total"]["heldout"] > 300 and manifest["start"]["name"] == recipe.start.shipped
    assert not [reason for reason in reasons if KNOWN in reason]
