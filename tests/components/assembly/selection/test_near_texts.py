"""Near texts are exactly those whose word groups overlap enough; a long run in common is found; neither crosses a denial."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from components.assembly.selection import near_texts
from components.assembly.selection.near_texts import (
    CHANGED,
    CHANGED_OF,
    FEW,
    GROUP,
    RUN,
    SHARE,
    NearTexts,
    near_pairs,
    shared_runs,
    word_groups,
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


def test_a_long_run_of_words_is_found_inside_other_words_and_a_shorter_one_is_not() -> None:
    words = REPORT.split()
    hidden = "once upon a time " + " ".join(words[2 : 2 + RUN]) + " ever after"
    short = "once upon a time " + " ".join(words[2 : 1 + RUN]) + " ever after"
    told = {text: {text} for text in (hidden, short, "nothing of it", REPORT)}
    assert shared_runs(told, ["nothing of it", REPORT]) == {hidden: REPORT, REPORT: REPORT}


def test_a_run_that_is_said_of_more_than_a_few_images_does_not_count() -> None:
    texts = [f"{REPORT} number {name}" for name in ("one", "two", "three", "four", "five", "six")]

    def found(count: int, images: int) -> set[str]:
        told = {text: {str(number % images)} for number, text in enumerate(texts[:count])}
        return set(shared_runs(told, [texts[0]]))

    assert found(FEW, FEW) == set(texts[:FEW])
    assert found(FEW + 1, FEW + 1) == {texts[0]}, "what it alone says"
    assert found(FEW + 1, FEW) == set(texts), "several captions of one image count once"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([*WORDS[:6], "left", "no"]), min_size=1, max_size=14), st.integers(0, 2**32 - 1))
def test_one_pair_is_near_where_the_search_finds_it(words: list[str], seed: int) -> None:
    draw = random.Random(seed)
    other = list(words)
    for _ in range(draw.randint(0, 3)):
        other[draw.randrange(len(other))] = draw.choice(WORDS[:6])
    one, two = sorted((" ".join(words), " ".join(other)))
    assert one == two or is_near_pair(one, two) == bool(near_pairs([one, two]))


def test_groups_do_not_reach_from_one_text_into_the_next() -> None:
    apart, together = word_groups(["one two", "three four"], 2), word_groups(["one two three four"], 2)
    assert apart.owner.tolist() == [0, 1] and together.owner.tolist() == [0, 0, 0]
    assert set(apart.hash) < set(together.hash)
    assert len(word_groups(["one two", "three"], 3).hash) == 0
    assert word_groups(["one", "one two", ""], 2, shorter=True).owner.tolist() == [0, 1]


def test_a_large_corpus_is_compared_in_parts_and_gives_the_same_pairs(monkeypatch) -> None:
    texts = reports(random.Random(5), 200)
    whole = near_pairs(texts)
    assert len(whole) >= 200
    monkeypatch.setattr(near_texts, "_PART", 4000)
    assert near_pairs(texts) == whole
