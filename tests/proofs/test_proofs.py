"""The runner of the long proofs, on short programs; and the table of parity, on sets of its own."""

import sys

import pytest
import torch

from tests.parity import __main__ as parity
from tests.parity.comparison import Comparison, ParitySet
from tests.proofs import __main__ as proofs
from tests.proofs.outcome import NOT_TRIED


@pytest.fixture
def programs(monkeypatch):
    """programs(name=(exit status, last line), …) stand for the proofs."""

    def stand(**ends: tuple[int, str]) -> None:
        scripts = {
            name: f"print('at work')\nprint({said!r})\nraise SystemExit({status})"
            for name, (status, said) in ends.items()
        }
        monkeypatch.setattr(proofs, "NAMES", sorted(scripts))
        monkeypatch.setattr(proofs, "command", lambda name, options: [sys.executable, "-c", scripts[name], *options])

    return stand


def test_the_proofs_are_all_there():
    assert {"gpu", "kill"} <= set(proofs.NAMES) and "outcome" not in proofs.NAMES


def test_every_proof_runs_and_is_counted_once_with_its_last_line(programs, capfd):
    programs(
        a=(0, "weights equal"), b=(1, "weights DIFFER"), c=(NOT_TRIED, "no GPU"), d=(0, "all there"), e=(-9, "killed")
    )
    assert proofs.main([]) == 1
    said = capfd.readouterr().out
    assert said.splitlines()[-1] == "2 passed, 2 failed, 1 not tried"
    assert all(words in said for words in ("weights equal", "weights DIFFER", "no GPU", "== e"))


def test_one_proof_alone(programs, capfd):
    programs(a=(0, "weights equal"), b=(1, "weights DIFFER"))
    assert proofs.main(["a"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 not tried"
    assert proofs.main(["c"]) == 2 and "no proof is called c; there are a, b" in capfd.readouterr().err


def test_what_is_not_tried_is_no_failure(programs, capfd):
    programs(a=(NOT_TRIED, "no GPU"))
    assert proofs.main([]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 0 failed, 1 not tried"


@pytest.mark.parametrize(("share", "status", "line"), [(1, 0, "2 passed, 0 failed"), (3, 1, "1 passed, 1 failed")])
def test_paritys_table_ends_with_the_same_line(monkeypatch, capsys, share, status, line):
    wanted, compared = torch.zeros(2, 3), [("a", 1), ("b", share)]
    sets = [
        ParitySet(name, "", lambda apart=apart: iter([Comparison("states", wanted + 1e-6 * apart, wanted, 2e-6)]))
        for name, apart in compared
    ]
    monkeypatch.setattr(parity, "SETS", sets)
    assert parity.main([]) == status
    assert capsys.readouterr().out.splitlines()[-1] == f"{line}, 0 not tried"
