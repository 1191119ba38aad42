"""Scorers of captions: whether one is a sentence, whether it names what the image is, how near it is to the reference."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.assembly.conversations.questions.captions import caption_facts
from components.evaluation.answers import normalise
from components.evaluation.scores import Score, score_of

WELL_FORMED, EXACT, ROUGE = "caption.well-formed@1", "caption.exact@1", "rougeL.google"
CAPTION = "caption"
"""Question type of a caption that is made of the labels; a source's own has the source's name."""
FACT_SCORERS = {name: f"caption.{name}@1" for name in ("modality", "anatomy", "plane")}

_LONGEST_SENTENCES = 4
_FEWEST_WORDS = 4


def is_well_formed(text: str, *, finished: bool) -> bool:
    """Whole sentences that name exactly one modality: begun with a capital, ended by a full stop and by the model."""
    sentences = [part for part in re.split(r"(?<=[.])\s+", text) if part]
    return (
        finished
        and 1 <= len(sentences) <= _LONGEST_SENTENCES
        and all(re.match(r"[A-Z]", sentence) and sentence.endswith(".") for sentence in sentences)
        and "\ufffd" not in text
        and len(text.split()) >= _FEWEST_WORDS
        and "modality" in caption_facts(text)
    )


def rouge_l(reference: str, text: str) -> float:
    """F of the longest common subsequence, as rouge-score 0.1.2 without a stemmer computes it."""
    return float(_rouge().score(reference, text)["rougeL"].fmeasure)


def score_caption(row: Mapping[str, Any]) -> Iterator[Score]:
    """The scores of one caption. A fact is scored where the reference names it; not naming it is wrong. A source's own text
    need not name one; raises ValueError where a reference of ours names no modality."""
    text, reference = row["response_raw"] or "", row["reference"]
    formed = is_well_formed(text, finished=row["finish_reason"] == "stop")
    yield score_of(row, WELL_FORMED, correct=int(formed), parsed=text)
    yield score_of(row, EXACT, correct=int(normalise(text) == normalise(reference)))
    yield score_of(row, ROUGE, value=rouge_l(reference, text))
    wanted, found = caption_facts(reference), caption_facts(text)
    if not wanted.get("modality") and row["question_type"] == CAPTION:
        raise ValueError(f"the reference caption of {row['item_id']} names no modality: {reference!r}")
    for name, scorer in FACT_SCORERS.items():
        if name in wanted:
            named = found.get(name)
            status = "ok" if named else "unparsed"
            yield score_of(row, scorer, parsed=named, status=status, correct=int(named == wanted[name]))


def _rouge() -> Any:
    global _scorer
    if _scorer is None:
        from rouge_score.rouge_scorer import RougeScorer

        _scorer = RougeScorer(["rougeL"], use_stemmer=False)
    return _scorer


_scorer: Any = None
