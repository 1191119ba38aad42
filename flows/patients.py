"""Giving the patients of a source another namespace, or another way of writing their ids, without moving the test side."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from components.assembly.selection.resettling import changes_of, moves, relisted
from components.assembly.selection.splits import SplitPlan
from components.recipes.assembly import AssemblySettings
from components.recipes.nearest import nearest
from components.recipes.recipe import Recipe, read_recipe
from components.recipes.sources import SourceSettings
from components.records.vocabulary import Split
from components.sources.former_keys import Change, FormerKeys, read_changes, write_changes
from components.sources.patients import Patients
from components.sources.rekeying import read_keys
from components.sources.table import check_namespaces
from components.storage.atomic import write_text
from components.storage.workspace import Workspace
from components.storage.yaml_files import edited


def change_patients(
    workspace: Workspace,
    name: str,
    *,
    namespace: str | None,
    strip_zeros: bool | None,
    issuer: str | None,
    dry_run: bool,
) -> dict[str, Any]:
    """What the change does: {source, namespace, together, patients, rekeyed, shared, moved, excluded, held_out, changed}.

    Reads the raw deliveries that it concerns. The keys go into data/patients, then the settings and the lists of keys into
    params.yaml. Raises ValueError for an unknown source, a change of nothing, and a namespace of private and public ones.
    """
    recipe = read_recipe(workspace.params)
    if name not in recipe.sources:
        raise ValueError(f"unknown source {name!r}{nearest(name, recipe.sources)}")
    present = recipe.sources[name]
    changed = _changed(present, namespace, strip_zeros, issuer)
    if changed == present:
        raise ValueError(f"the patients of {name} are written so already; give --namespace, --strip-zeros or --issuer")
    sources = {**recipe.sources, name: changed}
    check_namespaces(sources)
    known = read_changes(workspace.patients)
    before = SplitPlan.from_settings(recipe.assembly.splits, Patients(recipe.sources, FormerKeys(known)))
    own = list(_keys(workspace, name, present, changed, before))
    others = [
        seen
        for other in Patients(sources).together(name)
        if other != name
        for seen in _seen(workspace, recipe, other, before)
    ]
    staying = {
        key
        for other in Patients(recipe.sources).together(name)
        if other != name
        for key, _ in _seen(workspace, recipe, other, before)
    }
    changes = changes_of(name, ((old, new) for old, new, _ in own), (key for key, _ in others))
    settings = relisted(recipe.assembly, name, changes, staying)
    after = SplitPlan.from_settings(settings.splits, Patients(sources, FormerKeys([*known, *changes])))
    moved = moves(own, others, before, after)
    if not dry_run:
        write_changes(workspace.patients, changes)
        text = edited(workspace.params.read_text(), lambda document: _write(document, name, changed, settings, changes))
        write_text(workspace.params, text)
    keys = {new for _, new, _ in own}
    return {
        "source": name,
        "namespace": changed.namespace(name),
        "together": list(Patients(sources).together(name)),
        "patients": len(keys),
        "rekeyed": sum(change.old != change.new for change in changes),
        "shared": len(keys & {key for key, _ in others}),
        "moved": [asdict(move) for move in moved],
        "excluded": len(set(settings.excluded_patients) - set(recipe.assembly.excluded_patients)),
        "held_out": len(set(settings.splits.test.get(name, ())) - set(recipe.assembly.splits.test.get(name, ()))),
        "changed": not dry_run,
    }


def _changed(
    settings: SourceSettings, namespace: str | None, strip_zeros: bool | None, issuer: str | None
) -> SourceSettings:
    ids = settings.patient_ids
    ids = replace(
        ids,
        strip_zeros=ids.strip_zeros if strip_zeros is None else strip_zeros,
        issuer=ids.issuer if issuer is None else issuer,
    )
    return replace(settings, patients=settings.patients if namespace is None else namespace, patient_ids=ids)


def _keys(
    workspace: Workspace, name: str, settings: SourceSettings, changed: SourceSettings, plan: SplitPlan
) -> Iterator[tuple[str, str, Split | None]]:
    folder = workspace.root / settings.path
    return read_keys(folder, name, settings, changed, private=workspace.private, side=plan.side_of_site)


def _seen(workspace: Workspace, recipe: Recipe, name: str, plan: SplitPlan) -> Iterator[tuple[str, Split | None]]:
    settings = recipe.sources[name]
    return ((key, split) for key, _, split in _keys(workspace, name, settings, settings, plan))


def _write(
    document: Any, name: str, changed: SourceSettings, settings: AssemblySettings, changes: Iterable[Change]
) -> None:
    """Put the settings of the source and the lists of keys into the document."""
    source = document["sources"][name]
    if changed.patients is not None:
        source["patients"] = changed.patients
    ids = {key: value for key, value in asdict(changed.patient_ids).items() if value}
    source.pop("patient_ids", None)
    if ids:
        source["patient_ids"] = ids
    assembly, new = document["assembly"], {change.old: change.new for change in changes}
    _relist(assembly, "excluded_patients", settings.excluded_patients, new)
    for side, named in (("test", settings.splits.test), ("val", settings.splits.val)):
        _relist(assembly["splits"].get(side, {}), name, named.get(name, ()), new)


def _relist(place: Any, name: str, after: Iterable[str], new: Mapping[str, str]) -> None:
    """Make the list hold these keys. A key that takes another's place takes the comment beside it as well."""
    wanted = list(after)
    if not wanted or list(place[name]) == wanted:
        return
    listed = place[name]
    for at, key in enumerate(listed):
        if key not in wanted:
            listed[at] = new[key]
    for key in wanted:
        if key not in listed:
            listed.append(key)
