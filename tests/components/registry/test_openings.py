"""Who opened the exam, when and what for."""

from components.registry.openings import WHO, WHY, open_exam, openings


def test_an_opening_says_who_and_why_and_the_first_stands_first(workspace, monkeypatch):
    assert openings(workspace) == []
    open_exam(workspace, "exam-1", 1, "a" * 64)
    monkeypatch.setenv(WHO, "gate")
    monkeypatch.setenv(WHY, "version 2 is judged")
    open_exam(workspace, "exam-2", 2, "b" * 64)
    first, second = openings(workspace)
    assert (first.exam, first.version, first.weights_sha256, first.why) == ("exam-1", 1, "a" * 64, "by hand")
    assert (second.who, second.why) == ("gate", "version 2 is judged") and first.at <= second.at
    assert openings(workspace, "exam-2") == [second]
