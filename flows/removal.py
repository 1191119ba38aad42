"""Taking things out again: a source from the recipe, a patient from every source. The next retrain goes without."""

import time
from typing import Any

from components.recipes.nearest import nearest
from components.recipes.recipe import read_recipe
from components.storage.atomic import write_text
from components.storage.workspace import Workspace
from components.storage.yaml_files import edited


def remove_source(workspace: Workspace, name: str, *, dry_run: bool) -> dict[str, Any]:
    """{source, path} of the source that params.yaml no longer names; its raw files stay, and with --keep their .dvc file.

    Raises ValueError for an unknown name and for the last source.
    """
    sources = read_recipe(workspace.params).sources
    if name not in sources:
        raise ValueError(f"unknown source {name!r}{nearest(name, sources)}")
    if len(sources) == 1:
        raise ValueError(f"{name} is the only source; a recipe needs one")
    if not dry_run:
        remember_excluded(workspace, name)
        write_text(workspace.params, edited(workspace.params.read_text(), lambda document: _without(document, name)))
    return {"source": name, "path": sources[name].path, "removed": not dry_run}


def exclude_patient(workspace: Workspace, patient: str, *, by: str, why: str, dry_run: bool) -> dict[str, Any]:
    """What the removal touches: {patient, records, sources, namespace, covers, versions, start, exam_items}; the key goes into
    assembly.excluded_patients. `start` is a sentence on the recipe's start of ours, empty where it names none. `covers` are
    the sources whose patients are in the namespace, with records of this one or not. `exam_items` leave the frozen exam,
    cached predictions and decision pages at once.

    Records of other patients with the very pixels of one of this patient's go as well, at the next assembly. Raises
    ValueError for a key that the present data set does not have, or one that is out already.
    """
    from components.assembly.benchmark.exam import read_exam
    from components.assembly.benchmark.freezing import forget_patient
    from components.registry.forgetting import forget_items
    from components.registry.patients import patient_records, versions_with_patient
    from components.registry.started import Begun, start_said
    from components.sources.former_keys import FormerKeys
    from components.sources.patients import Patients
    from flows.environment import enter

    recipe, former = read_recipe(workspace.params), FormerKeys.read(workspace.patients)
    patient = former.now(patient)
    if patient in recipe.assembly.excluded_patients:
        raise ValueError(f"patient {patient} is out already (assembly.excluded_patients)")
    rows = patient_records(sorted(workspace.dataset.glob("decisions-*.parquet")), {patient})
    if not rows:
        raise ValueError(
            f"no record of the present data set has the patient key {patient!r}; `unimed data show ID` prints a record's key"
        )
    enter(workspace)
    versions = versions_with_patient(workspace, former.names(patient))
    sources, patients = sorted({row["source"] for row in rows}), Patients(recipe.sources)
    names = former.names(patient)
    items = [item.item_id for item in read_exam(workspace.exam).items if item.patient_key in names]
    if not dry_run:
        comment = f"{time.strftime('%Y-%m-%d')} {by}: {' '.join(why.split())}"
        text = edited(workspace.params.read_text(), lambda document: _exclude(document, patient, comment))
        write_text(workspace.params, text)
        if forget_patient(workspace, recipe, names):
            forget_items(workspace, items)
    return {
        "patient": patient,
        "records": len(rows),
        "sources": sources,
        "namespace": patients.namespace(sources[0]),
        "covers": list(patients.together(sources[0])),
        "versions": versions,
        "start": start_said(workspace, Begun(recipe.start.source, recipe.start.sha256), former.names(patient)),
        "exam_items": len(items),
        "removed": not dry_run,
    }


def remember_excluded(workspace: Workspace, name: str) -> None:
    """Write the source's excluded patients down as known: they stay listed, and no record will have their keys."""
    from components.registry.patients import patient_records
    from components.sources.former_keys import Change, write_changes

    excluded = read_recipe(workspace.params).assembly.excluded_patients
    decisions = sorted(workspace.dataset.glob("decisions-*.parquet"))
    write_changes(
        workspace.patients,
        [
            Change(name, key, key)
            for key in excluded
            if any(row["source"] == name for row in patient_records(decisions, {key}))
        ],
    )


def _without(document: Any, name: str) -> None:
    del document["sources"][name]
    splits = document["assembly"]["splits"]
    for side in ("test", "val"):
        splits.get(side, {}).pop(name, None)
    for slab in [slab for slab in splits["slabs"] if slab["source"] == name]:
        splits["slabs"].remove(slab)


def _exclude(document: Any, patient: str, comment: str) -> None:
    from ruamel.yaml.comments import CommentedSeq

    assembly = document["assembly"]
    listed = assembly.get("excluded_patients")
    if not isinstance(listed, CommentedSeq):
        listed = CommentedSeq()
    listed.fa.set_block_style()
    listed.append(patient)
    listed.yaml_add_eol_comment(comment, len(listed) - 1)
    assembly["excluded_patients"] = listed
