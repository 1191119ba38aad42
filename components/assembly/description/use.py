"""How evenly a data set is used: answers of each question, patients, the images used most, licences, hospitals."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from components.assembly.conversations.delivered import unasked
from components.assembly.conversations.plan import RecordPlan
from components.assembly.conversations.questions.knowledge import Knowledge
from components.assembly.conversations.questions.types import question_type
from components.assembly.corpus import Entry, first_of_image
from components.recipes.assembly import QuestionSettings
from components.records.vocabulary import Split

MOST_LISTED = 12
"""Answers of a question, and images, that are listed; the others are counted together."""
OTHERS = "others"


def account_use(used: Sequence[Entry], plans: Mapping[str, RecordPlan]) -> dict[str, Any]:
    """As plain values: training questions by answer; patients and images of each source and side; the images that most
    training conversations are about, and their share; records by licence, hospital and region."""
    training = [entry for entry in used if entry.split is Split.TRAIN]
    planned = {entry.id: plans.get(entry.id, RecordPlan()) for entry in training}
    talks = Counter({entry.id: _conversations(entry, planned[entry.id]) for entry in training})
    first = talks.most_common(MOST_LISTED)
    return {
        "answers": _answers(planned.values()),
        "most_used": {identity: count for identity, count in first if count},
        "most_used_share": round(sum(count for _, count in first) / max(talks.total(), 1), 4),
        "patients": _by(used, lambda entry: entry.source, _people),
        "licences": _by(used, lambda entry: entry.licence, len),
        "hospitals": _by((e for e in used if e.facts.get("hospital")), lambda entry: entry.facts["hospital"], len),
        "regions": _by(used, lambda entry: f"{entry.modality.value}, {entry.anatomy or 'unknown'}", _people),
    }


def account_taught(training: Sequence[Entry], questions: Mapping[str, QuestionSettings]) -> dict[str, list[str]]:
    """What training shows: its sources, modalities, and classes, `question type/value` of each of the recipe's questions (the organ
    or finding where one is asked about)."""
    shown = first_of_image(training)
    known = {name: Knowledge(question_type(name), shown).facts for name in questions}
    classes = {f"{name}/{fact.topic or fact.value}" for name, facts in known.items() for fact in facts}
    return {
        "sources": sorted({entry.source for entry in training}),
        "modalities": sorted({entry.modality.value for entry in training}),
        "classes": sorted(classes),
    }


def left_out(kept: Iterable[Entry], surplus: Mapping[str, frozenset[str]]) -> dict[str, dict[str, int]]:
    """Source -> why turns of its own are no conversation although their record is kept -> how many."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for source, ids in surplus.items():
        found[source]["answer balance"] += len(ids)
    for entry in kept:
        if entry.id not in surplus.get(entry.source, ()) and (count := unasked(entry)):
            found[entry.source][f"no prompt of ours in {entry.language}"] += count
    return {source: dict(sorted(counts.items())) for source, counts in sorted(found.items())}


def _conversations(entry: Entry, plan: RecordPlan) -> int:
    own = bool(entry.turns) and entry.has_image
    return len(plan.talks) + plan.captions + plan.drawings + len(plan.edits) + own


def _answers(plans: Iterable[RecordPlan]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for plan in plans:
        for talk in plan.talks:
            for turn in talk:
                counts[f"{turn.type}/{turn.form}"][turn.answer] += 1
    found = {}
    for name, answers in sorted(counts.items()):
        listed = sorted(answers.items(), key=lambda item: (-item[1], item[0]))
        more = sum(count for _, count in listed[MOST_LISTED:])
        found[name] = dict(listed[:MOST_LISTED]) | ({OTHERS: more} if more else {})
    return found


def _people(entries: Sequence[Entry]) -> dict[str, int]:
    training = [entry for entry in entries if entry.split in (Split.TRAIN, Split.VAL)]
    return {
        "images": sum(entry.has_image for entry in entries),
        "patients": len({entry.patient_key for entry in entries}),
        "training_patients": len({entry.patient_key for entry in training}),
    }


def _by(
    entries: Iterable[Entry], name: Callable[[Entry], str], what: Callable[[Sequence[Entry]], Any]
) -> dict[str, Any]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[name(entry)].append(entry)
    return {key: what(found) for key, found in sorted(groups.items())}
