"""The stage `code`: what a result depends on beside files and numbers, written where DVC reads it as parameters."""

from typing import Any

from components.context import StageContext
from components.sources.table import adapter_code, secret_mark
from components.storage.atomic import read_object, write_json
from components.storage.code import MEMORY, code_hashes
from components.storage.workspace import Workspace


def write_code(ctx: StageContext) -> None:
    """Writes code.json: component -> hash of its code; `adapters`: format -> that of its adapter; `made_with`: the same with
    packages and their versions; `secrets`: source -> mark of what its identities are keyed by."""
    sources = ctx.recipe.sources
    marks = {name: secret_mark(name, settings, ctx.workspace.private) for name, settings in sources.items()}
    hashes = code_hashes(adapter_code(), ctx.workspace.private / MEMORY)
    write_json(ctx.workspace.root / "code.json", {**hashes, "secrets": marks})


def present_code(workspace: Workspace) -> dict[str, Any]:
    """What the stage would write, found without writing; marks of secrets as they were, for a mark may make its secret."""
    path = workspace.root / "code.json"
    before = read_object(path) if path.is_file() else {}
    return {**code_hashes(adapter_code()), "secrets": before.get("secrets", {})}
