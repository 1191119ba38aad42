"""Groups of words are those of one text."""

from components.assembly.selection.word_groups import word_groups


def test_groups_do_not_reach_from_one_text_into_the_next() -> None:
    apart, together = word_groups(["one two", "three four"], 2), word_groups(["one two three four"], 2)
    assert apart.owner.tolist() == [0, 1] and together.owner.tolist() == [0, 0, 0]
    assert set(apart.hash) < set(together.hash)
    assert len(word_groups(["one two", "three"], 3).hash) == 0
    assert word_groups(["one", "one two", ""], 2, shorter=True).owner.tolist() == [0, 1]
