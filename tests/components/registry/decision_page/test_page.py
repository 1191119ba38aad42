"""The decision page: every figure on it is made again by other code, from the predictions alone."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from components.evaluation.captions import score_caption
from components.evaluation.decision_table import decision_table
from components.evaluation.predictions import (
    PLAIN,
    SHUFFLED,
    PredictionHeader,
    prediction_row,
    read_predictions,
    write_predictions,
)
from components.evaluation.scores import write_scores
from components.evaluation.vqa_scoring import score_vqa
from components.recipes.gate import GateSettings
from components.registry.decision_page.page import page_path, render, write_page
from components.registry.decision_page.worst import Side, worst_items
from components.registry.decisions import GENESIS, Decision
from components.registry.judgement import keep_judgement, kept_judgements, read_judgement
from components.registry.verdict import Facts, verdict
from components.storage.workspace import Workspace
from tests.components.evaluation.material import item, png
from tests.components.registry.tables import row, table

PATIENTS, EACH = 14, 4
SETTINGS = GateSettings(kind="refresh", margin=0.1, cluster="patient", demonstrative=False)
HEADER = PredictionHeader(
    dataset_id="d", benchmark_id="b", benchmarks={}, decoding={"vqa": "greedy"}, weights_sha256="", checkpoint="c"
)


def exam():
    """Closed and open questions and captions about fourteen patients, two of them lent."""
    for number in range(PATIENTS * EACH):
        patient = number % PATIENTS
        about = {
            "patient_key": f"secret-{patient}",
            "record_id": f"{'lent' if patient < 2 else 'ours'}/r{number}",
            "image": png(number),
        }
        yield item(number, answer_type="closed", options=("yes", "no"), reference=("yes", "no")[number % 2], **about)
        yield replace(item(number, answer_type="open", options=(), **about), item_id=f"vqa/open-{number:03d}")
        caption = item(number, benchmark="caption", answer_type="caption", question_type="caption", **about)
        yield replace(caption, item_id=f"caption/{number:03d}", reference="An axial CT slice of the brain.", options=())


def answers(weights: str, skill: int):
    """Predictions that are right where a draw says so; another image's answers are right half the time."""
    draw = np.random.default_rng(skill)
    wrong = {"closed": {"yes": "no", "no": "yes"}, "open": {"CT": "ultrasound"}}
    for one in exam():
        for variant in (PLAIN, SHUFFLED):
            right = draw.random() < (0.9 - 0.15 * skill if variant == PLAIN else 0.5)
            said = one.reference
            if not right:
                kinds = wrong.get(one.answer_type)
                said = kinds[one.reference] if kinds else "A coronal MRI slice of the brain."
            yield prediction_row(
                one,
                variant=variant,
                seed=0,
                image=b"x",
                response_raw=said,
                finish_reason="stop",
                weights_sha256=weights,
            )


def make_side(folder: Path, weights: str, skill: int) -> Side:
    rows = [row for row in answers(weights, skill) if row["benchmark"] == "vqa" or row["variant"] == PLAIN]
    write_predictions(folder / "predictions", rows, replace(HEADER, weights_sha256=weights))
    scores = [s for row in rows for s in (score_vqa(row) if row["benchmark"] == "vqa" else score_caption(row))]
    protocol = {"benchmark_id": "b", "decoding": {"vqa": "greedy"}, "weights_sha256": weights}
    write_scores(folder / "scores", scores, protocol)
    return Side(folder / "scores", folder / "predictions")


@pytest.fixture
def page(tmp_path):
    """(the page's text, challenger's and champion's sides)."""
    sides = make_side(tmp_path / "new", "n" * 64, 1), make_side(tmp_path / "old", "o" * 64, 0)
    table = decision_table(sides[0].scores, sides[1].scores, cluster="patient", demonstrative=False)
    workspace = Workspace(tmp_path)
    keep_judgement(
        workspace,
        version=7,
        champion=5,
        table=table,
        facts=Facts(),
        verdict=verdict(table, SETTINGS, Facts()),
        worst=worst_items(*sides, {one.item_id: one for one in exam()}, lent=("lent",)),
    )
    assert kept_judgements(workspace) == [7]
    decided = Decision(
        action="hold",
        version=7,
        weights_sha256="n" * 64,
        who="ada",
        why="looked <twice>",
        evidence={},
        sequence=1,
        at="2026-01-01T00:00:00.000+00:00",
        champion_before=5,
        previous_hash=GENESIS,
    )
    opening = {"at": "2026-01-01", "weights_sha256": "n" * 64, "exam": "v1", "who": "ada", "why": "registered"}
    path = write_page(workspace, read_judgement(workspace, 7), [decided, replace(decided, version=3)], [opening])
    assert path == page_path(workspace, 7)
    return path.read_text(), *sides


def _table(page: str) -> str:
    return page.partition('id="table"')[2]


def cells(page: str, name: str) -> list[str]:
    """The cells of the row of that name: challenger, champion, difference, margin, detectable, patients, items, rule."""
    found = re.search(rf"<tr class=\"\w+\"[^>]*><td>[^<]* <code>{re.escape(name)}</code></td>(.*?)</tr>", _table(page))
    assert found is not None, f"no row {name}"
    return [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1])]


def recomputed(sides, kind: str, patients: set[str] | None = None):
    """Challenger, champion, difference, low, high, items, patients: from the raw answers, in plain loops."""
    right: list[dict[str, float]] = []
    patient = {}
    for side in sides:
        _, rows = read_predictions(side.predictions)
        chosen = [
            r for r in rows if r["variant"] == PLAIN and (kind in (r["answer_type"], "") and r["benchmark"] == "vqa")
        ]
        chosen = [r for r in chosen if patients is None or r["patient_key"] in patients]
        right.append({row["item_id"]: float(row["response_raw"] == row["reference"]) for row in chosen})
        patient |= {row["item_id"]: row["patient_key"] for row in chosen}
    differences = {name: right[0][name] - right[1][name] for name in right[0]}
    names = sorted({patient[name] for name in differences})
    k, mean = len(names), sum(differences.values()) / len(differences)
    spread = 0.0
    for left_out in names:
        rest = [value for name, value in differences.items() if patient[name] != left_out]
        spread += (sum(rest) / len(rest) - mean) ** 2
    error = (spread * (k - 1) / k + 2 / k**2) ** 0.5
    half = stats.t.ppf(0.975, k - 1) * error
    shares = [sum(side.values()) / len(side) for side in right]
    return *shares, mean, mean - half, mean + half, len(differences), k


@pytest.mark.parametrize("kind", ["closed", "open", ""])
def test_figures_of_answers_are_those_that_the_predictions_give(page, kind):
    text, *sides = page
    challenger, champion, difference, low, high, items, patients = recomputed(sides, kind)
    row = cells(text, f"answers/{kind}".rstrip("/"))
    assert row[0].startswith(f"{challenger:.3f} (") and row[1] == f"{champion:.3f}"
    assert row[2] == f"{difference:+.3f} ({low:+.3f} to {high:+.3f})"
    assert (row[6], row[5]) == (str(items), str(patients))


def test_figures_of_a_subgroup_are_those_of_its_patients(page):
    text, *sides = page
    _, _, difference, low, high, items, patients = recomputed(sides, "", {f"secret-{n}" for n in range(2, PATIENTS)})
    row = cells(text, "answers source=ours")
    assert row[2] == f"{difference:+.3f} ({low:+.3f} to {high:+.3f})"
    assert (row[6], row[5]) == (str(items), str(patients))


def test_the_worst_items_show_both_sides_and_nothing_that_was_lent(page):
    text, challenger, _ = page
    worst = text.partition('id="worst"')[2].partition('id="openings"')[0]
    shown = set(re.findall(r"<code>(.*?)</code>", worst))
    _, rows = read_predictions(challenger.predictions)
    of_lent = {row["item_id"] for row in rows if row["record_id"].startswith("lent/")}
    assert len(shown) == 9 and not shown & of_lent
    assert "An axial CT slice of the brain." in worst and "A coronal MRI slice of the brain." in worst
    assert "-1.000" in worst and worst.count("data:image/png") >= 9


def test_the_page_says_what_was_opened_and_decided_and_names_no_patient(page):
    text, *_ = page
    assert "against champion 5" in text and "what would have to change" in text
    assert "ada (claimed)" in text and "registered" in text
    assert "looked &lt;twice&gt;" in text, "what people write is text, not markup"
    assert text.count("<td>hold</td>") == 1, "the history is this version's alone"
    assert "secret-" not in text and 'src="http' not in text


def test_the_first_screen_says_what_stands_in_the_way_on_how_many_patients_and_what_to_do(page):
    first, _, _ = page[0].partition('id="table"')
    assert 'class="hold"' in first
    assert re.search(r'<p class="lead">Nothing is shown to fail, and \d+ rules of \d+ could not be decided', first)
    assert f"of the exam, about {PATIENTS} patients" in first and "shown worse" in first
    open_ = re.findall(r'<tr class="(fail|undecided)".*?<code>(.*?)</code>', first)
    assert ("undecided", "answers/closed") in open_ and ("undecided", "captions") in open_
    assert re.search(r"<code>unimed approve 7 --evidence [0-9a-f]{12} --why ", first)


def test_what_failed_stands_before_what_is_open_and_a_promotion_shows_what_is_nearest_to_its_margin(tmp_path):
    def first(*rows):
        made = table(*rows)
        said = verdict(made, SETTINGS, Facts())
        keep_judgement(Workspace(tmp_path), version=1, champion=2, table=made, facts=Facts(), verdict=said, worst=[])
        return render(read_judgement(Workspace(tmp_path), 1), []).partition('id="table"')[0]

    refused = first(row("captions", patients=20), row("drawing", difference=-0.3))
    assert re.findall(r'<tr class="(\w+)".*?<code>(.*?)</code>', refused) == [
        ("fail", "drawing"),
        ("undecided", "captions"),
    ]
    assert "1 rule of " in refused and "unimed promote 1 --why" in refused
    promoted = first(row("captions"), row("drawing", difference=-0.04), row("reports", difference=0.05))
    shown = [name for _, name in re.findall(r'<tr class="(\w+)".*?<code>(.*?)</code>', promoted)]
    assert shown == ["control/majority", "control/image", "drawing", "captions", "reports"]
    assert "unimed rollback --why" in promoted


def test_a_page_without_a_champion_compares_nothing(page, tmp_path):
    _, challenger, _ = page
    table = decision_table(challenger.scores, None, cluster="patient", demonstrative=False)
    workspace = Workspace(tmp_path)
    found = verdict(table, SETTINGS, Facts())
    worst = worst_items(challenger, None, {one.item_id: one for one in exam()})
    keep_judgement(workspace, version=1, champion=None, table=table, facts=Facts(), verdict=found, worst=worst)
    text = render(read_judgement(workspace, 1), [])
    assert "without a champion" in text and len(cells(text, "answers/closed")) == 4
    assert len(worst) == 9 and all(one["champion"] is None for one in worst)
