"""Which image a control shows in place of an item's own: grey, or one for which the question has another answer.

An exchange that leaves the answer as it was tells nothing, so where no image with another answer exists, the item is
not tested, and says so by having no row.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.evaluation.images import Rgb, decode, encode
from components.records.benchmark import BenchmarkItem
from components.records.vocabulary import WITHIN, Split
from components.storage.keys import keyed_hash, sha256_bytes

YES = "yes"


@dataclass(frozen=True, slots=True)
class Donor:
    """An image and what the questions of one type say about it."""

    record_id: str
    patient_key: str
    modality: str
    image: bytes


def shuffled_images(items: Sequence[BenchmarkItem], *, same_modality: bool) -> dict[str, bytes]:
    """Item id -> the image shown instead; items without a possible exchange are absent.

    The image is of another patient (within a subject: another slice), belongs to the same question type and split, and
    changes the right answer. Which of the possible ones is a keyed draw: the same whatever else is in the list.
    """
    by_type: dict[tuple[str, Split], list[BenchmarkItem]] = defaultdict(list)
    for item in items:
        by_type[item.question_type, item.split].append(item)
    chosen: dict[str, bytes] = {}
    for group in by_type.values():
        values, verdicts = _values(group), _verdicts(group)
        donors = {item.record_id: _donor(item) for item in sorted(group, key=lambda item: item.item_id)}
        for item in group:
            possible = [
                donor
                for donor in donors.values()
                if _is_other(item, donor)
                and (not same_modality or donor.modality == item.modality.value)
                and _changes_answer(item, donor, values, verdicts)
            ]
            if possible:
                best = min(possible, key=lambda donor: keyed_hash("donor", item.item_id, donor.record_id))
                chosen[item.item_id] = best.image
    return chosen


def grey_image(items: Sequence[BenchmarkItem]) -> bytes:
    """PNG of one grey: the mean level of the items' images, in the size of the first."""
    images: dict[str, Rgb] = {}
    for item in items:
        if item.image is not None:
            images.setdefault(sha256_bytes(item.image), decode(item.image))
    if not images:
        raise ValueError("no benchmark item has an image; there is no mean grey")
    level = round(float(np.mean([pixels.mean() for _, pixels in sorted(images.items())])))
    return encode(np.full_like(images[min(images)], level))


def _values(group: Sequence[BenchmarkItem]) -> dict[str, str]:
    """Record -> its value of this question type, where an open or choice item tells."""
    return {item.record_id: item.reference for item in group if item.answer_type in ("open", "choice")}


def _verdicts(group: Sequence[BenchmarkItem]) -> dict[tuple[str, str], str]:
    """(closed prompt, record) -> yes or no, as far as the benchmark asks it."""
    return {(item.prompt, item.record_id): item.reference for item in group if item.answer_type == "closed"}


def _changes_answer(
    item: BenchmarkItem, donor: Donor, values: dict[str, str], verdicts: dict[tuple[str, str], str]
) -> bool:
    if item.answer_type != "closed":
        return values.get(donor.record_id, item.reference) != item.reference
    asked = verdicts.get((item.prompt, donor.record_id))
    if asked is not None:
        return asked != item.reference
    # A question answered "yes" asserts the item's own value, so every image of another value makes it "no".
    own, other = values.get(item.record_id), values.get(donor.record_id)
    return item.reference == YES and own is not None and other is not None and own != other


def _is_other(item: BenchmarkItem, donor: Donor) -> bool:
    if item.split in WITHIN:
        return donor.record_id != item.record_id
    return donor.patient_key != item.patient_key


def _donor(item: BenchmarkItem) -> Donor:
    if item.image is None:
        raise ValueError(f"benchmark item {item.item_id} asks about an image but has none; assemble the data set again")
    return Donor(item.record_id, item.patient_key, item.modality.value, item.image)
