"""Another namespace of a source's patients: lists of keys follow, nobody leaves the test side, and both deliveries are one."""

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from components.assembly.corpus import Corpus
from components.assembly.selection.bins import select
from components.assembly.selection.splits import SplitPlan, check_listed
from components.context import StageContext
from components.recipes.recipe import read_recipe
from components.records.vocabulary import Bin, Split
from components.sources.former_keys import FormerKeys
from components.sources.patients import Patients
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from components.validation.stage import validate
from flows.patients import change_patients
from tests.fixtures.micro import make_workspace

PATIENTS = 24


def deliver(folder: Path, seed: int, ids: list[str]) -> None:
    """Rows with an image of noise for each patient: no two look alike."""
    folder.mkdir(parents=True)
    draw, rows = np.random.default_rng(seed), []
    for number, identity in enumerate(ids):
        PIL.Image.fromarray(draw.integers(0, 255, (64, 64), np.uint8)).save(folder / f"{number}.png")
        said = f"patch {seed} of patient {number} with nothing else to see"
        rows.append({"image": f"{number}.png", "patient_id": identity, "caption": said, "licence": "CC0-1.0"})
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two deliveries of one clinic, the first one's ids padded; half of the second's patients are in the first too."""
    made = make_workspace(tmp_path_factory.mktemp("patients") / "w")
    params = load_yaml(made.params)
    private = {"format": "jsonl", "options": {"private": True, "burned_in": "allow"}}
    params["sources"] = {name: {"path": f"data/raw/{name}", **private} for name in ("may", "june")}
    params["assembly"]["splits"] = {"test": {}, "slabs": [], "val_share": 0.0, "test_share": 0.3}
    made.params.write_text(dump_yaml(params))
    deliver(made.raw / "may", 1, [f"{number:04d}" for number in range(PATIENTS)])
    deliver(made.raw / "june", 2, [str(number) for number in range(PATIENTS // 2, 3 * PATIENTS // 2)])
    return made


@pytest.fixture
def workspace(delivered: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(delivered.root, tmp_path / "w", symlinks=True)
    return Workspace(tmp_path / "w")


def entries(workspace: Workspace):
    """Every record of both deliveries as assembly reads it."""
    recipe = read_recipe(workspace.params)
    for name in recipe.sources:
        for folder, empty in ((workspace.decisions, ""), (workspace.accepted, "{}")):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.{'jsonl' if not empty else 'json'}").write_text(empty)
        progress = Progress.start(workspace.progress, name)
        validate(StageContext(workspace=workspace, recipe=recipe, item=name, progress=progress))
    return Corpus(workspace.validated, list(recipe.sources)).entries


def sides(workspace: Workspace, found) -> dict[str, Split]:
    recipe = read_recipe(workspace.params)
    plan = SplitPlan.from_settings(
        recipe.assembly.splits, Patients(recipe.sources, FormerKeys.read(workspace.patients))
    )
    return {entry.id: plan.split_of(entry) for entry in found}


def join(workspace: Workspace, **known):
    done = {}
    for name, zeros in (("may", True), ("june", None)):
        done[name] = change_patients(
            workspace, name, namespace="clinic", strip_zeros=zeros, issuer=None, **{"dry_run": False, **known}
        )
    return done


def test_two_deliveries_become_one_clinic_and_whoever_was_held_out_in_either_stays(workspace: Workspace) -> None:
    before = entries(workspace)
    was = sides(workspace, before)
    done = join(workspace)
    after = entries(workspace)
    now = sides(workspace, after)
    assert [entry.id for entry in after] == [entry.id for entry in before], "record ids are the source's own"
    assert done["may"]["rekeyed"] == done["june"]["rekeyed"] == PATIENTS
    assert done["june"]["shared"] == PATIENTS // 2 and done["june"]["together"] == ["june", "may"]
    assert len({entry.patient_key for entry in after}) == 3 * PATIENTS // 2
    by_person: dict[str, list[str]] = {}
    for entry in after:
        by_person.setdefault(entry.patient_key, []).append(entry.id)
    for ids in by_person.values():
        assert {now[identity] for identity in ids} == (
            {Split.TEST} if Split.TEST in {was[i] for i in ids} else {Split.TRAIN}
        )
    changed = {entry.patient_key for entry in after if was[entry.id] is not now[entry.id]}
    assert changed, "the two deliveries had drawn differently"
    assert {move["new"] for move in done["june"]["moved"]} == changed
    assert {(move["before"], move["after"]) for move in done["june"]["moved"]} == {("train", "test")}
    recipe = read_recipe(workspace.params)
    decisions = select(after, recipe.assembly, patients=Patients(recipe.sources, FormerKeys.read(workspace.patients)))
    trained = {d.entry.patient_key for d in decisions if d.bin is Bin.KEPT}
    held_out = {d.entry.patient_key for d in decisions if d.bin is Bin.HELDOUT}
    assert trained and held_out and not trained & held_out


def test_lists_of_keys_follow_with_their_comments(workspace: Workspace) -> None:
    found = entries(workspace)
    may = sorted({entry.patient_key for entry in found if entry.source == "may"})
    text = workspace.params.read_text()
    params = load_yaml(workspace.params)
    params["assembly"]["excluded_patients"] = [may[0]]
    params["assembly"]["splits"]["test"] = {"may": [may[1]]}
    workspace.params.write_text(dump_yaml(params).replace(f"- {may[0]}", f"- {may[0]} # consent withdrawn", 1))
    assert "consent withdrawn" in workspace.params.read_text() != text
    done = join(workspace)
    assert (done["may"]["excluded"], done["may"]["held_out"]) == (1, 1)
    recipe = read_recipe(workspace.params)
    (gone,), (held,) = recipe.assembly.excluded_patients, recipe.assembly.splits.test["may"]
    assert f"- {gone} # consent withdrawn" in " ".join(workspace.params.read_text().split())
    former = FormerKeys.read(workspace.patients)
    assert (former.now(may[0]), former.now(may[1])) == (gone, held) and gone != may[0]
    after = entries(workspace)
    check_listed(after, recipe.assembly.excluded_patients, recipe.assembly.splits, Patients(recipe.sources, former))
    assert sides(workspace, after)[next(e.id for e in after if e.patient_key == held)] is Split.TEST


def test_a_trial_changes_nothing_and_a_change_of_nothing_is_said(workspace: Workspace) -> None:
    before = workspace.params.read_text()
    done = change_patients(workspace, "june", namespace="may", strip_zeros=None, issuer=None, dry_run=True)
    assert done["rekeyed"] == PATIENTS and not done["changed"] and done["shared"] == 0, "may's ids are padded"
    assert workspace.params.read_text() == before and not (workspace.patients / "keys.jsonl").exists()
    with pytest.raises(ValueError, match="june are written so already"):
        change_patients(workspace, "june", namespace=None, strip_zeros=None, issuer=None, dry_run=False)
    with pytest.raises(ValueError, match=r"unknown source 'jun'; did you mean 'june'"):
        change_patients(workspace, "jun", namespace="may", strip_zeros=None, issuer=None, dry_run=False)


def test_there_and_back_everybody_has_the_key_and_the_side_of_before(workspace: Workspace) -> None:
    before = entries(workspace)
    was = sides(workspace, before)
    for namespace in ("clinic", "june"):
        change_patients(workspace, "june", namespace=namespace, strip_zeros=None, issuer=None, dry_run=False)
    after = entries(workspace)
    assert [e.patient_key for e in after] == [e.patient_key for e in before] and sides(workspace, after) == was


def test_an_issuer_keeps_equal_numbers_apart(workspace: Workspace) -> None:
    join(workspace)
    done = change_patients(workspace, "june", namespace=None, strip_zeros=None, issuer="north", dry_run=False)
    assert done["shared"] == 0
    assert load_yaml(workspace.params)["sources"]["june"]["patient_ids"] == {"issuer": "north"}
    keys = {name: {e.patient_key for e in entries(workspace) if e.source == name} for name in ("may", "june")}
    assert not keys["may"] & keys["june"]
