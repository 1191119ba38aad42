"""Near texts are exactly those whose word groups overlap enough; a long run in common is found; neither crosses a denial."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from components.assembly.selection import near_texts
from components.assembly.selection.near_texts import (
    CHANGED,
    CHANGED_OF,
    GROUP,
    SHARE,
    NearTexts,
    near_pairs,
)
from components.assembly.selection.near_texts import (
    are_near as is_near_pair,
)

WORDS = [a + b for a in "bcdfgh" for b in "aeiou"]
REPORT = "the heart is enlarged and there is a small effusion on both sides with some fluid in the fissure"


def reports(draw: random.Random, count: int) -> list[str]:
    """Sentences with a deciding word each, every second one a copy with a word changed."""
    found = []
    for _ in range(count):
        words = [draw.choice(WORDS) for _ in range(14)] + [draw.choice(("left", "right", "no", "mild"))]
        found += [" ".join(words), " ".join(["changed", *words[1:]])]
    return sorted(set(found))


def groups(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + GROUP]) for at in range(max(1, len(words) - GROUP + 1))}


def changed_words(one: list[str], other: list[str]) -> int:
    """Words to exchange, put in or leave out (the edit distance, by its table)."""
    row = list(range(len(other) + 1))
    for at, word in enumerate(one):
        before, row = row, [at + 1]
        for k, second in enumerate(other):
            row.append(min(before[k] + (word != second), before[k + 1] + 1, row[k] + 1))
    return row[-1]


def are_near(one: str, other: str) -> bool:
    if len(groups(one) & groups(other)) >= SHARE * len(groups(one) | groups(other)):
        return True
    words, others = one.split(), other.split()
    return changed_words(words, others) <= min(CHANGED, len(words) // CHANGED_OF, len(others) // CHANGED_OF)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_pairs_are_those_of_comparing_every_text_with_every_other(seed: int) -> None:
    draw = random.Random(seed)
    texts = [[draw.choice(WORDS) for _ in range(draw.randint(1, 25))] for _ in range(12)]
    for text in texts[:12]:
        changed = list(text)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(changed))
            changed[at : at + draw.randint(0, 1)] = [draw.choice(WORDS)] * draw.randint(0, 1) or changed[at : at + 1]
        texts.append(changed)
    distinct = sorted({" ".join(text) for text in texts})
    expected = [
        (one, other)
        for one in range(len(distinct))
        for other in range(one + 1, len(distinct))
        if are_near(distinct[one], distinct[other])
    ]
    assert sorted(near_pairs(distinct)) == expected


def test_two_exchanged_words_of_eight_are_near_and_three_are_not() -> None:
    said = "one could see some very fine thin lines"
    assert near_pairs([said, "one can see some very pale thin lines"]) == [(0, 1)]
    assert near_pairs([said, "one can see few very pale thin lines"]) == []
    assert near_pairs(["could see some very fine thin lines", "can see some very pale thin lines"]) == [], (
        "two of seven"
    )


def test_a_word_that_decides_makes_another_statement() -> None:
    others = [
        REPORT.replace("both sides", "left sides"),
        REPORT.replace("a small", "no small"),
        REPORT.replace("small", "3mm"),
        REPORT.replace("effusion", "pneumothorax"),
        REPORT.replace("heart", "spleen"),
    ]
    assert near_pairs([REPORT, REPORT.replace("some", "much")]) == [(0, 1)]
    assert near_pairs([REPORT, REPORT.replace("effusion", "effusions")]) == [(0, 1)]
    for other in others:
        assert near_pairs([REPORT, other]) == []


def test_the_order_of_sides_and_denials_decides_that_of_places_does_not() -> None:
    said = "there is no change in the left lung and the right lung is as it was some weeks ago"
    assert near_pairs([said, said.replace("is as it was", "is not as it was")]) == []
    over = said.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right")
    assert near_pairs([said, over]) == []
    asked = "what is an inflammation of the aorta that was caused by a bacterium"
    assert near_pairs([asked, "the aorta what is an inflammation of that was caused by a bacterium"]) == [(0, 1)]


def test_what_is_said_in_these_words_or_nearly_so_is_found() -> None:
    near = NearTexts([REPORT, REPORT.replace("some", "much"), "another text altogether", ""])
    assert near.of(REPORT) == (REPORT, REPORT.replace("some", "much"))
    assert near.of("another text altogether") == ("another text altogether",)
    assert near.of("") == ()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([*WORDS[:6], "left", "no"]), min_size=1, max_size=14), st.integers(0, 2**32 - 1))
def test_one_pair_is_near_where_the_search_finds_it(words: list[str], seed: int) -> None:
    draw = random.Random(seed)
    other = list(words)
    for _ in range(draw.randint(0, 3)):
        other[draw.randrange(len(other))] = draw.choice(WORDS[:6])
    one, two = sorted((" ".join(words), " ".join(other)))
    assert one == two or is_near_pair(one, two) == bool(near_pairs([one, two]))


def test_a_large_corpus_is_compared_in_parts_and_gives_the_same_pairs(monkeypatch) -> None:
    texts = reports(random.Random(5), 200)
    whole = near_pairs(texts)
    assert len(whole) >= 200
    monkeypatch.setattr(near_texts, "_PART", 4000)
    assert near_pairs(texts) == whole
