"""Which images off the training side are asked what, balanced by answer, and what cannot be tested and why."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from components.assembly.benchmark.delivered import PROMPT_ID, delivered_items
from components.assembly.benchmark.item import SEED, NotTestable, benchmark_item
from components.assembly.conversations.balance import by_key, round_robin
from components.assembly.conversations.edits import EDITS, Edit, weighted_edits
from components.assembly.conversations.plan import question_form
from components.assembly.conversations.questions.asking import TypedTurn, false_claims, make_turn
from components.assembly.conversations.questions.captions import (
    CAPTION_PROMPT_ID,
    CAPTION_PROMPTS,
    DRAWING_PROMPT_ID,
    REFERENCES,
    caption,
    describable,
)
from components.assembly.conversations.questions.knowledge import Fact, Knowledge
from components.assembly.conversations.questions.types import YES_NO, Form, QuestionType, question_type
from components.assembly.conversations.samples import Pictures
from components.assembly.corpus import Entry, first_of_image
from components.recipes.assembly import AssemblySettings
from components.records.benchmark import BenchmarkItem
from components.records.vocabulary import HELD_OUT, VALIDATION, WITHIN, Split

ENOUGH_PATIENTS = 3
"""An edit that so many whole patients can be asked for is not asked within a subject as well."""

PER_PATIENT = 4
"""Items of a patient, at least, where there are images enough: many patients make more items than the recipe's."""

MOST = 4000
"""Items of one kind in an exam, however many patients: at so many a difference of two points shows, and each more costs
every decision its time."""

Room = Callable[[int, int], int]
"""Called with (the recipe's number, patients that can be asked): how many items of a kind there are at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSet:
    """Benchmark items, still without their images."""

    items: tuple[BenchmarkItem, ...]
    edits: dict[str, Edit]
    """Item id -> the edit it asks for."""
    not_testable: tuple[NotTestable, ...]

    def by_record(self) -> dict[str, list[BenchmarkItem]]:
        """Record id -> its items."""
        found: dict[str, list[BenchmarkItem]] = defaultdict(list)
        for item in self.items:
            found[item.record_id].append(item)
        return dict(found)

    def with_pictures(self, item: BenchmarkItem, pictures: Pictures) -> BenchmarkItem:
        """The item with the image it is about and the image it asks for, at the stored size."""
        if edit := self.edits.get(item.item_id):
            condition, target = pictures.condition(edit), pictures.target(edit)
            return replace(item, image=condition.data, reference_image=target.data)
        if item.benchmark == "t2i":
            return replace(item, reference_image=pictures.own.data)
        shown = pictures.more if item.prompt_id == PROMPT_ID else ()
        return replace(item, image=pictures.own.data, more_images=tuple(picture.data for picture in shown))

    @classmethod
    def of(
        cls, items: Iterable[BenchmarkItem], edits: Mapping[str, Edit], gaps: Iterable[NotTestable]
    ) -> "QuestionSet":
        """The set in its order, whatever the order of what it is made of."""
        return cls(
            items=tuple(sorted(items, key=lambda item: item.item_id)),
            edits=dict(edits),
            not_testable=tuple(sorted(gaps, key=lambda gap: (gap.question_type, gap.form, gap.split))),
        )

    def with_(self, other: "QuestionSet") -> "QuestionSet":
        """Both sets as one."""
        return QuestionSet.of(
            (*self.items, *other.items), self.edits | other.edits, (*self.not_testable, *other.not_testable)
        )


def set_benchmark(training: Sequence[Entry], validation: Sequence[Entry], settings: AssemblySettings) -> QuestionSet:
    """What is asked about the validation side: what training never shows is not; what a source asks itself is."""
    return _set(validation, settings, VALIDATION, training, "training", lambda least, patients: least)


def set_exam(held_out: Sequence[Entry], settings: AssemblySettings) -> QuestionSet:
    """What is asked about the held-out side, whatever training shows: a class that is no longer taught is asked for all
    the same. Options and false claims are values of the held-out side itself.

    The recipe's numbers are the least: each patient is asked, and each image captioned, up to MOST items of a kind.
    """
    return _set(held_out, settings, HELD_OUT, held_out, "the held-out side", _all_patients)


def _all_patients(least: int, patients: int) -> int:
    return min(MOST, max(least, PER_PATIENT * patients))


def _set(
    asked: Sequence[Entry],
    settings: AssemblySettings,
    splits: Sequence[Split],
    teaching: Sequence[Entry],
    teacher: str,
    room: Room,
) -> QuestionSet:
    """Items about `asked` with the values, modalities and edits that `teaching` has."""
    questions, captions = partial(room, settings.benchmark_items), partial(room, settings.benchmark_captions)
    items, gaps = delivered_items(asked, questions, captions)
    teaching, asked = first_of_image(teaching), first_of_image(asked)
    for name, question in settings.questions.items():
        kind = question_type(name)
        learnt = Knowledge(kind, teaching)
        for split in splits:
            entries = {entry.id: entry for entry in asked if entry.split is split}
            known = Knowledge(kind, entries.values())
            for form in question.forms:
                count = questions(len({fact.entry.patient_key for fact in known.facts}))
                turns, reason = examine(kind, question_form(name, form), learnt, known, count, teacher)
                items += [_question_item(entries[turn.record_id], turn) for turn in turns]
                if reason:
                    gaps.append(NotTestable(question_type=name, form=form, split=split.value, reason=reason))
    modalities = {entry.modality for entry in teaching}
    askable = [entry for entry in asked if entry.modality in modalities and describable(entry)]
    items += _captions(askable, captions(len(askable)))  # an image has one caption, so all of them are asked for
    items += _drawings(askable, room(settings.benchmark_drawings, len({entry.patient_key for entry in askable})))
    edits: dict[str, Edit] = {}
    for name in weighted_edits(settings.edits):
        for item in _edit_items(EDITS[name], splits, teaching, asked, settings.benchmark_edits):
            edits[item.item_id] = EDITS[name]
            items.append(item)
    return QuestionSet.of(items, edits, gaps)


def examine(
    kind: QuestionType, form: Form, learnt: Knowledge, known: Knowledge, count: int, teacher: str
) -> tuple[list[TypedTurn], str]:
    """(questions balanced by answer, why there are none). `teacher` is whose values are learnt, for the reason."""
    if kind.yes_no:
        topics = [t for t in learnt.topics if all(learnt.patients(t, v) and known.patients(t, v) for v in YES_NO)]
        cells = {f"{topic}\x1f{value}": _ordered(known, topic, value) for topic in topics for value in YES_NO}
        even = {t: min(len(cells[f"{t}\x1f{value}"]) for value in YES_NO) for t in topics}
        cells = {name: facts[: even[name.split("\x1f")[0]]] for name, facts in cells.items()}
        values = known.values
    else:
        values = [v for v in known.values if v in learnt.values and learnt.wrong(v, learnt.values)]
        halves = YES_NO if form == "closed" else ("",)
        # Yes and no are asked about other images as far as there are enough.
        cells = {f"{value}\x1f{half}": _ordered(known, "", value, half) for value in values for half in halves}
    if reason := _untestable(kind, learnt, known, values, bool(cells), teacher):
        return [], reason
    chosen = list(islice(round_robin({name: [(name, fact) for fact in facts] for name, facts in cells.items()}), count))
    asked = [(fact, not name.endswith("\x1fno")) for name, fact in chosen]
    claims = false_claims(learnt, asked, SEED) if form == "closed" and not kind.yes_no else {}
    turns = [
        make_turn(
            known,
            form,
            fact,
            claims.get(number, learnt.values),
            (SEED, fact.entry.id),
            says_yes=is_true,
        )
        for number, (fact, is_true) in enumerate(asked)
    ]
    return turns, ""


def _untestable(
    kind: QuestionType, learnt: Knowledge, known: Knowledge, values: Sequence[str], cells: bool, teacher: str
) -> str:
    if len(learnt.values) < 2:
        return f"{teacher} shows {'one answer only: ' + learnt.values[0] if learnt.values else 'no image with it'}"
    if not known.facts:
        return "no held-out image with it"
    if len(values) < 2 or not cells:
        only = ", ".join(values or known.values)
        if kind.name in ("organ", "finding"):
            return (
                f"no {kind.name} that is both present and absent in {teacher} and among the images that are asked about"
            )
        return f"one answer only among held-out images that {teacher} knows: {only}"
    return ""


def _ordered(known: Knowledge, topic: str, value: str, half: str = "") -> list[Fact]:
    patients = known.patients(topic, value)
    ordered = {name: _shuffled(facts, topic, value) for name, facts in patients.items()}
    if half == "no":
        ordered = {name: facts[::-1] for name, facts in ordered.items()}
    return list(round_robin(ordered))


def _shuffled(facts: Iterable[Fact], *key: object) -> list[Fact]:
    return by_key(facts, SEED, *key, text=lambda fact: fact.entry.id)


def _spread(entries: Iterable[Entry], *key: object) -> list[Entry]:
    """Families in turn, patients in turn, images in keyed order."""
    families: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in by_key(entries, SEED, *key, text=lambda entry: entry.id):
        families["\x1f".join((entry.split.value, *entry.family))][entry.patient_key].append(entry)
    return list(round_robin({name: list(round_robin(patients)) for name, patients in families.items()}))


def _question_item(entry: Entry, turn: TypedTurn) -> BenchmarkItem:
    return benchmark_item(
        entry,
        benchmark="vqa",
        question_type=turn.type,
        answer_type=turn.form,
        prompt_id=turn.prompt_id,
        prompt=turn.prompt,
        reference=turn.answer,
        options=turn.options,
    )


def _captions(entries: Iterable[Entry], count: int) -> list[BenchmarkItem]:
    return [
        benchmark_item(
            entry,
            benchmark="caption",
            question_type="caption",
            answer_type="caption",
            prompt_id=CAPTION_PROMPT_ID,
            prompt=CAPTION_PROMPTS[0],
            reference=caption(entry),
        )
        for entry in _spread(entries, "caption")[:count]
    ]


def _drawings(entries: Iterable[Entry], count: int) -> list[BenchmarkItem]:
    modalities: dict[str, list[Entry]] = defaultdict(list)
    for entry in _spread(entries, "t2i"):
        modalities[entry.modality.value].append(entry)
    # Two wordings of one image may come out equal: that is one question.
    worded = {
        name: {(e.id, words): (e, words) for w in range(REFERENCES) for e in found for words in [caption(e, w)]}
        for name, found in modalities.items()
    }
    asked = round_robin({name: list(pairs.values()) for name, pairs in worded.items()})
    return [
        benchmark_item(
            entry,
            benchmark="t2i",
            question_type="t2i",
            answer_type="image",
            prompt_id=DRAWING_PROMPT_ID,
            prompt=words,
        )
        for (entry, words), _ in zip(asked, range(count), strict=False)
    ]


def _edit_items(
    edit: Edit, splits: Sequence[Split], teaching: Sequence[Entry], asked: Sequence[Entry], count: int
) -> list[BenchmarkItem]:
    if not any(edit.applies(entry) for entry in teaching):
        return []
    fitting = [entry for entry in asked if edit.applies(entry)]
    patients = {entry.patient_key for entry in fitting if entry.split not in WITHIN}
    items = []
    for split in splits:
        if split in WITHIN and len(patients) >= ENOUGH_PATIENTS:
            continue
        by_patient: dict[str, list[Entry]] = defaultdict(list)
        for entry in _spread((entry for entry in fitting if entry.split is split), edit.name):
            by_patient[entry.patient_key].append(entry)
        items += [
            benchmark_item(
                entry,
                benchmark=edit.benchmark,
                question_type="sr" if edit.benchmark == "sr" else edit.name,
                answer_type="image",
                prompt_id=edit.prompt_id,
                prompt=edit.wordings[0],
                task=edit.task,
            )
            for entry, _ in zip(round_robin(by_patient), range(_all_patients(count, len(by_patient))), strict=False)
        ]
    return items
