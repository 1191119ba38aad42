"""The last screen of a retrain: what came in, what was learnt, how good it is, what was decided, where to look next."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.cli.data import BINS, count_rows
from flows.cli.output import console, seconds_text, table
from flows.spent import SAID, spent

METRIC_COLUMNS = ["metric", "#value", "#n", "interval", "control"]
LOSSES = ("text_loss", "image_loss", "loss")
HEADLINES = ("vqa/pool", "vqa/closed", "caption", "t2i", "sr", "translation", "staining", "organ-map")


def collect(workspace: Any, outcome: Any, began: float) -> dict[str, Any]:
    """All that the screen shows, as JSON; `began` is when the command's process did, on the monotonic clock."""
    from components.registry.summary import champion_summary
    from flows.state import read_manifest

    manifest = read_manifest(workspace) or {"sources": {}, "dataset_id": None}
    seconds = {**outcome.ran, **outcome.own_seconds}
    decision = outcome.decision
    now = time.monotonic()
    return {
        "state": "done",
        "workspace": str(workspace.root),
        "dataset_id": manifest["dataset_id"],
        "sources": manifest["sources"],
        "losses": read_losses(workspace.losses),
        "metrics": read_metrics(workspace.evaluation / "evaluation.json"),
        "version": outcome.version.number,
        "weights_sha256": outcome.version.weights_sha256,
        "decision": decision.to_json(),
        **champion_summary(workspace),
        "ran": list(outcome.ran),
        "unchanged": list(outcome.unchanged),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "total_seconds": round(now - began, 1),
        "spent_seconds": {kind: round(value, 1) for kind, value in spent(began, now).items()},
        "services": service_urls(workspace),
    }


def show(summary: Mapping[str, Any]) -> None:
    """Print the screen."""
    out = console()
    rows = count_rows(dict(summary["sources"]))
    out.print(table("Records", ["source", *(f"#{name}" for name in ("raw", *BINS))], rows))
    losses = [
        (row["stage"], row["loss"], row["steps"], f"{row['first']:.3f}", f"{row['last']:.3f}")
        for row in summary["losses"]
    ]
    out.print(table("Losses", ["stage", "loss", "#steps", "#first", "#last"], losses))
    out.print(table("Evaluation", METRIC_COLUMNS, metric_rows(summary["metrics"])))
    out.print(table("Seconds", ["stage", "#took"], time_rows(summary)))
    for line in closing_lines(summary):
        out.print(line, markup=False, soft_wrap=True)


def closing_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Version, decision, and where to look next."""
    version, decision = summary["version"], summary["decision"]
    alias = next(
        (role for role in ("champion", "challenger") if (summary[role] or {}).get("version") == version), "no alias"
    )
    yield f"version    {version} ({alias})   weights {summary['weights_sha256'][:16]}   dataset {str(summary['dataset_id'])[:16]}"
    yield f"decision   {decision['action']}: {decision['why']}"
    yield ""
    yield "next       evaluation/report.html   data/unimed/report.html   unimed lineage " + str(version)
    yield '           unimed ask IMAGE "Which modality is this?"   unimed draw "An axial CT image of the abdomen."'
    if summary["services"]:
        yield "           " + "   ".join(f"{name} {url}" for name, url in summary["services"].items())
    else:
        yield "           unimed up   (the MLflow and Prefect pages)"


def time_rows(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Seconds of each stage that worked, one line for those that did not, the whole, and where that went."""
    rows = [(name, seconds_text(value)) for name, value in summary["seconds"].items()]
    if summary["unchanged"]:
        rows.append((f"{len(summary['unchanged'])} unchanged stages", "0 s"))
    spent = sorted(summary["spent_seconds"].items(), key=lambda item: -item[1])
    where = [(f"  {SAID[kind]}", seconds_text(value)) for kind, value in spent if value >= 0.5]
    return [*rows, ("in all", seconds_text(summary["total_seconds"])), *where]


def read_losses(folder: Path) -> list[dict[str, Any]]:
    """First and last value of each loss of each stage: {stage, loss, steps, first, last}."""
    found = []
    for path in sorted(folder.glob("*.json"), key=lambda file: _place(file.stem)):
        lines = json.loads(path.read_text())
        for part in dict.fromkeys(str(line.get("part", "")) for line in lines):
            mine = [line for line in lines if str(line.get("part", "")) == part]
            for name in (name for name in mine[-1] if name in LOSSES or name.endswith("_loss")):
                values = [line[name] for line in mine if isinstance(line.get(name), int | float)]
                if values:
                    label = f"{part} {name}".strip().replace("_", " ")
                    entry = {"stage": path.stem, "loss": label, "steps": mine[-1].get("step", len(mine))}
                    found.append({**entry, "first": values[0], "last": values[-1]})
    return found


def read_metrics(path: Path) -> dict[str, dict[str, Any]]:
    """Metric key -> its entry of evaluation.json (value, n, low, high, control …); empty without the file."""
    value = json.loads(path.read_text()) if path.is_file() else {}
    return dict(value.get("metrics", {}))


def metric_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """A row a headline metric, the pooled ones first: value, n, interval, and what to hold it against.

    Headlines are gated entries and keys of two parts; the report page has them all.
    """
    rows: list[tuple[object, ...]] = []
    headlines = [key for key, entry in metrics.items() if key.count("/") == 1 or "/pool/" in key or entry.get("gated")]
    for key in sorted(headlines, key=lambda name: (_rank(name), name)):
        entry = metrics[key]
        low, high = entry.get("low"), entry.get("high")
        interval = "" if low is None or high is None else f"{_number(low)} to {_number(high)}"
        control = ", ".join(f"{name} {_number(value)}" for name, value in (entry.get("control") or {}).items())
        rows.append((key, _number(entry.get("value")), entry.get("n", ""), interval, control))
    return rows


def service_urls(workspace: Any) -> dict[str, str]:
    """Addresses of the pages of `unimed up`, while it runs."""
    from flows.services import live_services

    return {service.name: service.url for service in live_services(workspace).values() if service.url}


def _rank(key: str) -> int:
    return next((place for place, start in enumerate(HEADLINES) if key.startswith(start)), len(HEADLINES))


def _number(value: Any) -> str:
    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def _place(stage: str) -> tuple[int, str]:
    order = ("start", "foundation", "instruction", "unified")
    return (order.index(stage) if stage in order else len(order), stage)
