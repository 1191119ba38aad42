"""Shares of a run's time: every instant is somebody's, once."""

import random

import pytest

from components.storage.spans import Span
from flows.spent import shares


def test_the_innermost_span_has_the_instant_and_what_none_holds_is_the_rest():
    spans = [
        Span("prefect", 1.0, 9.0),
        Span("dvc", 2.0, 8.0, "judge"),
        Span("imports", 2.5, 7.5, "judge"),  # the process, from its start
        Span("work", 4.0, 7.5, "judge"),
        Span("imports", 5.0, 5.5, "judge"),  # in the middle of its work
        Span("imports", 6.0, 6.0, "judge"),
    ]
    found = {kind: seconds for kind, seconds in shares(spans, 0.0, 10.0).items() if seconds}
    assert found == pytest.approx({"rest": 2.0, "prefect": 2.0, "dvc": 1.0, "imports": 2.0, "work": 3.0})


def test_lanes_that_run_side_by_side_have_equal_parts_and_the_run_itself_waits():
    spans = [
        Span("prefect", 0.0, 10.0),
        Span("work", 1.0, 5.0, "validate@a"),
        Span("imports", 3.0, 7.0, "validate@b"),
    ]
    found = shares(spans, 0.0, 10.0)
    assert (found["work"], found["imports"], found["prefect"]) == (3.0, 3.0, 4.0)


def test_shares_add_up_to_the_wall_time_whatever_the_spans():
    draw = random.Random(3)
    for _ in range(50):
        spans = []
        for _ in range(40):
            begin, kind = draw.uniform(-2, 12), draw.choice(["work", "imports", "dvc", "mlflow"])
            spans.append(Span(kind, begin, begin + draw.choice([0, 0.5, 4]), draw.choice(["", "a", "b"])))
        assert sum(shares(spans, 0.0, 10.0).values()) == pytest.approx(10.0)
