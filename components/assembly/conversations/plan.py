"""What is made of each kept record, decided from facts alone: no image is opened here."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from components.assembly.conversations.balance import draw_by_family, pick, shares
from components.assembly.conversations.edits import Edit, edit, weighted_edits
from components.assembly.conversations.questions.asking import Knowledge, Turn, conversations, draw_turns
from components.assembly.conversations.questions.captions import WORDINGS, describable
from components.assembly.conversations.questions.types import question_type
from components.assembly.corpus import Entry, first_of_image
from components.recipes.assembly import AssemblySettings


@dataclass(slots=True)
class RecordPlan:
    """The conversations about one record."""

    talks: list[list[Turn]] = field(default_factory=list)
    captions: int = 0
    """How many caption conversations."""
    drawings: list[int] = field(default_factory=list)
    """Caption wordings to draw from."""
    edits: list[tuple[Edit, int]] = field(default_factory=list)
    """(edit, wording of its instruction)."""


def plan_samples(
    entries: Sequence[Entry], settings: AssemblySettings, seed: int, share: float
) -> dict[str, RecordPlan]:
    """Record id -> its conversations, balanced over answers and families; each image is planned once.

    `share` scales the recipe's counts: 1 for training; for `val` its records per training record.
    """
    plans: dict[str, RecordPlan] = defaultdict(RecordPlan)
    entries = first_of_image(entries)
    told = [entry for entry in entries if describable(entry)]
    turns = plan_turns(entries, settings, seed, round(settings.question_turns * share))
    for record, talks in conversations(turns, settings.turns_per_sample, seed).items():
        plans[record].talks = talks
    for entry in draw_by_family(told, round(settings.caption_samples * share), seed, "caption"):
        plans[entry.id].captions += 1
    for entry in draw_by_family(told, round(settings.drawing_samples * share), seed, "t2i"):
        number = len(plans[entry.id].drawings)
        plans[entry.id].drawings.append(pick(range(WORDINGS), seed, "t2i wording", entry.id, number))
    allowed = weighted_edits(settings.edits)
    fitting = {name: [entry for entry in entries if edit(name).applies(entry)] for name in allowed}
    weights = {name: weight for name, weight in allowed.items() if fitting[name]}
    for name, count in sorted(shares(round(settings.edit_samples * share), weights).items()):
        for entry in draw_by_family(fitting[name], count, seed, name):
            number = len(plans[entry.id].edits)
            wording = pick(range(len(edit(name).wordings)), seed, name, "wording", entry.id, number)
            plans[entry.id].edits.append((edit(name), wording))
    return dict(plans)


def plan_turns(entries: Iterable[Entry], settings: AssemblySettings, seed: int, count: int) -> list[Turn]:
    """Question turns by the recipe's weights; the share of a type without two answers goes to the others."""
    entries = tuple(entries)
    known = {name: Knowledge(question_type(name), entries) for name in settings.questions}
    weights = {
        f"{name}\x1f{form}": question.weight / len(question.forms)
        for name, question in settings.questions.items()
        for form in question.forms
        if draw_turns(known[name], question_form(name, form), 1, seed)
    }
    turns: list[Turn] = []
    for key, number in sorted(shares(count, weights).items()):
        name, form = key.split("\x1f")
        turns += draw_turns(known[name], question_form(name, form), number, seed)
    return turns


def question_form(name: str, form: str):
    """The form, checked against the type's wordings; raises ValueError for one it cannot be asked in."""
    for known in question_type(name).wordings:
        if known == form:
            return known
    forms = ", ".join(question_type(name).wordings)
    raise ValueError(f"assembly.questions.{name}: no {form} form; known: {forms}")
