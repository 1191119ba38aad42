"""One question of the benchmark: what prediction reads and every scorer joins on."""

from dataclasses import dataclass
from typing import Literal

from components.records.vocabulary import Modality, Split

AnswerType = Literal["closed", "choice", "open", "caption", "image"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkItem:
    """A prompt about, or for, an image, with its reference (text or image). EVAL.md §0."""

    item_id: str
    benchmark: str
    """vqa, caption, t2i, sr, translation, staining, organ_map"""
    split: Split
    task: str
    question_type: str
    """modality, region, plane, contrast, colour, stain, tumour … ; for images the task's own name."""
    answer_type: AnswerType
    options: tuple[str, ...]
    modality: Modality
    anatomy: str
    patient_key: str
    record_id: str
    prompt_id: str
    prompt: str
    reference: str
    """The right answer or caption; empty where the reference is an image."""
    image: bytes | None
    """PNG or JPEG that the question is about, or the condition of an edit; None for text to image."""
    reference_image: bytes | None
    """PNG or JPEG to draw; for text to image a real held-out image that the caption describes."""
    more_images: tuple[bytes, ...] = ()
    """Further images that the question is about; all are shown before it, in order."""
