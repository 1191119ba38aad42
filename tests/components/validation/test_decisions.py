import pytest

from components.validation.decisions import CuratorDecision, add_decision, read_decisions


def test_the_last_decision_on_a_record_holds(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text("")
    assert read_decisions(path) == {}
    first = CuratorDecision(id="s/a", decision="accept", by="kim", reason="fine")
    last = CuratorDecision(id="s/a", decision="reject", by="lee", reason="not fine, Zoë")
    add_decision(path, first)
    add_decision(path, last)
    assert read_decisions(path) == {"s/a": last}
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "line", ["{", '{"id": "a"}', '{"id": "a", "decision": "keep", "by": "k", "reason": "r"}', "[]"]
)
def test_broken_line_is_named(tmp_path, line):
    path = tmp_path / "s.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(ValueError, match=r"s\.jsonl line 2"):
        read_decisions(path)
