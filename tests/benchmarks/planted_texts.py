"""Sentences and questions without an image: copied, reworded, hidden in longer texts; half of them are held out."""

import json
from collections.abc import Iterator
from importlib.resources import files

from components.assembly.selection.wording import RUN
from tests.benchmarks import handed_on
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import Plan, copies
from tests.benchmarks.handed_on import EXACT
from tests.benchmarks.originals import sentences
from tests.benchmarks.planted import Delivery, outcomes
from tests.benchmarks.questions import QUESTIONS

CARRIERS = 5
"""Every so many-th sentence is kept back, for texts to hide others in."""


def texts(plan: Plan) -> Iterator[Figure]:
    """Copies, in training and of the benchmark; then statements that differ from one of training in a single word."""
    said = sorted({*sentences(plan.samples), *(f"{question} {answer}." for question, answer in QUESTIONS)})
    carriers, known = said[::CARRIERS], [text for at, text in enumerate(said) if at % CARRIERS]
    base, again = Delivery(plan.work, "said"), Delivery(plan.work, "z-said-again")
    draw, goals = plan.generator("texts"), dict[str, float | None]()

    def plant(truth: str, kind: str, goal: float | None, **said: str) -> None:
        goals[kind] = goal
        again.add(truth if goal else f"{truth} {kind}", kind=kind, **said)

    for at, text in enumerate(known):
        is_held_out = at % 2 == 1
        base.add(text, split="test" if is_held_out else "train", text=text)
        for kind, goal, changed in handed_on.as_text(text, draw):
            # A held-out text's words count even where one of them says the contrary.
            if goal or not is_held_out:
                plant(text, f"{kind}: a {'benchmark text in training' if is_held_out else 'text'}", goal, text=changed)
        if is_held_out and len(text.split()) > RUN:
            before, after = (carriers[k] for k in draw.integers(0, len(carriers), 2))
            hidden = handed_on.run_within(text, before, after, RUN, draw)
            plant(text, f"{RUN} words in a row: a benchmark text in a longer one", EXACT, text=hidden)
    for _, told in sorted(_definitions().items()):
        question, answer = told["questions"][0], told["answer"]
        base.add(question, split="test", question=question, answer=answer)
        asked = handed_on.copied_text(question, draw)
        plant(question, "copied: a benchmark question and its answer", EXACT, question=asked, answer=answer)
    for kind, found in sorted(outcomes(base, again).items()):
        yield from copies(kind, found, goals[kind])


def _definitions() -> dict[str, dict]:
    return json.loads(files("components.assembly.conversations").joinpath("definitions.json").read_text())
