"""What rows and outcomes are called on the page that a release owner reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluation.decision_table import BESIDE, Row, Table
from components.evaluation.endpoints import UNCONTAMINATED

TITLES = {
    "answers": "answers about images, all together",
    "answers/closed": "yes-or-no answers",
    "answers/open": "open answers",
    "answers/choice": "multiple choice",
    "answers/likelihood": "multiple choice, the likeliest option",
    "text": "answers without an image",
    "captions": "captions: modality, region and plane named right",
    "reports": "reports and captions as a source words them",
    "drawing": "drawings from words, recognised",
    "drawing/region": "drawn slices, their region recognised",
    "drawing/plane": "drawn slices, their plane recognised",
    "edit/sr": "edit: super-resolution",
    "control/mean-image/sr": "beyond the mean image, edit: super-resolution",
    "control/majority": "answers beyond the commonest answer",
    "control/image": "answers beyond those to another image",
    "safety/readable": "answers that can be read",
    "safety/normal": "no finding claimed of normal images",
    "safety/blank": "no finding claimed of blank images",
    "safety/fresh": "drawings that are no training image over again",
    "safety/uncontaminated": "items that training did not give away, as far as known by now",
    "cost/answer_seconds": "time of an answer",
    "cost/answer_bytes": "memory while answering",
    "cost/drawing_seconds": "time of a drawing",
    "cost/drawing_bytes": "memory while drawing",
}
BEGINNINGS = {"edit/": "edit: ", "control/mean-image/": "beyond the mean image, edit: "}


def title(row: Row) -> str:
    """The row in plain words."""
    known = TITLES.get(row.capability, row.capability)
    for beginning, words in BEGINNINGS.items():
        if known.startswith(beginning):
            known = words + known.removeprefix(beginning).replace("-", " ")
    part, _, value = row.subgroup.partition("=")
    return f"{known}; {part}: {value}" if part else known


def lead(table: Table, verdict: Mapping[str, Any]) -> str:
    """The verdict's first sentence."""
    answers = [one["answer"] for one in verdict["ruled"]]
    failing, still_open = (_rules(answers.count(name)) for name in ("fail", "undecided"))
    if verdict["outcome"] == "refuse":
        return f"{failing} of {len(answers)} failed."
    if verdict["code"] == "lost":
        return f"It is no longer taught {', '.join(verdict['lost'])}, which the champion was; nothing else failed."
    if verdict["outcome"] == "hold" and "undecided" not in answers:
        return "Nothing that was asked could be shown: a person decides."
    if verdict["outcome"] == "hold":
        return f"Nothing is shown to fail, and {still_open} of {len(answers)} could not be decided: a person decides."
    if not table.has_champion:
        return "There is no champion yet, and every floor is reached."
    return "No row is shown worse than the champion's by its margin, and every floor is reached."


def extent(table: Table) -> str:
    """On how much the verdict rests."""
    whole = table.row(UNCONTAMINATED)
    rows = [row for row in table.rows if row.kind == "capability" and row.capability not in BESIDE]
    # Tables of an earlier release have no row of all items; the capabilities have each item once.
    items = whole.items if whole else sum(row.items for row in rows)
    patients = whole.patients if whole else max((row.patients for row in rows), default=0)
    left = [f"{count} left out for both sides ({reason})" for reason, count in sorted(table.left_out.items())]
    asked = (
        f"{items:,} items of the exam, about {patients} patients" if items else "nothing: no item of the exam is left"
    )
    return "; ".join([f"Judged on {asked}", *left]) + "."


def balance(rows: Sequence[Row]) -> str:
    """How many capabilities are shown better, shown worse, or neither; empty without a champion."""
    told = [row for row in rows if row.kind == "capability" and row.low is not None and row.high is not None]
    if not told:
        return ""
    better = sum(row.low is not None and row.low > 0 for row in told)
    worse = sum(row.high is not None and row.high < 0 for row in told)
    return f"Of {len(told)} capabilities {better} are shown better, {worse} shown worse; of the others no difference is shown."


def next_step(version: int, verdict: Mapping[str, Any], evidence: str) -> str:
    """What somebody who agrees, or does not, can do."""
    losses = "".join(f" --accept lost:{name}" for name in verdict["lost"])
    if verdict["outcome"] == "hold":
        seen = f" --evidence {evidence[:12]}" if evidence else ""
        return f'unimed approve {version}{losses}{seen} --why "…"'
    if verdict["outcome"] == "refuse":
        return f'unimed promote {version} --why "…"'
    return 'unimed rollback --why "…"'


def saved(value: float) -> str:
    """The part of the champion's cost that is saved, in words."""
    return f"{100 * abs(value):.0f} % {'less' if value >= 0 else 'more'}"


def _rules(count: int) -> str:
    return f"{count} rule{'' if count == 1 else 's'}"
