"""A long run of words in common gives an image away, unless it is how such things are worded."""

from components.assembly.selection.wording import FEW, OWN, PHRASE, RUN, Wording

REPORT = "the heart is enlarged and there is a small effusion on both sides with some fluid in the fissure"


def test_a_long_run_of_words_is_found_inside_other_words_and_a_shorter_one_is_not() -> None:
    words = REPORT.split()
    hidden = "once upon a time " + " ".join(words[2 : 2 + RUN]) + " ever after"
    short = "once upon a time " + " ".join(words[2 : 1 + RUN]) + " ever after"
    told = {text: {text} for text in (hidden, short, "nothing of it", REPORT)}
    assert Wording(told, ["nothing of it", REPORT]).shared_runs() == {hidden: REPORT, REPORT: REPORT}


def test_a_run_that_is_said_of_more_than_a_few_images_does_not_count() -> None:
    texts = [f"{REPORT} number {name}" for name in ("one", "two", "three", "four", "five", "six")]

    def found(count: int, images: int) -> set[str]:
        told = {text: {str(number % images)} for number, text in enumerate(texts[:count])}
        return set(Wording(told, [texts[0]]).shared_runs())

    assert found(FEW, FEW) == set(texts[:FEW])
    assert found(FEW + 1, FEW + 1) == set()
    assert found(FEW + 1, FEW) == set(texts), "several captions of one image count once"


def test_words_of_a_start_that_many_share_and_a_few_more_give_nothing_away() -> None:
    start = "the image is a scan of the chest of adults which shows"
    ends = (
        "a pale area in a wide and",
        "a pale area in a long and",
        *(f"{name} area in a wide and" for name in "bcdefg"),
    )
    own = " ".join(f"word{number}" for number in range(RUN))
    texts = [f"{start} {end} {'abcdefgh'[at] * 3} {own if at < 2 else at}" for at, end in enumerate(ends)]
    told = {text: {text} for text in texts}
    assert len(start.split()) < RUN, "no run of its own"
    only = [text.replace(own, str(at)) for at, text in enumerate(texts)]
    assert set(Wording({text: {text} for text in only}, [only[0]]).shared_runs()) <= {only[0]}
    assert set(Wording(told, [texts[0]]).shared_runs()) == {texts[0], texts[1]}, "own words in a row do"


def test_a_text_is_told_by_words_beside_the_phrases_of_many() -> None:
    phrase = " ".join("abcdef"[:PHRASE])
    few, many = (
        f"{phrase} {' '.join(f'{name}{n}' for n in range(count))}" for name, count in (("x", OWN - 1), ("y", OWN))
    )
    told = {text: {text} for text in (few, many, *(f"{phrase} {name}" for name in "pqrst"))}
    assert Wording(told, [few, many]).own_texts() == [many]
    assert Wording({few: {few}, many: {many}}, [few, many]).own_texts() == [few, many]
