"""The decision table: which items make which row, paired, clustered, and the same after a trip through JSON."""

import json
from dataclasses import replace

import pytest

from components.evaluation.answers import CHOICE_SCORER, SCORER
from components.evaluation.captions import FACT_SCORERS
from components.evaluation.copied import FRESH_SCORER
from components.evaluation.decision_table import Table, decision_table
from components.evaluation.drawing_scoring import MEAN_IMAGE
from components.evaluation.images import PSNR_SCORER
from components.evaluation.predictions import GREY, PLAIN, SHUFFLED
from components.evaluation.scores import Score, write_scores
from components.evaluation.vqa_scoring import F1_SCORER
from components.storage.atomic import write_json

PROTOCOL = {"benchmark_id": "b", "decoding": {"vqa": "greedy"}}


def score(number: int, patient: int, correct: int | None = 1, **changes) -> Score:
    base = Score(
        item_id=f"vqa/{number:03d}",
        variant=PLAIN,
        seed=0,
        scorer_id=SCORER,
        benchmark="vqa",
        split="test",
        question_type="modality",
        answer_type="closed",
        modality="CT",
        anatomy="brain",
        patient_key=f"p{patient}",
        record_id=f"one/r{number}",
        reference="yes",
        correct=correct,
    )
    return replace(base, **changes)


def tables(tmp_path, ours, theirs, **more) -> Table:
    write_scores(tmp_path / "ours", ours, {**PROTOCOL, "weights_sha256": "new"})
    write_scores(tmp_path / "theirs", theirs, {**PROTOCOL, "weights_sha256": "old"})
    settings = {"cluster": "patient", "demonstrative": False, **more}
    return decision_table(tmp_path / "ours", tmp_path / "theirs", **settings)


def test_sides_are_paired_by_item_whatever_their_order(tmp_path):
    ours = [score(n, n // 3, int(n % 2)) for n in range(36)]
    theirs = [score(n, n // 3, int(n % 3 == 0)) for n in range(36)]
    found = tables(tmp_path, ours, theirs[::-1]).row("answers/closed")
    assert found is not None
    assert (found.items, found.patients, found.units) == (36, 12, 12)
    assert (found.challenger, found.champion) == (0.5, pytest.approx(1 / 3, abs=1e-6))
    assert found.difference == pytest.approx(1 / 6, abs=1e-6)
    assert found.low is not None and found.high is not None and found.low < 0 < found.difference < found.high


def test_every_capability_control_and_safety_share_has_its_row(tmp_path):
    answers = [
        score(0, 0),
        score(1, 1, 0, answer_type="open", status="unparsed"),
        score(2, 2, answer_type="choice", question_type="region"),
        score(2, 2, 0, answer_type="choice", question_type="region", scorer_id=CHOICE_SCORER),
        score(3, 3, 0, reference="no"),
        score(0, 0, 0, variant=SHUFFLED),
        score(4, 4, 0, question_type="tumour", reference="no", parsed="yes"),
        score(5, 5, 1, question_type="tumour", reference="no", parsed="no"),
        score(4, 4, 1, question_type="tumour", reference="no", parsed="no", variant=GREY),
    ]
    captions = [
        score(6, 6, right, benchmark="caption", answer_type="caption", question_type="caption", scorer_id=scorer)
        for right, scorer in zip((1, 0), (FACT_SCORERS["modality"], FACT_SCORERS["plane"]), strict=True)
    ]
    drawings = [
        score(7, 7, 0, benchmark="t2i", answer_type="image", question_type="t2i", scorer_id=FRESH_SCORER),
        score(7, 7, 1, benchmark="t2i", answer_type="image", question_type="t2i", scorer_id="judge.modality@x"),
        *(
            score(8, 8, None, benchmark="sr", answer_type="image", question_type="sr", scorer_id=PSNR_SCORER)
            for _ in range(1)
        ),
    ]
    drawings[2] = replace(drawings[2], value=21.0)
    drawings.append(replace(drawings[2], variant=MEAN_IMAGE, value=18.0))
    found = tables(tmp_path, [*answers, *captions, *drawings], [*answers, *captions, *drawings])
    values = {row.name: row.challenger for row in found.rows if row.kind != "subgroup"}
    assert values == {
        "answers": pytest.approx(3 / 6, abs=1e-6),
        "answers/closed": 0.5,
        "answers/open": 0.0,
        "answers/choice": 1.0,
        "answers/likelihood": 0.0,
        "captions": 0.5,
        "drawing": 1.0,
        "edit/sr": 21.0,
        "control/majority": 0.0,
        "control/image": 1.0,
        "control/mean-image/sr": 3.0,
        "safety/readable": pytest.approx(5 / 6, abs=1e-6),
        "safety/normal": 0.5,
        "safety/blank": 1.0,
        "safety/fresh": 0.0,
        "safety/uncontaminated": 1.0,
    }


def test_subgroups_by_modality_and_source_stand_under_their_capability(tmp_path):
    ours = [score(n, n, modality=("CT", "MRI")[n % 2], record_id=f"{('one', 'two')[n // 10]}/r{n}") for n in range(20)]
    names = {row.name for row in tables(tmp_path, ours, ours).rows if row.kind == "subgroup"}
    assert names == {f"answers {part}" for part in ("modality=CT", "modality=MRI", "source=one", "source=two")}


def test_sites_stand_apart_where_a_source_names_them_and_the_rest_is_no_subgroup(tmp_path):
    ours = [score(n, n, site=("", "centre A")[n % 2]) for n in range(20)]
    found = {row.name: row.items for row in tables(tmp_path, ours, ours).rows if row.kind == "subgroup"}
    assert found == {"answers site=centre A": 10}


def test_questions_without_an_image_are_a_capability_of_their_own_and_open_ones_count_by_their_words(tmp_path):
    words = {"benchmark": "text", "modality": "text"}
    ours = [score(0, 0, **words), score(1, 1, 0, answer_type="open", **words)]
    ours.append(score(1, 1, None, answer_type="open", scorer_id=F1_SCORER, value=0.5, **words))
    rows = {row.name: row for row in tables(tmp_path, ours, ours).rows}
    assert set(rows) == {"text", "safety/readable", "safety/uncontaminated"}
    assert (rows["text"].challenger, rows["text"].items) == (0.75, 2)


def test_items_within_a_subject_count_by_image_in_a_demonstrative_recipe_alone(tmp_path):
    ours = [score(n, 0, split="within-subject") for n in range(12)] + [score(20, 1)]
    assert tables(tmp_path, ours, ours).row("answers/closed") == tables(tmp_path, ours[-1:], ours[-1:]).rows[1]
    shown = tables(tmp_path, ours, ours, demonstrative=True).row("answers/closed")
    assert shown is not None and (shown.items, shown.patients, shown.units) == (13, 2, 13)


def test_items_that_one_side_was_trained_on_leave_for_both_and_are_counted(tmp_path):
    ours = [score(n, n) for n in range(12)]
    found = tables(tmp_path, ours, ours, left_out={"vqa/000": "trained on", "vqa/001": "trained on"})
    row = found.row("answers/closed")
    assert row is not None and row.items == 10 and found.left_out == {"trained on": 2}


def test_items_that_training_gave_away_are_a_safety_row_and_in_no_other(tmp_path):
    ours = [score(n, n, int(n > 2)) for n in range(15)]
    found = tables(tmp_path, ours, ours, told=({"vqa/000"}, {"vqa/000", "vqa/001", "vqa/002"}))
    row, clean = found.row("answers/closed"), found.row("safety/uncontaminated")
    assert row is not None and clean is not None
    assert (row.items, row.challenger, clean.items) == (12, 1.0, 15)
    assert clean.difference == pytest.approx(2 / 15, abs=1e-6) and sum(found.left_out.values()) == 3
    assert [why for why in found.left_out if "give it away" in why]


def test_what_costs_is_compared_by_the_part_saved(tmp_path):
    ours = [score(n, n) for n in range(12)]
    tables(tmp_path, ours, ours)
    write_json(tmp_path / "ours" / "costs.json", {"answer_seconds": 0.9, "peak_bytes": 300})
    write_json(tmp_path / "theirs" / "costs.json", {"answer_seconds": 1.2, "peak_bytes": 200})
    found = decision_table(tmp_path / "ours", tmp_path / "theirs", cluster="patient", demonstrative=False)
    saved = {row.name: row.difference for row in found.rows if row.kind == "cost"}
    assert saved == {"cost/answer_seconds": 0.25, "cost/peak_bytes": -0.5}


def test_a_table_survives_json_with_its_hash_and_another_schema_is_refused(tmp_path):
    ours = [score(n, n // 2, int(n % 4 != 0)) for n in range(24)]
    made = tables(tmp_path, ours, ours)
    read = Table.from_json(json.dumps(made.to_json()))
    assert read == made and read.sha256 == made.sha256
    assert replace(made, exam="other").sha256 != made.sha256
    with pytest.raises(ValueError, match="no decision table of schema 1"):
        Table.from_json({**made.to_json(), "schema": 0})


def test_what_is_not_comparable_is_refused_with_the_reason(tmp_path):
    ours = [score(n, n) for n in range(12)]
    with pytest.raises(ValueError, match=r"2 items are on one side only, the first is vqa/010"):
        tables(tmp_path, ours, ours[:10])
    write_scores(tmp_path / "theirs", ours, {**PROTOCOL, "benchmark_id": "other"})
    with pytest.raises(ValueError, match="their benchmark_id differ"):
        decision_table(tmp_path / "ours", tmp_path / "theirs", cluster="patient", demonstrative=False)


def test_what_can_be_detected_leaves_an_equal_challenger_room_in_every_row(tmp_path):
    one = [score(n, n, int(n % 4 != 0)) for n in range(80)]
    two = [*one, *(score(100 + n, n, int(n % 4 != 0), answer_type="open") for n in range(80))]
    alone, both = (tables(tmp_path, side, side).row("answers/closed") for side in (one, two))
    assert alone is not None and both is not None and alone.detectable is not None and both.detectable is not None
    assert alone.low == both.low and -alone.low < alone.detectable < both.detectable
