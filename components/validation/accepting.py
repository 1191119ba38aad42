"""Accepting a delivery: its profile becomes what later deliveries are compared with."""

from pathlib import Path
from typing import Any

from components.recipes.nearest import nearest
from components.recipes.recipe import Recipe
from components.storage.atomic import read_json, write_json
from components.storage.workspace import Workspace


def accept_delivery(workspace: Workspace, recipe: Recipe, source: str, *, by: str, why: str) -> Path:
    """The written data/accepted/<source>.json: the profile of the validated delivery, with who accepted it and why.

    Raises ValueError for an unknown source, one that was not validated yet, and a missing why.
    """
    if source not in recipe.sources:
        raise ValueError(f"unknown source {source!r}{nearest(source, recipe.sources)}")
    if not why.strip():
        raise ValueError("an acceptance needs its reason: --why '…'")
    profile = read_json(workspace.validated / source / "profile.json")
    assert isinstance(profile, dict)
    path = workspace.accepted / f"{source}.json"
    write_json(path, {**profile, "accepted": {"by": by, "why": why}})
    return path


def read_accepted(workspace: Workspace, source: str) -> dict[str, Any]:
    """The profile of the source's accepted delivery; empty while none was accepted. Raises ValueError."""
    path = workspace.accepted / f"{source}.json"
    accepted = read_json(path) if path.is_file() else {}
    if not isinstance(accepted, dict):
        raise ValueError(f"{path} is no profile; write {{}} into it, or `unimed data accept {source}`")
    return accepted
