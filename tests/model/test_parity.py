"""Our network gives what the published one gave; `make parity` shows the same sets as a table."""

import json

import pytest
import torch

from tests.parity import __main__ as table
from tests.parity.comparison import Comparison, ParitySet
from tests.parity.sets import SETS


@pytest.mark.parametrize("parity_set", SETS, ids=lambda parity_set: parity_set.name)
def test_what_we_compute_equals_what_was_published(parity_set):
    over = [
        f"{comparison.name}: {comparison.difference:.3g} against {comparison.allowed:.3g}"
        for comparison in parity_set.compare()
        if not comparison.agrees
    ]
    assert not over


@pytest.mark.parametrize(("found", "code"), [(0.1, 0), (0.3, 1), (float("nan"), 1)])
def test_the_table_names_what_is_over_and_fails_for_it_alone(monkeypatch, capsys, found, code):
    def states():
        yield Comparison("ids", [1], [1])
        yield Comparison("logits", torch.tensor([1.0 + found, 1.0]), torch.ones(2), 0.2)

    monkeypatch.setattr(table, "SETS", (ParitySet("states", "", states),))
    assert table.main(["--json"]) == code
    (first,) = json.loads(capsys.readouterr().out)
    assert (first["over"], first["tensors"], first["worst"]) == (["logits"] * code, 2, "logits")


def test_other_shapes_are_infinitely_far():
    assert Comparison("x", torch.ones(2, 3), torch.ones(3, 2), 1.0).difference == float("inf")
