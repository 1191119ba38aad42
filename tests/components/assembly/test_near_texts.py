"""Near texts are exactly those whose word groups overlap enough; a long run in common is found; neither crosses a denial."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from components.assembly.near_texts import GROUP, RUN, SHARE, NearTexts, near_pairs, shared_runs, word_groups

WORDS = [a + b for a in "bcdfgh" for b in "aeiou"]
REPORT = "the heart is enlarged and there is a small effusion on both sides with some fluid in the fissure"


def groups(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + GROUP]) for at in range(max(1, len(words) - GROUP + 1))}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_pairs_are_those_of_comparing_every_text_with_every_other(seed: int) -> None:
    draw = random.Random(seed)
    texts = [[draw.choice(WORDS) for _ in range(draw.randint(1, 25))] for _ in range(12)]
    for text in texts[:12]:
        changed = list(text)
        changed[draw.randrange(len(changed))] = draw.choice(WORDS)
        texts.append(changed)
    distinct = sorted({" ".join(text) for text in texts})
    expected = [
        (one, other)
        for one in range(len(distinct))
        for other in range(one + 1, len(distinct))
        if len(groups(distinct[one]) & groups(distinct[other]))
        >= SHARE * len(groups(distinct[one]) | groups(distinct[other]))
    ]
    assert sorted(near_pairs(distinct)) == expected


def test_a_number_a_side_or_a_denial_makes_another_statement() -> None:
    others = [
        REPORT.replace("both sides", "left sides"),
        REPORT.replace("a small", "no small"),
        REPORT.replace("small", "3mm"),
    ]
    assert near_pairs([REPORT, REPORT.replace("some", "much")]) == [(0, 1)]
    for other in others:
        assert near_pairs([REPORT, other]) == []


def test_the_first_that_was_said_in_these_words_or_nearly_so_is_found() -> None:
    near = NearTexts([REPORT, REPORT.replace("some", "much"), "another text altogether", ""])
    assert near.find(REPORT, {REPORT: "b", REPORT.replace("some", "much"): "a"}) == "a"
    assert near.find("another text altogether", {REPORT: "a"}) is None
    assert near.find("", {"": "a"}) is None


def test_a_long_run_of_words_is_found_inside_other_words_and_a_shorter_one_is_not() -> None:
    words = REPORT.split()
    hidden = "once upon a time " + " ".join(words[2 : 2 + RUN]) + " ever after"
    short = "once upon a time " + " ".join(words[2 : 1 + RUN]) + " ever after"
    assert shared_runs([hidden, short], ["nothing of it", REPORT]) == {hidden: REPORT}


def test_groups_do_not_reach_from_one_text_into_the_next() -> None:
    apart, together = word_groups(["one two", "three four"], 2), word_groups(["one two three four"], 2)
    assert apart.owner.tolist() == [0, 1] and together.owner.tolist() == [0, 0, 0]
    assert set(apart.hash) < set(together.hash)
    assert len(word_groups(["one two", "three"], 3).hash) == 0
    assert word_groups(["one", "one two", ""], 2, shorter=True).owner.tolist() == [0, 1]
