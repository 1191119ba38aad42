"""Benchmark items out of what held-out records say themselves: the source's own test questions, captions, reports."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from components.assembly.benchmark.item import SEED, NotTestable, benchmark_item
from components.assembly.conversations.balance import by_key, round_robin
from components.assembly.conversations.delivered import TOLD, asked, said
from components.assembly.conversations.questions.types import YES_NO
from components.assembly.corpus import Entry, normal_text
from components.records.benchmark import AnswerType, BenchmarkItem
from components.records.record import Turn
from components.records.vocabulary import TurnKind

PROMPT_ID = "delivered@1"
TEXT = "text"
"""Benchmark of questions about no image."""


def delivered_items(
    held_out: Iterable[Entry], questions: Callable[[int], int], captions: Callable[[int], int]
) -> tuple[list[BenchmarkItem], list[NotTestable]]:
    """(items, what the benchmark cannot ask and why). The question type is the source's name.

    Of so many patients at most `questions` items for each source, split and answer type, and `captions` captions or
    reports; patients in turn, in keyed order.
    """
    cells: dict[tuple[str, str, str], dict[str, dict[str, BenchmarkItem]]] = defaultdict(lambda: defaultdict(dict))
    gaps: Counter[tuple[str, str, str, str]] = Counter()
    for entry in held_out:
        for turn in entry.turns:
            kind = _answer_type(entry, turn)
            if reason := _untestable(entry, turn):
                gaps[entry.source, kind, entry.split.value, reason] += 1
                continue
            item = _item(entry, turn, kind)
            cells[entry.source, entry.split.value, kind][entry.patient_key][item.item_id] = item
    items: list[BenchmarkItem] = []
    for (_, _, kind), patients in sorted(cells.items()):
        ordered = {patient: by_key(found.values(), SEED, text=_name) for patient, found in patients.items()}
        most = captions if kind == "caption" else questions
        items += list(round_robin(ordered))[: most(len(patients))]
    return items, [
        NotTestable(question_type=source, form=kind, split=split, reason=f"{reason} ({count})")
        for (source, kind, split, reason), count in sorted(gaps.items())
    ]


def _answer_type(entry: Entry, turn: Turn) -> AnswerType:
    """Closed only where the answer is yes or no, which is all that closed questions are scored by."""
    if turn.kind in TOLD and entry.has_image:
        return "caption"
    if turn.kind is TurnKind.DRAWING:
        return "image"
    if turn.kind is TurnKind.CHOICE:
        return "choice"
    return "closed" if normal_text(turn.answer) in YES_NO else "open"


def _untestable(entry: Entry, turn: Turn) -> str:
    if turn.kind is TurnKind.DRAWING:
        return "drawings of a source's own are not asked"
    if not entry.has_image and not turn.prompt:
        return "text alone without a question"
    if entry.more_pixels and any(other.images_at for other in entry.turns):
        return "its images stand between its words: an item shows them before"
    if turn in entry.turns[: next((n for n, other in enumerate(entry.turns) if other.images_at), 0)]:
        return "asked before its image is shown"
    if asked(entry, turn) is None:
        return f"no prompt of ours in its language, {entry.language}"
    return "" if said(turn) else "nothing of the answer is left without its redactions"


def _item(entry: Entry, turn: Turn, kind: AnswerType) -> BenchmarkItem:
    closed = kind == "closed"
    benchmark = "caption" if kind == "caption" else "vqa" if entry.has_image else TEXT
    return benchmark_item(
        entry,
        benchmark=benchmark,
        question_type=entry.source,
        answer_type=kind,
        prompt_id=PROMPT_ID,
        prompt=asked(entry, turn) or "",
        reference=normal_text(turn.answer) if closed else said(turn),
        options=YES_NO if closed else turn.options,
    )


def _name(item: BenchmarkItem) -> str:
    return item.item_id
