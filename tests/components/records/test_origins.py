"""Every fact knows who says it."""

from components.records.origins import FOUND_BY_TOOL, origins, with_origins


def test_a_fact_comes_from_where_its_adapter_says_else_from_where_such_facts_come() -> None:
    facts = {"plane": "axial", "colour": "no", "findings": "effusion", "tumour": "no", "comparison": "none"}
    assert origins(facts, {}) == {
        "plane": "geometry", "colour": "pixels", "findings": "label", "tumour": "label", "comparison": "text",
    }  # fmt: skip
    assert origins(facts, FOUND_BY_TOOL)["findings"] == "tool" and "absent_findings" not in origins(
        facts, FOUND_BY_TOOL
    )


def test_a_line_for_a_person_names_each_origin_and_none_that_is_not_known() -> None:
    assert with_origins({"b": "1", "a": "x"}, {"a": "tool"}) == "a x (tool), b 1"
