"""The scorer `unimed.vqa@1`: what a free answer to a question about an image says, and whether that is right.

Nothing is guessed: an answer that cannot be read is unparsed and counts as wrong. A change of a rule is a new scorer id.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

SCORER = "unimed.vqa@1"
CHOICE_SCORER = "unimed.choice-ll@1"

Status = Literal["ok", "unparsed", "abstained", "error"]

ABSTENTIONS = (
    "i don't know",
    "i do not know",
    "don't know",
    "do not know",
    "cannot be determined",
    "can't be determined",
    "cannot determine",
    "can't determine",
    "unable to",
    "unknown",
    "not sure",
    "uncertain",
    "i cannot",
    "i can't",
    "no answer",
    "insufficient information",
)
"""Versioned with the scorer: a new entry is a new scorer id."""

_YES = {"yes", "yeah", "yep", "true"}
_NO = {"no", "nope", "false"}
_DIGITS = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten".split())  # noqa: SIM905
}
_ARTICLES = {"a", "an", "the"}
_ANSWER = re.compile(r"(?i)\b(?:final answer|answer)\b\s*(?:is\b|:)\s*:?\s*")
_LONE_LETTER = re.compile(r"[(\[{]?\s*([A-Za-z])\s*[)\]}]?\s*[.:]?")
_LETTER_FIRST = re.compile(r"\(?([A-Z])[.):]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer was read as, and whether it is right. `value` holds token f1, precision and recall of open answers."""

    status: Status
    parsed: str | None
    correct: int
    value: Mapping[str, float] | None = None


def score_answer(response: str, *, answer_type: str, reference: str, options: Sequence[str]) -> Verdict:
    """The verdict on a response. Raises ValueError when a choice's reference is not among its options."""
    if answer_type == "choice":
        letters = [chr(ord("A") + index) for index in range(len(options))]
        if reference not in options:
            raise ValueError(f"the reference {reference!r} is not one of the options {list(options)}")
        return score_choice(response, dict(zip(letters, options, strict=True)), letters[list(options).index(reference)])
    if reference.strip().lower() in ("yes", "no"):
        return score_yes_no(response, reference.strip().lower())
    return score_open(response, reference)


def score_yes_no(response: str, reference: str) -> Verdict:
    """Yes or no: the first word decides, else the single polarity present anywhere; both or none is unparsed."""
    text = normalise(extract(response))
    if not text:
        return Verdict("unparsed", "", 0)
    if _abstains(text):
        return Verdict("abstained", text, 0)
    parsed = _polarity(text)
    if parsed is None:
        return Verdict("unparsed", None, 0)
    return Verdict("ok", parsed, int(parsed == reference))


def score_choice(response: str, options: Mapping[str, str], reference: str) -> Verdict:
    """One option, by its letter or by its text; `options` maps letters to texts and `reference` is a letter."""
    extracted = extract(response).strip()
    text = normalise(extracted)
    if not extracted:
        return Verdict("unparsed", "", 0)
    parsed = _chosen(extracted, text, options)
    if parsed is not None:
        return Verdict("ok", parsed, int(parsed == reference))
    return Verdict("abstained", text, 0) if _abstains(text) else Verdict("unparsed", None, 0)


def score_open(response: str, reference: str) -> Verdict:
    """Equality after normalisation; token f1, precision and recall on multisets stand in `value`."""
    text, expected = normalise(extract(response)), normalise(reference)
    if not text:
        return Verdict("unparsed", "", 0)
    status = "abstained" if _abstains(text) and text != expected else "ok"
    return Verdict(status, text, int(status == "ok" and text == expected), _overlap(text, expected))


def extract(response: str) -> str:
    """The part of a response that holds the answer: boxed, tagged, after 'answer is', or all of it."""
    text = unicodedata.normalize("NFKC", response).rpartition("</think>")[2]
    text = re.sub(r"<\|[^|<>]*\|>", "", text)
    boxed = _last_boxed(text)
    if boxed is not None:
        return boxed
    tagged = re.findall(r"<answer>(.*?)</answer>", text, flags=re.DOTALL)
    if tagged:
        return tagged[-1]
    plain = text.replace("*", "")
    matches = list(_ANSWER.finditer(plain))
    return plain[matches[-1].end() :] if matches else text


def normalise(text: str) -> str:
    """The text in the one spelling in which answers are compared."""
    text = text.lower().replace("’", "'").replace("‘", "'")
    text = re.sub(r"[*_`#~\"“”«»]", "", text)
    without = re.sub(r"\([^()]*\)", " ", text)
    text = without if without.strip() else text
    text = re.sub(r"\bx[ -]ray", "xray", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", text)
    text = re.sub(r"[^\w\s./%'-]", " ", text)
    words = (word for word in text.split() if word.strip("-/'"))
    return " ".join(_DIGITS.get(word, word) for word in words if word not in _ARTICLES)


def _abstains(text: str) -> bool:
    return any(text == entry or text.startswith(f"{entry} ") for entry in ABSTENTIONS)


def _polarity(text: str) -> str | None:
    words = re.findall(r"[a-z']+", text)
    for found in (words[:1], words):
        yes, no = bool(_YES.intersection(found)), bool(_NO.intersection(found))
        if yes != no:
            return "yes" if yes else "no"
    return None


def _chosen(extracted: str, text: str, options: Mapping[str, str]) -> str | None:
    letter = _LONE_LETTER.fullmatch(extracted) or _LETTER_FIRST.match(extracted)
    if letter:
        return letter[1].upper() if letter[1].upper() in options else None
    spelled = {key: normalise(option) for key, option in options.items()}
    equal = [key for key, option in spelled.items() if option == text]
    if len(equal) == 1:
        return equal[0]
    inside = [key for key, option in spelled.items() if f" {option} " in f" {text} "]
    return inside[0] if len(inside) == 1 else None


def _last_boxed(text: str) -> str | None:
    starts = [match.end() for match in re.finditer(r"\\boxed\{", text)]
    for start in reversed(starts):
        depth = 1
        for at in range(start, len(text)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                return text[start:at]
    return None


def _overlap(text: str, expected: str) -> dict[str, float]:
    found, wanted = Counter(text.split()), Counter(expected.split())
    common = sum((found & wanted).values())
    precision = common / max(sum(found.values()), 1)
    recall = common / max(sum(wanted.values()), 1)
    f1 = 2 * precision * recall / (precision + recall) if common else 0.0
    return {"f1": f1, "precision": precision, "recall": recall}
