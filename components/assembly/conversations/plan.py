"""What is made of each kept record, decided from facts alone: no image is opened here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from components.assembly.conversations.balance import Caps, draw_by_family, pick, shares
from components.assembly.conversations.edits import Edit, edit, weighted_edits
from components.assembly.conversations.questions.asking import TypedTurn, conversations, draw_turns, most_turns
from components.assembly.conversations.questions.captions import describable
from components.assembly.conversations.questions.knowledge import Knowledge
from components.assembly.conversations.questions.types import Form, question_type
from components.assembly.corpus import Entry, first_of_image
from components.recipes.assembly import AssemblySettings


@dataclass(slots=True)
class RecordPlan:
    """The conversations about one record."""

    talks: list[list[TypedTurn]] = field(default_factory=list)
    captions: int = 0
    """How many caption conversations."""
    drawings: int = 0
    """How many captions are drawn from."""
    edits: list[tuple[Edit, int]] = field(default_factory=list)
    """(edit, wording of its instruction)."""


def plan_samples(
    entries: Sequence[Entry], settings: AssemblySettings, seed: int, share: float
) -> dict[str, RecordPlan]:
    """Record id -> its conversations, balanced over answers and families; each image is planned once.

    The recipe's numbers are per record of these, up to its totals, which `share` scales: 1 for training; for `val` its
    records per training record.
    """
    plans: dict[str, RecordPlan] = defaultdict(RecordPlan)
    entries = first_of_image(entries)
    told = [entry for entry in entries if describable(entry)]
    caps = Caps(image=settings.most_per_image, patient=settings.most_per_patient)

    def count(per_record: float, most: int) -> int:
        return round(min(per_record * len(entries), most * share))

    turns = plan_turns(entries, settings, seed, count(settings.question_turns_per_record, settings.question_turns))
    for record, talks in conversations(turns, settings.turns_per_sample, seed).items():
        plans[record].talks = talks
    captions = count(settings.captions_per_record, settings.caption_samples)
    for entry in draw_by_family(told, captions, seed, "caption", caps=caps):
        plans[entry.id].captions += 1
    drawings = count(settings.drawings_per_record, settings.drawing_samples)
    for entry in draw_by_family(told, drawings, seed, "t2i", caps=caps):
        plans[entry.id].drawings += 1
    edits = count(settings.edits_per_record, settings.edit_samples)
    for entry, drawn in _draw_edits(entries, weighted_edits(settings.edits), edits, seed, caps):
        wording = pick(range(len(drawn.wordings)), seed, drawn.name, "wording", entry.id, len(plans[entry.id].edits))
        plans[entry.id].edits.append((drawn, wording))
    return dict(plans)


def plan_turns(entries: Iterable[Entry], settings: AssemblySettings, seed: int, count: int) -> list[TypedTurn]:
    """Question turns by the recipe's weights; what a type without two answers, or with few images, cannot take goes to
    the others."""
    entries = tuple(entries)
    caps = Caps(image=settings.most_per_image, patient=settings.most_per_patient)
    known = {name: Knowledge(question_type(name), entries) for name in settings.questions}
    cells: dict[str, tuple[Knowledge, Form, float]] = {
        f"{name}\x1f{form}": (known[name], question_form(name, form), question.weight / len(question.forms))
        for name, question in settings.questions.items()
        for form in question.forms
    }
    room = {cell: most_turns(knowledge, form, caps) for cell, (knowledge, form, _) in cells.items()}
    weights = {cell: weight for cell, (*_, weight) in cells.items() if room[cell]}
    turns: list[TypedTurn] = []
    for cell, number in sorted(shares(count, weights, room).items()):
        knowledge, form, _ = cells[cell]
        turns += draw_turns(knowledge, form, number, seed, caps)
    return turns


def question_form(name: str, form: str) -> Form:
    """The form, checked against the type's wordings; raises ValueError for one it cannot be asked in."""
    for known in question_type(name).wordings:
        if known == form:
            return known
    forms = ", ".join(question_type(name).wordings)
    raise ValueError(f"assembly.questions.{name}: no {form} form; known: {forms}")


def _draw_edits(
    entries: Sequence[Entry], allowed: Mapping[str, float], count: int, seed: int, caps: Caps
) -> Iterator[tuple[Entry, Edit]]:
    """Edits by weight, each on the records that have what it needs."""
    fitting = {name: [entry for entry in entries if edit(name).applies(entry)] for name in allowed}
    weights = {name: weight for name, weight in allowed.items() if fitting[name]}
    room = {name: sum(map(caps.room, Counter(e.patient_key for e in fitting[name]).values())) for name in weights}
    for name, number in sorted(shares(count, weights, room).items()):
        yield from ((entry, edit(name)) for entry in draw_by_family(fitting[name], number, seed, name, caps=caps))
