"""The whole decision page from predictions alone: answers, captions, reports, drawings, edits, text, controls, safety."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from components.assembly.dataset import Dataset
from components.context import StageContext
from components.evaluation.asked import Asked
from components.evaluation.decision_table import decision_table
from components.evaluation.evaluate import protocol_of, score_predictions
from components.evaluation.images import encode
from components.evaluation.judge import train_judge
from components.evaluation.judge_network import Judge
from components.evaluation.predictions import (
    GREY,
    PLAIN,
    SHUFFLED,
    PredictionHeader,
    prediction_row,
    write_predictions,
)
from components.evaluation.scores import write_scores
from components.recipes.gate import GateSettings
from components.records.vocabulary import Modality, Split
from components.registry.decision_page.page import render
from components.registry.judgement import keep_judgement, read_judgement
from components.registry.verdict import Facts, verdict
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from tests.components.evaluation.material import caption, drawing, edit, item, labelled, make_dataset, recipe
from tests.components.registry.decision_page import recomputing

PATIENTS, EACH = 12, 3
CLOSED = {"answer_type": "closed", "options": ("yes", "no")}
SETTINGS = GateSettings(kind="refresh", margin=0.1, cluster="patient", demonstrative=False)
BESIDE = ("answers", "answers/likelihood")


def exam():
    """Of each patient and image every kind of item; two patients are of a second source."""
    for number in range(PATIENTS * EACH):
        modality = (Modality.CT, Modality.MRI)[number % 2]
        image = labelled(number, modality, Split.TEST).image
        about = {
            "modality": modality,
            "patient_key": f"secret-{number % PATIENTS}",
            "record_id": f"{'other' if number % PATIENTS < 2 else 'ours'}/r{number}",
        }
        seen = about | {"image": image}
        yield item(number, reference=modality.value, **seen)
        yield item(number, item_id=f"vqa/o{number}", reference=modality.value, **seen, answer_type="open", options=())
        yield item(number, item_id=f"vqa/c{number}", reference=("yes", "no")[number % 2], **CLOSED, **seen)
        nodule = {"question_type": "nodule", "reference": ("no", "no", "yes")[number % 3]}
        yield item(number, item_id=f"vqa/n{number}", **nodule, **CLOSED, **seen)
        words = f"An axial {modality.value} slice of the brain."
        yield caption(number, reference=words, **seen)
        own = {"question_type": "clinic", "reference": "The heart is normal and both lungs are clear."}
        yield caption(number, item_id=f"caption/own{number}", **own, **seen)
        yield drawing(number, reference_image=image, **about)
        yield edit(number, reference_image=image, **about)
        text = {"benchmark": "text", "answer_type": "open", "options": (), "question_type": "clinic", "image": None}
        text |= about | {"modality": Modality.TEXT, "reference": "A closed sac with fluid inside."}
        yield item(number, item_id=f"text/{number}", **text)


def responses(one, variant: str, skill: float, draw: np.random.Generator, copied: bytes) -> dict:
    """What a side says or draws: right as often as its skill, sometimes nothing that can be read, once a training image."""
    right = draw.random() < (skill if variant == PLAIN else 0.4)
    if one.benchmark == "t2i":
        seen = one.modality if right else Modality.CT if one.modality is Modality.MRI else Modality.MRI
        number = int(draw.integers(5000, 9000))
        image = copied if draw.random() < 0.2 else labelled(number, seen, Split.TEST).image
        return {"response_image": image}
    if one.benchmark == "sr":
        truth = recomputing.pixels(one.reference_image).astype(float)
        noisy = np.clip(truth + draw.normal(0, 20 / skill, truth.shape), 0, 255).astype(np.uint8)
        return {"response_image": encode(noisy)}
    wrong = {
        "closed": {"yes": "no", "no": "yes"}.get(one.reference, "") if draw.random() < 0.8 else "perhaps",
        "choice": "CT" if one.reference == "MRI" else "MRI",
        "open": "a sac" if one.benchmark == "text" else "ultrasound",
        "caption": "A coronal CT slice of the brain." if one.question_type == "caption" else "Both lungs are clear.",
    }[one.answer_type]
    logprobs = np.round(np.log(draw.dirichlet(np.ones(len(one.options)))), 6).tolist() if one.options else []
    said = {"response_raw": one.reference if right else wrong, "finish_reason": "stop"}
    return said | ({"choice_logprobs": logprobs} if variant == PLAIN else {})


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """(workspace, items by id, challenger's and champion's folder of predictions, table)."""
    workspace = Workspace(tmp_path_factory.mktemp("recomputed"))
    items = {one.item_id: one for one in exam()}
    make_dataset(workspace.dataset, [])
    ctx = StageContext(
        workspace=workspace, recipe=recipe(), item="", progress=Progress.start(workspace.progress, "judge")
    )
    train_judge(ctx)
    data, judge = Dataset(workspace.dataset), Judge.load(workspace.evaluation / "judge")
    asked = Asked(dataset_id="exam", benchmark_id="exam", benchmarks={}, items=list(items.values()))
    copied = data.images("train").read(0).image
    folders = []
    for name, skill in (("challenger", 0.6), ("champion", 0.9)):
        draw = np.random.default_rng(len(name))
        rows = [
            prediction_row(
                one, variant=variant, seed=0, image=one.image, **responses(one, variant, skill, draw, copied)
            )
            for one in items.values()
            for variant in (PLAIN, GREY, SHUFFLED)
            if variant == PLAIN or one.benchmark == "vqa"
        ]
        header = PredictionHeader(
            dataset_id="exam", benchmark_id="exam", benchmarks={}, decoding={}, weights_sha256=name, checkpoint="c"
        )
        folder = workspace.root / name
        write_predictions(folder / "predictions", rows, header)
        header, scores, _ = score_predictions(folder / "predictions", asked, judge, data)
        write_scores(folder / "scores", scores, protocol_of(header))
        folders.append(folder)
    table = decision_table(*(folder / "scores" for folder in folders), cluster="patient", demonstrative=False)
    return workspace, items, folders, table


@pytest.fixture(scope="module")
def again(judged):
    """Row's name -> (challenger's numbers, champion's), of rows and subgroups, by other code; and item -> patient."""
    workspace, items, folders, _ = judged
    images = [
        row
        for path in sorted(workspace.dataset.glob("images-*.parquet"))
        for row in recomputing.pq.read_table(path).to_pylist()
        if row["split"] == "train"
    ]
    judge = workspace.evaluation / "judge"
    rows = [recomputing.read_rows(folder / "predictions") for folder in folders]
    sides = [recomputing.capabilities(one, items, images, judge) for one in rows]
    about = {row["item_id"]: row for row in rows[0]}
    found = {name: tuple(side[name] for side in sides) for name in sides[0]}
    for name in [name for name in found if not name.startswith(("answers/", "control", "safety"))]:
        for part in ("modality", "source"):
            groups = {item: about[item]["modality"] for item in found[name][0]}
            if part == "source":
                groups = {item: about[item]["record_id"].partition("/")[0] for item in groups}
            for value in set(groups.values()) if len(set(groups.values())) > 1 else ():
                found[f"{name} {part}={value}"] = tuple(
                    {item: number for item, number in side.items() if groups[item] == value} for side in found[name]
                )
    return found, {item: row["patient_key"] for item, row in about.items()}


def test_the_table_has_the_rows_that_the_predictions_speak_of_and_no_other(judged, again):
    assert {row.name for row in judged[3].rows} == set(again[0])
    assert len(again[0]) > 30


def test_every_estimate_interval_and_count_is_that_of_other_code(judged, again):
    found, patient_of = again
    gated = [
        name for name in found if " " not in name and not name.startswith(("control", "safety")) and name not in BESIDE
    ]
    for row in judged[3].rows:
        ours, theirs = found[row.name]
        k = len({patient_of[item] for item in ours})
        assert (row.items, row.patients) == (len(ours), k), row.name
        mean, low, high = recomputing.own_interval(ours, patient_of, row.capability)
        assert (row.challenger, row.challenger_low, row.challenger_high) == pytest.approx((mean, low, high), abs=2e-6)
        assert row.champion == pytest.approx(np.mean(list(theirs.values())), abs=2e-6), row.name
        apart = {item: number - theirs[item] for item, number in ours.items()}
        bound = None if row.unit == "dB" else recomputing.NOT_DECIBELS
        mean, low, high = recomputing.interval(apart, patient_of, bound)
        ends = (low, high) if row.unit == "dB" else (max(-1.0, low), min(1.0, high))
        assert (row.difference, row.low, row.high) == pytest.approx((mean, *ends), abs=2e-6), row.name
        if k >= 10:
            assert row.detectable == pytest.approx(recomputing.detectable(high - mean, k, gated), abs=5e-6), row.name
        else:
            assert row.detectable is None, row.name


def test_the_figures_vary_so_that_a_wrong_one_would_show(again):
    found, _ = again
    assert {name for name, (ours, theirs) in found.items() if " " not in name and ours == theirs} == {
        "safety/uncontaminated"
    }
    assert 0 < np.mean(list(found["safety/fresh"][0].values())) < 1


def test_the_page_prints_just_these_figures(judged, again, tmp_path):
    workspace, _, _, table = judged
    said = verdict(table, SETTINGS, Facts())
    kept = replace(workspace, root=tmp_path)
    keep_judgement(kept, version=2, champion=1, table=table, facts=Facts(), verdict=said, worst=[])
    page = render(read_judgement(kept, 2), []).partition('id="table"')[2]
    for name, (ours, theirs) in again[0].items():
        line = re.search(rf"<code>{re.escape(name)}</code></td>(.*?)</tr>", page)
        assert line is not None, name
        cells = [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line[1])]
        one, other = (float(np.mean(list(side.values()))) for side in (ours, theirs))
        unit = " dB" if name.startswith(("edit", "control/mean")) else ""
        assert cells[0].startswith(f"{one:.3f}{unit} (") and cells[1] == f"{other:.3f}{unit}", name
        assert cells[6] == str(len(ours)), name
