"""Copies of real images under another patient's name, questions asked again of one image, and pairs of two patients."""

from collections.abc import Iterator

from tests.benchmarks import handed_on
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import Plan, copies, none_of
from tests.benchmarks.handed_on import EXACT, NEAR
from tests.benchmarks.originals import Original
from tests.benchmarks.planted import Delivery, false_matches, outcomes
from tests.benchmarks.questions import QUESTIONS

FALSE_MATCHES = 1e-4
"""Share of pairs of different patients' images that may be taken for one."""
KINDS: dict[str, tuple[float | None, handed_on.Change]] = {
    "image: same file": (EXACT, handed_on.same_file),
    "image: same pixels in another file": (EXACT, handed_on.same_pixels),
    "image: JPEG, quality 50 to 90": (NEAR, handed_on.jpeg),
    "image: 0.5 to 2 times the size": (NEAR, handed_on.resized),
    "image: crop, up to 5 % of the picture": (NEAR, handed_on.cropped),
    "image: crop, up to 5 % of each side": (NEAR, handed_on.cropped_more),
    "image: one bit changed": (NEAR, handed_on.one_bit),
    "image: window, contrast, gamma": (NEAR, handed_on.windowed),
}
IN_BENCHMARK = "benchmark image in training"
LEAKS: dict[str, tuple[float | None, handed_on.Change]] = {
    "its pixels": (EXACT, handed_on.same_pixels),
    "scaled and JPEG": (NEAR, handed_on.encoded_again),
    "all of a patient, under a second id": (NEAR, handed_on.jpeg),
}
NO_COPIES: dict[str, tuple[float | None, handed_on.Change]] = {"no copy: a mirror image": (None, handed_on.mirrored)}
PER_IMAGE = 3
"""Questions asked of one image."""


def images(plan: Plan) -> Iterator[Figure]:
    """Every kind of copy, in training and of the benchmark; then what looks like a copy and is none. Half of the patients
    are held out, so that their copies are leaks."""
    every = plan.originals()
    names = sorted({image.patient for image in every})
    held_out = set(plan.generator("held out").permutation(names)[: len(names) // 2].tolist())
    base, planted, further = (Delivery(plan.work, name) for name in ("originals", "z-copies", "further"))
    for image in every:
        split = "test" if image.patient in held_out else "train"
        _add(further if image.also else base, image, handed_on.png(image.pixels), split=split)
    leaks = {f"{IN_BENCHMARK}: {name}": told for name, told in LEAKS.items()}
    for kind, (_, change) in (KINDS | leaks | NO_COPIES).items():
        generator = plan.generator(kind)
        for image in every:
            is_wanted = image.patient in held_out if kind in leaks else not (kind in NO_COPIES and image.symmetric)
            if is_wanted and not image.also:
                # Patients are keyed by source, so that every copy is under another patient's name.
                _add(planted, image, change(image.pixels, generator), kind=kind)
    for kind, found in outcomes(base, planted).items():
        yield from copies(kind, found, (KINDS | leaks | NO_COPIES)[kind][0])
    entries = [*base.entries(), *(further.entries() if further.truths else ())]
    matched, pairs = false_matches(entries, base.truths | further.truths)
    yield none_of("pairs of different patients' images kept apart", matched, pairs, limit=FALSE_MATCHES)


def _add(delivery: Delivery, image: Original, data: bytes, *, kind: str = "", split: str = "train") -> None:
    delivery.add(image.patient, data, kind=kind, patient=image.patient, modality=image.modality, split=split)


def questions(plan: Plan) -> Iterator[Figure]:
    """Several questions of each image; then the same ones again, in other words, and others that differ in a word."""
    base, again = Delivery(plan.work, "asked"), Delivery(plan.work, "z-asked-again")
    draw, goals = plan.generator("questions"), dict[str, float | None]()
    for number, image in enumerate(image for image in plan.originals() if not image.also):
        file = handed_on.png(image.pixels)
        for at in range(PER_IMAGE):
            said, answer = QUESTIONS[(PER_IMAGE * number + at) % len(QUESTIONS)]
            truth, known = f"{number} {at}", {"patient": image.patient, "modality": image.modality}
            base.add(truth, file, **known, question=said, answer=answer)
            for kind, goal, changed in handed_on.as_text(said, draw):
                kind = f"{kind}: a question asked of one image"
                goals[kind] = goal
                other = truth if goal else f"{truth} {kind}"
                again.add(other, file, kind=kind, **known, question=changed, answer=answer)
    for kind, found in sorted(outcomes(base, again).items()):
        yield from copies(kind, found, goals[kind])
