"""Accuracy of answers per type, form and split, against the majority and against other images, and the pool."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.evaluation.answers import CHOICE_SCORER, SCORER, normalise
from components.evaluation.metrics import DIGITS, Meter, Metric, gate, one_per_item
from components.evaluation.predictions import GREY, PLAIN, SHUFFLED, SHUFFLED_IN_MODALITY
from components.evaluation.scores import Score
from components.recipes.evaluation import EvaluationSettings

FORMS = ("closed", "choice", "open")


@dataclass(frozen=True, kw_only=True, slots=True)
class VqaGroup:
    """One question type in one form on one split."""

    split: str
    question_type: str
    form: str
    accuracy: Metric
    majority: float
    majority_answer: str
    patients: int
    likelihood: Metric | None
    grey: float | None
    image_gain: Metric | None
    """None where no image with another answer exists: not testable."""
    detail_gain: Metric | None
    unparsed: int
    in_pool: bool
    undecided: tuple[str, ...]
    """Why its items cannot decide this group; empty where it can."""

    @property
    def name(self) -> str:
        return f"{self.split}/{self.question_type}/{self.form}"

    @property
    def verdict(self) -> str:
        """What may be said of this group, in one clause."""
        if self.undecided:
            return f"cannot be decided: {'; '.join(self.undecided)}"
        gain = self.image_gain
        assert gain is not None
        reads = "reads the image" if gain.low > 0 else "not shown to read the image"
        above = "above" if self.accuracy.low > self.majority else "not shown above"
        return f"{above} the majority, {reads}"

    @property
    def why_not_gated(self) -> str:
        """Empty for a member of the pool."""
        if self.in_pool:
            return ""
        return "; ".join(self.undecided) or "not in the recipe's pool"

    def metrics(self) -> list[Metric]:
        """All metrics of the group."""
        found = (self.accuracy, self.likelihood, self.image_gain, self.detail_gain)
        return [metric for metric in found if metric is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """The groups of the head figure, taken together."""

    members: tuple[str, ...]
    missing: dict[str, str]
    """Group of the recipe's pool -> why it is not in."""
    metrics: tuple[Metric, ...]

    def to_json(self) -> dict[str, Any]:
        values = {metric.key.rpartition("/")[2]: round(metric.value, DIGITS) for metric in self.metrics}
        return {"members": list(self.members), "missing": dict(sorted(self.missing.items())), **values}


def vqa_groups(scores: Sequence[Score], settings: EvaluationSettings, meter: Meter) -> list[VqaGroup]:
    """Every type, form and split, in order of name."""
    by_group: dict[tuple[str, str, str], list[Score]] = defaultdict(list)
    for score in scores:
        if score.benchmark == "vqa":
            by_group[score.split, score.question_type, score.answer_type].append(score)
    return [_group(found, settings, meter) for _, found in sorted(by_group.items())]


def vqa_pool(groups: Sequence[VqaGroup], scores: Sequence[Score], settings: EvaluationSettings, meter: Meter) -> Pool:
    """The pool's metrics; without a member there are none."""
    members = {group.name: group for group in groups if group.in_pool}
    missing = {}
    present = {group.name: group for group in groups}
    for wanted in settings.pool:
        name = f"{wanted.split}/{wanted.question_type}/{wanted.form}"
        if name not in members:
            missing[name] = "; ".join(present[name].undecided) if name in present else "no items in the benchmark"
    chosen = [s for s in scores if s.benchmark == "vqa" and f"{s.split}/{s.question_type}/{s.answer_type}" in members]
    plain = _of(chosen, SCORER, PLAIN)
    if not plain:
        return Pool(members=(), missing=missing, metrics=())
    majority = [members[f"{s.split}/{s.question_type}/{s.answer_type}"].majority for s in plain]
    margins = [score.number - base for score, base in zip(plain, majority, strict=True)]
    grey = one_per_item(_of(chosen, SCORER, GREY))
    metrics = [
        meter.mean("vqa/pool/accuracy", plain),
        meter.mean("vqa/pool/majority", plain, values=majority),
        meter.mean("vqa/pool/margin", plain, values=margins),
    ]
    gain = _gain("vqa/pool/image_gain", plain, _of(chosen, SCORER, SHUFFLED), meter)
    control = {"majority": metrics[1].value}
    if grey:
        control["grey"] = sum(score.number for score in grey.values()) / len(grey)
    if gain is not None:
        control["shuffled"] = gain.control["shuffled"]
        metrics.append(gain)
    metrics[0] = replace(metrics[0], control=control)
    return Pool(members=tuple(members), missing=missing, metrics=tuple(gate(metric) for metric in metrics))


def vqa_overall(scores: Sequence[Score], meter: Meter) -> list[Metric]:
    """Accuracy by form, over modalities and regions, and how many answers could not be read."""
    plain = _of([score for score in scores if score.benchmark == "vqa"], SCORER, PLAIN)
    if not plain:
        return []
    why = "all question types together; half of them are not in the pool"
    metrics = []
    for form in FORMS:
        of_form = [score for score in plain if score.answer_type == form]
        if of_form:
            metrics.append(meter.mean(f"vqa/{form}/accuracy", of_form, why_not_gated=why))
    for name in ("modality", "anatomy"):
        by_value: dict[str, list[float]] = defaultdict(list)
        for score in plain:
            by_value[getattr(score, name)].append(score.number)
        means = {value: sum(found) / len(found) for value, found in by_value.items()}
        values = [score.number * len(plain) / (len(means) * len(by_value[getattr(score, name)])) for score in plain]
        metrics.append(
            meter.mean(f"vqa/{name}_macro_accuracy", plain, values=values, why_not_gated="secondary: mean of groups")
        )
    for status, key in (("unparsed", "vqa/unparsed_rate"), ("abstained", "vqa/abstained_rate")):
        values = [float(score.status == status) for score in plain]
        metrics.append(meter.mean(key, plain, values=values, why_not_gated="a rate, shown in red above 2 %"))
    return metrics


def _group(scores: Sequence[Score], settings: EvaluationSettings, meter: Meter) -> VqaGroup:
    plain, first = _of(scores, SCORER, PLAIN), scores[0]
    key = f"vqa/{first.split}/{first.question_type}/{first.answer_type}"
    answers = Counter(normalise(score.reference) for score in plain)
    majority_answer, count = max(answers.items(), key=lambda pair: (pair[1], pair[0]))
    gain = _gain(f"{key}/image_gain", plain, _of(scores, SCORER, SHUFFLED), meter)
    detail = _gain(f"{key}/detail_gain", plain, _of(scores, SCORER, SHUFFLED_IN_MODALITY), meter)
    grey = _of(scores, SCORER, GREY)
    likelihood = _of(scores, CHOICE_SCORER, PLAIN)
    undecided = _undecided(plain, len(answers), gain, settings)
    asked = {(wanted.split, wanted.question_type, wanted.form) for wanted in settings.pool}
    in_pool = (first.split, first.question_type, first.answer_type) in asked and len(plain) >= settings.min_items
    why = "" if in_pool else "; ".join(undecided) or "not in the recipe's pool"
    control = {"majority": count / len(plain)}
    if grey:
        control["grey"] = sum(score.number for score in grey) / len(grey)
    if gain is not None:
        control["shuffled"] = gain.control["shuffled"]
    accuracy = meter.mean(f"{key}/accuracy", plain, control=control, gated=in_pool, why_not_gated=why)
    ranked = "a second reading of the answers; the generated one counts"
    return VqaGroup(
        split=first.split,
        question_type=first.question_type,
        form=first.answer_type,
        accuracy=accuracy,
        majority=count / len(plain),
        majority_answer=majority_answer,
        patients=len({score.patient_key for score in plain}),
        likelihood=meter.mean(f"{key}/likelihood_accuracy", likelihood, why_not_gated=ranked) if likelihood else None,
        grey=control.get("grey"),
        image_gain=None if gain is None else _explained(gain, in_pool, why),
        detail_gain=None if detail is None else _explained(detail, False, "reported, in no pool"),
        unparsed=sum(score.status == "unparsed" for score in plain),
        in_pool=in_pool,
        undecided=undecided,
    )


def _undecided(
    plain: Sequence[Score], answers: int, gain: Metric | None, settings: EvaluationSettings
) -> tuple[str, ...]:
    reasons = []
    if len(plain) < settings.min_items:
        reasons.append(f"{len(plain)} items, fewer than {settings.min_items}")
    if answers == 1:
        reasons.append("one answer among the items: the majority is 1 by construction")
    if gain is None:
        reasons.append("not testable: no held-out image has another answer")
    if not plain[0].is_within and len({score.patient_key for score in plain}) == 1:
        reasons.append("one subject: says nothing of others")
    return tuple(reasons)


def _gain(key: str, plain: Sequence[Score], shuffled: Sequence[Score], meter: Meter) -> Metric | None:
    """Accuracy less accuracy with the other image, over the items that have one; None when none has."""
    other = one_per_item(shuffled)
    tested = [score for score in plain if score.item_id in other]
    if not tested:
        return None
    values = [score.number - other[score.item_id].number for score in tested]
    shuffled_accuracy = sum(other[score.item_id].number for score in tested) / len(tested)
    control = {"shuffled": shuffled_accuracy, "accuracy_of_tested": sum(s.number for s in tested) / len(tested)}
    return meter.mean(key, tested, values=values, control=control)


def _of(scores: Sequence[Score], scorer: str, variant: str) -> list[Score]:
    return [score for score in scores if score.scorer_id == scorer and score.variant == variant]


def _explained(metric: Metric, gated: bool, why: str) -> Metric:
    return replace(metric, gated=gated, why_not_gated="" if gated else why)
