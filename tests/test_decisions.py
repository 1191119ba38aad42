"""Stories of a release owner on a micro workspace: taken back and retrained, a lost source, a full disk in the gate.

One workspace goes through the tests in order. Its one rule names a row that there is not, since so short a training
answers nothing: every version is inconclusive, and a person decides.
"""

import json
import shutil

import pytest

from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from tests.fixtures.disks import small_disk
from tests.fixtures.micro import make_workspace, run_unimed, set_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ADA, EVE = {"UNIMED_USER": "ada"}, {"UNIMED_USER": "eve"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    """One version, held as inconclusive, and then champion on a person's word."""
    made = make_workspace(tmp_path_factory.mktemp("stories") / "w")
    params = load_yaml(made.params)
    params["gate"]["rules"] = [{"floor": "what nobody asks"}]
    made.params.write_text(dump_yaml(params))
    run_unimed("retrain", cwd=made.root)
    assert states(made) == {1: "held: inconclusive"}
    run_unimed("approve", "challenger", "--why", "the first there is", cwd=made.root, **ADA)
    return made


def states(workspace: Workspace) -> dict[int, str]:
    rows = json.loads(run_unimed("models", "--json", cwd=workspace.root))
    return {row["version"]: f"{row['state']}: {row['state_code']}".removesuffix(": ") for row in rows}


def weights(workspace: Workspace) -> dict[int, str]:
    rows = json.loads(run_unimed("models", "--json", cwd=workspace.root))
    return {row["version"]: row["weights_sha256"] for row in rows}


def log(workspace: Workspace) -> list[dict]:
    return json.loads(run_unimed("registry", "log", "--json", cwd=workspace.root))


def edit(workspace: Workspace, **changes: object) -> None:
    """Change dotted recipe keys, '__' for '.'."""
    params = load_yaml(workspace.params)
    for key, value in changes.items():
        set_key(params, key.replace("__", "."), value)
    workspace.params.write_text(dump_yaml(params))


def test_what_was_rolled_back_stays_down_whatever_runs_next(workspace):
    edit(workspace, seed=2)
    run_unimed("retrain", cwd=workspace.root)
    run_unimed("approve", "challenger", "--why", "reads ultrasound", cwd=workspace.root, **ADA)
    run_unimed("rollback", "--why", "complaints about ultrasound", cwd=workspace.root, **EVE)
    assert states(workspace) == {1: "promoted", 2: "withdrawn"}
    before = log(workspace)
    assert "nothing to do" in run_unimed("retrain", cwd=workspace.root)
    (workspace.private / "registration.json").unlink()
    assert "nothing to do" in run_unimed("retrain", cwd=workspace.root)
    # A stage that is made again gives equal bytes: the same version, which nothing judges again.
    shutil.rmtree(workspace.checkpoints / "unified")
    run_unimed("retrain", cwd=workspace.root)
    assert log(workspace) == before and states(workspace) == {1: "promoted", 2: "withdrawn"}


def test_the_same_weights_under_another_data_set_id_are_born_withdrawn(workspace):
    edit(workspace, assembly__benchmark_captions=101)
    edit(workspace, assembly__benchmark_drawings=5)
    run_unimed("retrain", cwd=workspace.root)
    known = weights(workspace)
    assert known[3] == known[2] and len(known) == 3, "another data set, the same weights: another version"
    assert states(workspace) == {1: "promoted", 2: "withdrawn", 3: "withdrawn"}
    last = log(workspace)[-1]
    assert (last["action"], last["who"]) == ("withdraw", "gate")
    assert "taken back as version 2 by eve" in last["why"] and "complaints about ultrasound" in last["why"]


def test_a_full_disk_in_the_gate_is_no_verdict_and_the_next_run_judges(workspace):
    edit(workspace, seed=3)
    before = log(workspace)
    with small_disk(workspace.private / "gate", "64k"):
        said = run_unimed("retrain", cwd=workspace.root, expect=1)
    assert "No space left" in said or "full" in said
    assert log(workspace) == before and states(workspace)[4] == "registered"
    run_unimed("retrain", cwd=workspace.root)
    assert states(workspace)[4] == "held: inconclusive"


def test_a_challenger_that_lost_a_source_is_held_by_name_until_a_person_accepts_that(workspace):
    params = load_yaml(workspace.params)
    for place in (params["sources"], params["assembly"]["splits"]["test"], params["assembly"]["splits"].get("val", {})):
        place.pop("fundus", None)
    slabs = params["assembly"]["splits"]["slabs"]
    params["assembly"]["splits"]["slabs"] = [slab for slab in slabs if slab["source"] != "fundus"]
    workspace.params.write_text(dump_yaml(params))
    run_unimed("retrain", cwd=workspace.root)
    newest = max(states(workspace))
    assert states(workspace)[newest] == "held: lost"
    losses = sorted(f"lost:{name}" for name in log(workspace)[-1]["evidence"]["gate"]["lost"])
    assert "lost:fundus" in losses
    refused = run_unimed("approve", "challenger", "--why", "known", cwd=workspace.root, expect=2, **ADA)
    assert "--accept lost:fundus" in refused
    accepted = [word for loss in losses for word in ("--accept", loss)]
    run_unimed("approve", "challenger", "--why", "retired", *accepted, cwd=workspace.root, **ADA)
    assert states(workspace)[newest] == "promoted"
    assert log(workspace)[-1]["evidence"]["accepts"] == losses


def test_two_people_are_asked_for_by_the_log_and_one_is_not_enough(workspace):
    run_unimed("registry", "approvers", "2", "--why", "release board", cwd=workspace.root, **ADA)
    first = run_unimed("promote", "4", "--why", "compared by hand", cwd=workspace.root, **ADA)
    assert "one of two words" in first
    assert "somebody else must" in run_unimed("promote", "4", "--why", "again", cwd=workspace.root, expect=2, **ADA)
    champion = max(version for version, state in states(workspace).items() if state == "promoted")
    run_unimed("rollback", "--why", "wrong after all", cwd=workspace.root, **EVE)
    assert states(workspace)[champion] == "withdrawn"
    again = run_unimed("promote", "4", "--why", "so do I", cwd=workspace.root, **EVE)
    assert "one of two words" in again, "ada's word was about another champion"
    run_unimed("promote", "4", "--why", "compared with this one", cwd=workspace.root, **ADA)
    assert states(workspace)[4] == "promoted"


def test_the_log_says_all_of_it_and_verifies(workspace):
    said = run_unimed("verify", "champion", cwd=workspace.root)
    assert "chained and anchored" in said
