"""Captions under wording that all of them share: what is taken for a leak and is none, and leaks planted into answers."""

from collections.abc import Iterator

import numpy as np

from components.assembly.selection.bins import select
from components.assembly.selection.wording import RUN
from components.recipes.assembly import SplitSettings
from components.records.vocabulary import Bin, Modality
from tests.benchmarks import handed_on
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import Plan, copies, none_of
from tests.benchmarks.handed_on import EXACT
from tests.benchmarks.originals import sentences
from tests.benchmarks.planted import Delivery, outcomes, settings_with

CAPTIONS, HELD_OUT = 1_000, 10
"""Captions of one kind; one in so many is held out."""
WORDS = 24
SYSTEM = (
    "You are a careful assistant that tells doctors in plain words what the images of their patients show to the eye."
)
ASKED = "Please look at this image of the patient and describe in detail all that you see in it and what it may mean."
START = "The image is an axial slice of a CT scan of the chest of an adult patient which shows"
SHARED = {
    "a system message and a prompt": (f"{SYSTEM}\n{ASKED}", ""),
    "a prompt": (ASKED, ""),
    "the first words of every answer": ("Describe it.", f"{START} "),
}
"""What is shared -> (prompt, first words of the answer)."""


def captions(plan: Plan) -> Iterator[Figure]:
    """Every kind of shared wording, then leaks in answers under a shared prompt and first words."""
    for number, (kind, (prompt, start)) in enumerate(SHARED.items()):
        delivery = Delivery(plan.work, f"shared-{number}")
        _captions(delivery, plan, kind, prompt, start)
        decisions = select(delivery.entries(), settings_with(SplitSettings(test={}, slabs=(), val_share=0.0)))
        wrong = [
            f"{d.entry.id}: {d.bin} {d.reason} {d.other}" for d in decisions if d.bin not in (Bin.KEPT, Bin.HELDOUT)
        ]
        yield none_of(f"captions that share {kind} stay", wrong, len(decisions))
    yield from _leaks(plan)


def _leaks(plan: Plan) -> Iterator[Figure]:
    base, planted = Delivery(plan.work, "captions"), Delivery(plan.work, "z-leaks")
    prompt = f"{SYSTEM}\n{ASKED}"
    told = _captions(base, plan, "leaks", prompt, START + " ")
    draw, goals = plan.generator("leaks in answers"), dict[str, float]()
    held_out = [at for at in range(len(told)) if not at % HELD_OUT]
    for at in held_out:
        answer = told[at]
        own = answer.removeprefix(START).strip()
        hidden = handed_on.run_within(own, "It was said before that", "and so on it goes.", RUN, draw)
        changes = {f"{RUN} words in a row": hidden}
        for kind, goal, changed in handed_on.as_text(answer, draw):
            if goal:
                goals[kind] = goal
                changes[kind] = changed
        for kind, said in changes.items():
            goals.setdefault(kind, EXACT)
            planted.add(
                f"caption {at}",
                _noise(draw),
                kind=kind,
                patient=f"{kind} {at}",
                modality=Modality.CT,
                question=prompt,
                answer=said,
            )
    for kind, found in sorted(outcomes(base, planted).items()):
        yield from copies(f"leaks in answers: {kind}", found, goals[kind])


def _captions(delivery: Delivery, plan: Plan, kind: str, prompt: str, start: str) -> list[str]:
    """Add images of as many patients, each with an answer of its own words; the answers in order."""
    draw = plan.generator(f"captions {kind}")
    known = sorted({word for said in sentences(plan.samples) for word in said.lower().split() if word.isalpha()})
    answers = []
    for at in range(CAPTIONS):
        answer = start + " ".join(known[int(k)] for k in draw.integers(0, len(known), WORDS)) + "."
        split = "train" if at % HELD_OUT else "test"
        delivery.add(
            f"caption {at}",
            _noise(draw),
            patient=f"p{at}",
            modality=Modality.CT,
            split=split,
            question=prompt,
            answer=answer,
        )
        answers.append(answer)
    return answers


def _noise(draw: np.random.Generator) -> bytes:
    """An image that looks like no other."""
    return handed_on.png(draw.integers(0, 255, (64, 64), np.uint8))
