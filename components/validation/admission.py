"""The stage `admit`: the one place where a bad source stops a run, before anything after it is touched."""

from components.context import StageContext
from components.storage.atomic import read_json, write_json


def admit(ctx: StageContext) -> None:
    """Writes data/admission.json, {sources: {name: verdict}}; raises ValueError listing every source that is stopped or held."""
    verdicts: dict[str, object] = {}
    problems = []
    for source in sorted(ctx.recipe.sources):
        accounting = read_json(ctx.workspace.validated / source / "accounting.json")
        verdict = accounting.get("verdict") if isinstance(accounting, dict) else None
        if not isinstance(verdict, dict) or "verdict" not in verdict:
            raise ValueError(f"data/validated/{source}/accounting.json holds no verdict; run `unimed retrain` again")
        verdicts[source] = verdict["verdict"]
        if verdict["verdict"] == "stop":
            problems.append(f"source {source} fails suite {verdict['suite']}: {verdict['message']}")
        elif verdict["verdict"] == "hold":
            problems.append(f"source {source} is held, it differs from the accepted delivery: {verdict['message']}")
    if problems:
        raise ValueError("\n".join(problems))
    write_json(ctx.workspace.root / "data" / "admission.json", {"sources": verdicts})
