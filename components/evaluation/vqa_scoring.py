"""Scores of answers: the generated text by unimed.vqa@1, and which option was likeliest."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.evaluation.answers import CHOICE_SCORER, SCORER, score_answer
from components.evaluation.scores import Score, score_of

F1_SCORER = "unimed.vqa.f1@1"


def score_vqa(row: Mapping[str, Any]) -> Iterator[Score]:
    """The scores of one answer. An answer that cannot be read is wrong, never dropped."""
    verdict = score_answer(
        row["response_raw"] or "",
        answer_type=row["answer_type"],
        reference=row["reference"],
        options=row["options"] or (),
    )
    parsed = verdict.parsed
    if row["answer_type"] == "choice" and verdict.status == "ok" and parsed is not None:
        parsed = row["options"][ord(parsed) - ord("A")]
    yield score_of(row, SCORER, parsed=parsed, status=verdict.status, correct=verdict.correct)
    if row["answer_type"] == "open":
        yield score_of(row, F1_SCORER, value=(verdict.value or {}).get("f1", 0.0), status=verdict.status)
    logprobs = row["choice_logprobs"] or []
    if logprobs:
        best = row["options"][max(range(len(logprobs)), key=lambda i: (logprobs[i], -i))]
        yield score_of(row, CHOICE_SCORER, parsed=best, correct=int(best == row["reference"]))
