"""The quality filter: the top share of each source's captions stays, whatever the order, and no held-out record moves."""

import random
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.assembly.alignment.filter import UNSCORED, open_scorer, rank
from components.assembly.alignment.label_consistency import LabelConsistency
from components.assembly.corpus import Entry
from components.assembly.dataset import Dataset
from components.assembly.selection.bins import select
from components.recipes.assembly import AlignmentSettings, AssemblySettings, SplitSettings
from components.records.record import Turn
from components.records.vocabulary import Bin, Modality, Split, TurnKind


class BySize:
    """Scores a text by its length: what a real scorer says does not matter here."""

    name = note = "by size"

    def scores(self, source: str, entries: Sequence[Entry]) -> list[float | None]:
        return [len(entry.turns[0].answer) / 100 if "?" not in entry.turns[0].answer else None for entry in entries]


def told(answer: str, kind: TurnKind = TurnKind.CAPTION) -> tuple[Turn, ...]:
    return (Turn(prompt="", answer=answer, kind=kind),)


@pytest.fixture
def captioned(make_entry) -> list[Entry]:
    """Two sources of different size with captions of 10 to 50 characters, many of one length."""
    lengths = {"web": (10, 20, 20, 20, 20, 30, 50), "mri": (10, 10, 10, 40)}
    return [
        make_entry(f"{number:02d}", f"{source}-{number}", source=source, turns=told("x" * length))
        for source, found in lengths.items()
        for number, length in enumerate(found)
    ]


def test_the_top_share_of_each_source_stays_and_every_dropped_score_is_below_or_level(captioned) -> None:
    found = rank(captioned, 0.5, BySize())
    assert len(found.scores) == 11
    for source, scored in (("web", 7), ("mri", 4)):
        kept = [found.scores[i] for i in found.scores if i.startswith(source) and i not in found.dropped]
        out = [found.scores[i] for i in found.dropped if i.startswith(source)]
        assert len(kept) == ceil(scored / 2) and len(kept) + len(out) == scored
        assert min(kept) >= max(out)
    assert rank(captioned, 1.0, BySize()).dropped == frozenset()


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_the_entries_does_not_count_even_between_equal_scores(captioned, seed) -> None:
    mixed = random.Random(seed).sample(captioned, len(captioned))
    assert rank(mixed, 0.5, BySize()) == rank(captioned, 0.5, BySize())


def test_only_captions_and_reports_with_an_image_are_scored(make_entry) -> None:
    entries = [
        make_entry("template"),
        make_entry("question", turns=(Turn(prompt="which?", answer="x" * 20, kind=TurnKind.OPEN),)),
        make_entry("text", modality=Modality.TEXT, turns=told("x" * 20)),
        make_entry("unsure", turns=told("what is it?")),
        make_entry("report", turns=told("x" * 20, TurnKind.REPORT)),
    ]
    found = rank(entries, 0.01, BySize())
    assert found.scores == {"mri/report": 0.2} and not found.dropped


def selected(entries: Sequence[Entry], settings: AssemblySettings, **scored: object):
    splits = SplitSettings(test={"mri": ("held",)}, slabs=(), val_share=0.0)
    return {d.entry.id: d for d in select(entries, replace(settings, splits=splits), **scored)}  # type: ignore[arg-type]


def test_a_held_out_record_never_moves_and_never_counts_in_the_share(make_entry, settings) -> None:
    held = [make_entry(f"held-{n}", "held", turns=told("y" * (11 + n))) for n in range(3)]
    train = [make_entry(f"train-{n}", f"p{n}", turns=told("z" * (20 + n))) for n in range(4)]
    before, after = selected([*held, *train], settings), selected([*held, *train], settings, scorer=BySize())
    assert all(after[entry.id] == before[entry.id] and after[entry.id].bin is Bin.HELDOUT for entry in held)
    ends = {entry.id: (after[entry.id].bin, after[entry.id].reason) for entry in train}
    assert ends["mri/train-0"] == ends["mri/train-1"] == (Bin.FILTERED, "alignment")
    assert ends["mri/train-2"] == ends["mri/train-3"] == (Bin.KEPT, "")
    assert after["mri/train-0"].alignment == 0.2
    assert {d.entry.split for d in after.values()} == {Split.TEST, Split.TRAIN}


def test_a_badly_captioned_copy_does_not_push_out_the_well_captioned_one(make_entry, settings) -> None:
    entries = [
        make_entry("a", "p", pixels="same", turns=told("a poor caption")),
        make_entry("b", "p", pixels="same", turns=told("a poor caption of one and a half lines")),
    ]
    found = selected(entries, settings, scorer=BySize())
    assert (found["mri/a"].reason, found["mri/b"].bin) == ("alignment", Bin.KEPT)


def test_what_other_rules_take_out_is_not_ranked(make_entry, settings) -> None:
    entries = [make_entry("long", "p", turns=told("x" * 2000)), make_entry("short", "q", turns=told("x" * 20))]
    found = selected(entries, settings, scorer=BySize())
    assert (found["mri/long"].reason, found["mri/long"].alignment) == ("caption-length", None)
    assert found["mri/short"].bin is Bin.KEPT


def test_without_a_scorer_nothing_is_scored_or_dropped(captioned, tmp_path) -> None:
    scorer = open_scorer(AlignmentSettings(scorer="none", keep=0.5), tmp_path, ["web"])
    assert scorer is UNSCORED
    found = rank(captioned, 0.5, scorer)
    assert not found.scores and not found.dropped


@pytest.mark.parametrize("keep", [0.0, 1.5])
def test_a_share_outside_0_to_1_is_refused(keep) -> None:
    with pytest.raises(ValueError, match=r"assembly.alignment.keep must be above 0 and at most 1, got"):
        AlignmentSettings(scorer="labels", keep=keep)


def write_scores(tmp_path: Path, source: str, entries: Sequence[Entry]) -> None:
    folder = tmp_path / "work" / "data" / "alignment"
    folder.mkdir(parents=True)
    numbers = [n / 20 for n in range(len(entries))]
    table = pa.table({"id": [e.id for e in entries], "caption_cosine": numbers, "image_text": numbers})
    pq.write_table(table, folder / f"{source}.parquet")


def with_captions(corpus):
    """The small corpus; the training scans have captions of which two name their modality."""
    texts = ("An ultrasound of the eye.", "A picture of the eye.", "A CT of the eye.", "Ultrasound, eye: normal.")
    scans = [
        replace(record, turns=told(f"{texts[n % 4]} Number {record.id}.")) if record.subject != "us-two" else record
        for n, record in enumerate(corpus["scan"])
    ]
    return {**corpus, "scan": scans}


def test_the_manifest_and_both_pages_name_the_scorer_and_its_thresholds(assemble_corpus, corpus, settings) -> None:
    chosen = replace(settings, alignment=AlignmentSettings(scorer="labels", keep=0.5))
    folder = assemble_corpus(with_captions(corpus), chosen)
    manifest = Dataset(folder).manifest
    assert manifest["alignment"] == {
        "scorer": "label-consistency (unimed, no model)",
        "keep": 0.5,
        "sources": {"scan": {"captioned": 8, "scored": 8, "kept": 4, "threshold": 1.0}},
    }
    assert manifest["sources"]["scan"]["reasons"]["filtered: alignment"] == 4
    assert "not the published image-text alignment score" in (folder / "README.md").read_text()
    page = (folder / "report.html").read_text()
    assert LabelConsistency.name in page and "not the published image-text alignment score" in page
    rows = {row["id"]: row for row in pq.read_table(folder / "decisions-00000.parquet").to_pylist()}
    assert rows["scan/us-one-2"]["alignment"] == 0.0 and rows["scan/us-one-2"]["reason"] == "alignment"
    assert rows["scan/us-two-0"]["alignment"] is None


def test_published_scores_come_from_the_workspace_and_are_never_called_label_consistency(
    assemble_corpus, corpus, settings, tmp_path
) -> None:
    corpus = with_captions(corpus)
    write_scores(tmp_path, "scan", corpus["scan"])
    chosen = replace(settings, alignment=AlignmentSettings(scorer="published", keep=0.5))
    manifest = Dataset(assemble_corpus(corpus, chosen)).manifest
    assert manifest["alignment"]["scorer"] == "published: 0.5 E5 caption cosine + 0.5 MedSigLIP"
    found = manifest["alignment"]["sources"]["scan"]
    assert (found["scored"], found["kept"]) == (8, 4) and found["threshold"] == pytest.approx(8 / 11)
    assert "label" not in manifest["provenance"]["alignment"]


def test_a_source_of_which_a_scorer_can_say_nothing_is_noticed(assemble_corpus, corpus, settings) -> None:
    spanish = [replace(record, turns=told("una imagen del ojo " * 2), language="es") for record in corpus["scan"][:4]]
    corpus["scan"] = [*spanish, *corpus["scan"][4:]]
    chosen = replace(settings, alignment=AlignmentSettings(scorer="labels", keep=0.5))
    manifest = Dataset(assemble_corpus(corpus, chosen)).manifest
    assert manifest["alignment"]["sources"]["scan"] == {"captioned": 4, "scored": 0, "kept": 0, "threshold": None}
    assert any("none of the 4 captioned records of scan has an alignment score" in n for n in manifest["notices"])


def test_without_a_scorer_the_data_set_is_the_one_it_was(assemble_corpus, corpus, settings) -> None:
    corpus = with_captions(corpus)
    chosen = replace(settings, alignment=AlignmentSettings(scorer="none", keep=0.1))
    plain, unscored = assemble_corpus(corpus, name="a"), assemble_corpus(corpus, chosen, name="b")
    assert Dataset(plain).dataset_id == Dataset(unscored).dataset_id
    assert Dataset(unscored).manifest["alignment"] == {"scorer": "none", "keep": 1.0, "sources": {}}
