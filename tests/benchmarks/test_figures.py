"""The form that every benchmark's figures have; the long programs are asked for their form without being run."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.benchmarks import __main__ as bench
from tests.benchmarks.contest import Contest
from tests.benchmarks.figures import FIELDS, Figure, plain, report, within

QUICK = {
    "hashes": ["--hashes", "2000", "--turns", "1"],
    "hostile": ["--only", "truncated JPEG"],
    "growth": ["200", "400"],
    "gpu": [],
}
"""Programs that take seconds with these arguments."""
FIGURE = Figure(name="it.rate", value=3.0, unit="images/s", peer="another", peer_value=2.0, ratio=1.5, goal=1.2)


def printed(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_programs_are_all_there():
    wanted = {"curation", "data", "gpu", "growth", "hashes", "hostile", "identity", "large_images", "model", "retrain"}
    assert wanted <= set(bench.NAMES)


@pytest.mark.parametrize("name", bench.NAMES)
def test_a_program_reports_under_its_own_name_and_measures_only_when_it_is_read(name, monkeypatch, capsys):
    program, asked = importlib.import_module(f"tests.benchmarks.{name}"), []
    monkeypatch.setattr(program, "report", lambda *given, **known: asked.append(given) or 7)
    assert program.main([]) == 7, "its exit status is the report's"
    ((said, figures),) = asked
    assert said == name and isinstance(figures, Iterator) and capsys.readouterr().out == ""


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_program_prints_figures_alone_and_words_beside_them(name, capsys):
    program = importlib.import_module(f"tests.benchmarks.{name}")
    code = program.main(QUICK[name])
    said = capsys.readouterr()
    figures = printed(said.out)
    assert code == int(any(figure["met"] is False for figure in figures))
    for figure in figures:
        assert tuple(figure) == FIELDS
        assert str(figure["name"]).startswith(f"{name}.") and plain(str(figure["name"]).replace(".", " "))
        assert figure["goal"] is None or figure["met"] is (figure["ratio"] >= figure["goal"])
        assert str(figure["name"]) in said.err
    assert said.err and (figures or name == "gpu")


def test_a_missed_goal_shows_in_the_exit_status_after_all_have_run(capsys):
    missed = replace(FIGURE, name="it.slow", ratio=1.1)
    assert report("it", [missed, FIGURE]) == 1
    said = capsys.readouterr()
    assert [figure["met"] for figure in printed(said.out)] == [False, True]
    assert "it.slow: 3 images/s beside 2 of another: 1.1, goal 1.2: NOT met" in said.err
    assert report("it", [FIGURE, replace(FIGURE, name="it.known", goal=None)]) == 0
    assert printed(capsys.readouterr().out)[1]["met"] is None


def test_work_that_went_wrong_meets_no_goal_however_quick_it_was():
    assert within("it.seconds", 0.1, "s", 1.0, is_right=False).is_met is False
    assert replace(FIGURE, goal=None, is_right=False).is_met is False


def test_a_limit_is_kept_by_what_fits_into_it():
    figures = [within("it.bytes", value, "bytes", 10.0) for value in (0.0, 5.0, 10.0, 11.0)]
    assert [figure.is_met for figure in figures] == [True, True, True, False]
    assert figures[1].ratio == 2.0 and figures[1].peer == "the limit"


def test_another_programs_name_is_refused(capsys):
    with pytest.raises(ValueError, match=r"figure 'it\.rate' of other: a figure's name begins with 'other\.'"):
        report("other", [FIGURE])


def test_two_figures_of_one_name_are_refused(capsys):
    with pytest.raises(ValueError, match=r"two figures of it are called 'it\.rate'"):
        report("it", [FIGURE, FIGURE])


def test_what_is_printed_while_measuring_is_no_figure(capsys):
    def measured() -> Iterator[Figure]:
        print("a library's greeting")
        yield FIGURE

    report("it", measured())
    said = capsys.readouterr()
    assert printed(said.out)[0]["name"] == "it.rate" and "a library's greeting" in said.err


def test_a_contest_takes_turns_and_its_ratio_is_the_median_of_theirs():
    ours, peer = iter([0, 2.0, 9.0, 4.0]), iter([0, 1.0, 3.0, 4.0])
    figure = Contest(
        name="it.rate", peer_name="another", unit="1/s", goal=2.0, ours=lambda: next(ours), peer=lambda: next(peer)
    ).run(3)
    assert (figure.value, figure.peer_value, figure.ratio) == (4.0, 3.0, 2.0) and figure.is_met


@pytest.mark.parametrize(
    ("figures", "status", "code", "words"),
    [
        ([FIGURE], 0, 0, "1 goals met, 0 missed, 0 figures without a goal"),
        ([FIGURE, replace(FIGURE, ratio=0.1)], 1, 1, "1 goals met, 1 missed"),
        ([replace(FIGURE, goal=None)], 3, 1, "ended before their figures were there: model"),
    ],
)
def test_all_programs_write_one_file_and_one_status(figures, status, code, words, tmp_path, monkeypatch, capsys):
    script = tmp_path / "program.py"
    lines = [json.dumps(figure.to_json()) for figure in figures]
    script.write_text(f"print({chr(10).join(lines)!r})\nraise SystemExit({status})\n")
    monkeypatch.setattr(bench, "command", lambda name: ["python3", str(script)])
    assert bench.main(["model"], out=tmp_path / "bench.jsonl") == code
    said = capsys.readouterr()
    assert printed((tmp_path / "bench.jsonl").read_text()) == printed(said.out) == list(map(Figure.to_json, figures))
    assert words in said.err


def test_a_program_that_does_not_exist_is_named(capsys):
    assert bench.main(["modle"]) == 2
    assert "no benchmark is called modle; there are curation, data" in capsys.readouterr().err
