"""One benchmark item of a record off the training side, still without its images."""

from dataclasses import dataclass

from components.assembly.corpus import Entry
from components.records.benchmark import AnswerType, BenchmarkItem
from components.storage.keys import keyed_hash, sha256_bytes

SEED = "benchmark@1"
"""Not the recipe's seed: another seed trains another model on the same benchmark."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotTestable:
    """A question that this corpus cannot ask fairly, and why."""

    question_type: str
    form: str
    split: str
    reason: str


def benchmark_item(
    entry: Entry,
    *,
    benchmark: str,
    question_type: str,
    answer_type: AnswerType,
    prompt_id: str,
    prompt: str,
    reference: str = "",
    options: tuple[str, ...] = (),
    task: str = "",
) -> BenchmarkItem:
    """The item; its id follows from record and prompt."""
    name = keyed_hash(entry.id, prompt, digest_bytes=8)
    return BenchmarkItem(
        item_id=f"{benchmark}/{entry.split.value}/{question_type}-{answer_type}/{name}",
        benchmark=benchmark,
        split=entry.split,
        task=task or benchmark,
        question_type=question_type,
        answer_type=answer_type,
        options=options,
        modality=entry.modality,
        anatomy=entry.anatomy,
        patient_key=entry.patient_key,
        record_id=entry.id,
        prompt_id=prompt_id,
        prompt=prompt,
        reference=reference,
        image=None,
        reference_image=None,
    )


def item_hash(item: BenchmarkItem) -> str:
    """Hash of what is asked and what is right: id, prompt, options, reference and its images."""
    images = [sha256_bytes(data) if data else "" for data in (item.image, item.reference_image, *item.more_images)]
    return keyed_hash(item.item_id, item.prompt, *item.options, item.reference, *images, digest_bytes=32)
