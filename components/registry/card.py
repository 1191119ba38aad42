"""The model card of a version, as Markdown, from its record alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.storage.atomic import read_object

TEMPLATE = Path(__file__).with_name("card_template.md")


def model_card(record: Path, tags: Mapping[str, str]) -> str:
    """The card; raises an error for a field that the template names and the record lacks: nothing is left blank."""
    from jinja2 import Environment, StrictUndefined

    manifest = read_object(record / "manifest.json")
    evaluation = read_object(record / "evaluation.json")
    # Markdown for people who wrote the sources' names themselves; HTML is escaped by whoever renders it.
    page = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text()
    )
    return page.render(
        tags=tags,
        manifest=manifest,
        sources=sorted(manifest["sources"].items()),
        metrics=[_row(name, entry) for name, entry in sorted(evaluation["metrics"].items())],
        weights=read_object(record / "weights.json"),
    )


def _row(name: str, entry: Mapping[str, Any]) -> dict[str, str]:
    """One line of the evaluation table; what was not measured is said, not left blank."""
    low, high = entry.get("low"), entry.get("high")
    return {
        "name": name,
        "value": _number(entry.get("value")),
        "n": str(entry.get("n", "not counted")),
        "interval": f"{_number(low)} to {_number(high)}" if low is not None and high is not None else "none",
        "cluster": str(entry.get("cluster", "none")),
        "gated": "yes" if entry.get("gated") else "no",
    }


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "not measured"
