"""What a source says itself goes into the data set as it words it, on its side, once."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.assembly.conversations.delivered import said
from components.assembly.conversations.prompts import FOLLOW_UP, REPORTS
from components.assembly.dataset import Dataset
from components.images.stored import StoredImage, decode_stored
from components.records.record import Record, Turn
from components.records.sample import Image, Text
from components.records.vocabulary import ImageRole, Modality, Split, TaskGroup, TurnKind
from components.sources.reading.boxes import box_turns

QUESTION = Turn(prompt="Is the liver visible?", answer="Yes", kind=TurnKind.CLOSED)
CHOICE = Turn(prompt="Which organ is it?", answer="liver", kind=TurnKind.CHOICE, options=("liver", "lung"))
CAPTION = Turn(prompt="", answer="Axial CT with a large cyst.", kind=TurnKind.CAPTION)
REPORT = Turn(prompt="", answer="Clear lungs. Compared to XXXX, stable. No effusion.", kind=TurnKind.REPORT)


@pytest.fixture
def said_record(make_record, picture):
    """said_record(name, turns, image=…, subject=…) -> a record of the source `talk`."""

    def build(name: str, *turns: Turn, image: str = "", **fields) -> Record:
        subject = fields.pop("subject", image or name)
        fields = {"image": StoredImage.of(picture(image or name)), "turns": turns, **fields}
        return make_record("talk", name, subject, fields.pop("modality", Modality.UNKNOWN), "unknown", **fields)

    return build


@pytest.fixture
def assembled(assemble_corpus, corpus):
    """assembled(records, …) -> (training samples by id, folder): the small corpus with these beside it."""

    def run(*records: Record, split: str = "train"):
        folder = assemble_corpus({**corpus, "talk": list(records)})
        return {s.id: s for s in Dataset(folder).samples(split) if s.source == "talk"}, folder

    return run


def shape(sample) -> list[str]:
    """U, C and G for images, T for texts, T* for supervised ones."""
    marks = {ImageRole.UNDERSTAND: "U", ImageRole.CONDITION: "C", ImageRole.TARGET: "G"}
    return [marks[p.role] if isinstance(p, Image) else "T*" if p.supervised else "T" for p in sample.pieces]


def texts(sample) -> list[str]:
    return [piece.text for piece in sample.pieces if isinstance(piece, Text)]


def bins(folder) -> dict[str, tuple[str, str, str]]:
    rows = pq.read_table(folder / "decisions-00000.parquet").to_pylist()
    return {row["id"]: (row["bin"], row["reason"], row["other"]) for row in rows if row["source"] == "talk"}


def test_questions_keep_their_order_and_every_image_comes_first(assembled, said_record, picture):
    samples, _ = assembled(said_record("a", QUESTION, CHOICE, more_images=(StoredImage.of(picture("a2")),)))
    sample = samples["talk/a#delivered"]
    assert (sample.task, sample.group, shape(sample)) == ("vqa", TaskGroup.I2T, ["U", "U", "T", "T*", "T", "T*"])
    assert texts(sample) == ["Is the liver visible?", "Yes", "Which organ is it? Options:\nliver\nlung", "liver"]
    assert sample.provenance.method == "as delivered"


def test_a_caption_is_told_and_drawn_but_of_several_images_only_told(assembled, said_record, picture):
    samples, _ = assembled(
        said_record("a", CAPTION), said_record("b", CAPTION, more_images=(StoredImage.of(picture("b2")),))
    )
    told, drawn = samples["talk/a#delivered"], samples["talk/a#delivered-t2i"]
    assert (told.task, shape(told), texts(told)[-1]) == ("caption", ["U", "T", "T*"], CAPTION.answer)
    assert (drawn.group, shape(drawn), texts(drawn)) == (TaskGroup.T2I, ["T", "G"], [CAPTION.answer])
    assert "talk/b#delivered" in samples and "talk/b#delivered-t2i" not in samples


@pytest.mark.parametrize("size", [(60, 30), (30, 60), (59, 20), (48, 48)])
@pytest.mark.parametrize("split", [Split.TRAIN, Split.TEST])
def test_boxes_are_around_the_object_in_the_image_that_is_shown(
    assemble_corpus, corpus, said_record, settings, size, split
):
    """A bright object, found again in the pixels that the network gets, padded or not."""
    pixels = np.random.default_rng(1).integers(0, 40, size[::-1], dtype=np.uint8)
    pixels[6:15, 8:17] = 255
    turns = box_turns({"nodule": [(8, 6, 17, 15)], "other": [(0, 0, 1, 1), (1, 1, *size)]}, *size)
    shown = said_record("a", *turns, image="object", delivered_split=split)
    shown = replace(shown, image=StoredImage.of_pixels(pixels))
    for square in (True, False):
        chosen = replace(settings, square=square, image_side=60)
        folder = assemble_corpus({**corpus, "talk": [shown]}, chosen, name=f"square-{square}")
        if split is Split.TRAIN:
            sample = next(s for s in Dataset(folder).samples("train") if s.id == "talk/a#delivered")
            image, answer = sample.pieces[0].data, sample.pieces[2].text
        else:
            item = next(i for i in Dataset(folder).exam() if "nodule" in i.prompt)
            image, answer = item.image, item.reference
        seen = decode_stored(image)
        rows, columns = np.nonzero(seen > 150)
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        sides = [seen.shape[1], seen.shape[0]] * 2
        found = [int(n) * side / 1000 for n, side in zip(answer.strip("[]").split(", "), sides, strict=True)]
        assert np.abs(np.subtract(found, expected)).max() < 1.1, (square, answer, expected)


def test_nothing_is_asked_or_told_about_an_unknown_modality(assembled, said_record):
    samples, _ = assembled(said_record("a", QUESTION))
    made = " ".join(text for sample in samples.values() for text in texts(sample))
    assert "unknown" not in made
    assert not any(sample.task == "caption" for sample in samples.values())


def test_a_redaction_mark_is_never_learnt_and_a_wholly_redacted_answer_is_filtered(assembled, said_record):
    only = Turn(prompt="When?", answer="On XXXX.", kind=TurnKind.OPEN)
    samples, folder = assembled(said_record("a", REPORT), said_record("b", only))
    assert texts(samples["talk/a#delivered"])[-1] == "Clear lungs. No effusion."
    assert samples["talk/a#delivered"].task == "report"
    assert bins(folder)["talk/b"][:2] == ("filtered", "redacted")
    assert said(CAPTION) == CAPTION.answer


@pytest.mark.parametrize(
    ("answer", "learnt"),
    [
        ("Impression: No acute disease. .", "Impression: No acute disease."),
        ("Clear lungs. . No effusion. .", "Clear lungs. No effusion."),
        ("Impression: No acute disease. END OF REPORT.", "Impression: No acute disease."),
        ("A nodule of .5 cm. It is new.", "A nodule of .5 cm. It is new."),
        ("The end of the reported lesion.", "The end of the reported lesion."),
    ],
)
def test_stray_full_stops_and_the_end_of_a_report_are_not_learnt(answer: str, learnt: str) -> None:
    assert said(Turn(prompt="", answer=answer, kind=TurnKind.REPORT)) == learnt
    assert said(Turn(prompt="What does it say?", answer=answer, kind=TurnKind.OPEN)) == answer


def test_a_report_is_asked_for_in_its_language_and_one_without_our_prompt_is_left_out(assembled, said_record):
    stable = Turn(prompt="", answer="The effusion has increased. The tube is unchanged.", kind=TurnKind.REPORT)
    samples, folder = assembled(
        said_record("es", replace(REPORT, answer="pulmon clar. sin derram."), language="es"),
        said_record("ru", replace(REPORT, answer="Лёгкие чистые."), language="ru"),
        said_record("en", stable),
    )
    asked = {name: texts(samples[f"talk/{name}#delivered"])[0] for name in ("es", "en")}
    assert asked["es"] in REPORTS["es"] and asked["en"] in FOLLOW_UP
    assert "talk/ru#delivered" not in samples and bins(folder)["talk/ru"][0] == "kept"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["left_out"] == {"talk": {"no prompt of ours in ru": 1}}
    assert manifest["delivered"]["talk"] == {"report": 2}


@pytest.mark.parametrize(
    ("report", "is_follow_up"),
    [
        ("Asymmetric opacity compared to left.", False),
        ("Calcifications suggest a previous granulomatous process. Prior cholecystectomy.", False),
        ("In the absence of comparison exam, recommend short interval followup radiograph.", False),
        ("If there are no prior films, a scan may help.", False),
        ("Comparison: None. The heart is stable.", False),
        ("Increased compared to prior.", True),
        ("The nodule is smaller than on the previous chest radiograph.", True),
        ("Comparison is made to the study of May. No effusion.", True),
        ("Larger since the earlier film.", True),
        ("Interval increase of the effusion.", True),
        ("The tube is unchanged from before.", True),
    ],
)
def test_only_what_speaks_of_an_earlier_examination_is_a_follow_up(assembled, said_record, report, is_follow_up):
    turn = Turn(prompt="", answer=report, kind=TurnKind.REPORT)
    none = said_record("none", turn, facts={"comparison": "none"})
    samples, _ = assembled(said_record("a", turn), none)
    assert (texts(samples["talk/a#delivered"])[0] in FOLLOW_UP) == is_follow_up
    assert texts(samples["talk/none#delivered"])[0] in REPORTS["en"], "the source says that there was no earlier one"


def test_yes_and_no_of_a_source_are_balanced_by_key_and_counted(assembled, said_record):
    records = [said_record(f"y{k}", QUESTION) for k in range(9)]
    records += [said_record(f"n{k}", replace(QUESTION, answer="No")) for k in range(4)]
    records += [said_record("long", QUESTION, CHOICE), said_record("open", replace(QUESTION, answer="A large cyst"))]
    samples, folder = assembled(*records)
    answers = Counter(texts(s)[-1] for s in samples.values() if s.id.endswith("#delivered"))
    assert answers == {"Yes": 4, "No": 4, "liver": 1, "A large cyst": 1}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["left_out"] == {"talk": {"answer balance": 5}}
    assert manifest["sources"]["talk"]["kept"] == 15


def test_text_alone_goes_to_the_text_group(assembled, said_record):
    turn = Turn(prompt="What is a cyst?", answer="A closed sac.", kind=TurnKind.OPEN)
    samples, folder = assembled(replace(said_record("t", turn, modality=Modality.TEXT), image=None))
    sample = samples["talk/t#delivered"]
    assert (sample.group, sample.task, shape(sample)) == (TaskGroup.TEXT, "text", ["T", "T*"])
    assert "talk/t" not in Dataset(folder).images().ids


def test_questions_without_an_image_are_asked_in_the_exam_where_there_is_a_question(assembled, said_record):
    def alone(name: str, *turns: Turn) -> Record:
        return replace(said_record(name, *turns, modality=Modality.TEXT, delivered_split=Split.TEST), image=None)

    asked = Turn(prompt="What is a cyst?", answer="A closed sac.", kind=TurnKind.OPEN)
    yes = Turn(prompt="Can a cyst hold fluid?", answer="Yes.", kind=TurnKind.CLOSED)
    told = Turn(prompt="", answer="The spleen weighs 150 g.", kind=TurnKind.REPORT)
    _, folder = assembled(alone("t", asked, yes), alone("u", told))
    items = {item.answer_type: item for item in Dataset(folder).exam() if item.benchmark == "text"}
    assert {kind: (item.prompt, item.reference, item.image) for kind, item in items.items()} == {
        "open": ("What is a cyst?", "A closed sac.", None),
        "closed": ("Can a cyst hold fluid?", "yes", None),
    }
    gaps = json.loads((folder / "manifest.json").read_text())["exam"]["not_testable"]
    assert [gap["reason"] for gap in gaps if gap["question_type"] == "talk"] == ["text alone without a question (1)"]


def test_a_drawing_starts_from_the_record_and_ends_in_its_output(assembled, said_record, picture):
    turn = Turn(prompt="Show it three months later.", answer="The cyst grew.", kind=TurnKind.DRAWING)
    bare = Turn(prompt="Draw a cyst.", answer="", kind=TurnKind.DRAWING)
    samples, _ = assembled(said_record("a", turn, targets={"output": picture("later")}), said_record("b", bare))
    edit, drawn = samples["talk/a#delivered-edit"], samples["talk/b#delivered-t2i"]
    assert (edit.group, shape(edit)) == (TaskGroup.INTERLEAVED, ["C", "T", "T*", "G"])
    assert (drawn.group, shape(drawn)) == (TaskGroup.T2I, ["T", "G"])


def test_questions_about_one_image_are_no_duplicates_but_one_question_twice_is(assembled, said_record):
    again = Turn(prompt="is the LIVER visible", answer="yes.", kind=TurnKind.CLOSED)
    other = Turn(prompt="Is the spleen visible?", answer="No", kind=TurnKind.CLOSED)
    samples, folder = assembled(
        *(said_record(n, t, image="same") for n, t in (("a", QUESTION), ("b", CHOICE), ("c", again), ("d", other)))
    )
    assert bins(folder)["talk/c"] == ("duplicate", "same image and text", "talk/a")
    assert {name for name in samples if name.endswith("#delivered")} == {f"talk/{n}#delivered" for n in "abd"}
    assert [name for name in Dataset(folder).images().ids if name.startswith("talk/")] == ["talk/a"]


def test_an_image_that_the_delivered_test_asks_about_leaves_training_and_validation(assembled, said_record):
    test = {"delivered_split": Split.TEST}
    records = [
        said_record("t1", QUESTION, image="both", **test),
        said_record("t2", CHOICE, image="both", **test),
        said_record("train", CAPTION, image="both", delivered_split=Split.TRAIN),
        said_record("val", CAPTION, image="both", delivered_split=Split.VAL),
        said_record("val-alone", CAPTION, image="chosen-by", delivered_split=Split.VAL),
        said_record("train-val", QUESTION, image="chosen-by", delivered_split=Split.TRAIN),
        said_record("second", CAPTION, QUESTION, subject="p", delivered_split=Split.TRAIN),
        said_record("third", QUESTION, subject="p", **test),
        said_record("free", CAPTION, delivered_split=Split.TRAIN),
    ]
    samples, folder = assembled(*records)
    found = bins(folder)
    assert found["talk/t1"][0] == found["talk/t2"][0] == found["talk/third"][0] == "heldout"
    assert found["talk/train"] == ("contaminating", "same pixels as a held-out image", "talk/t1")
    assert found["talk/val"] == ("contaminating", "same pixels as a held-out image", "talk/t1")
    assert found["talk/train-val"] == ("contaminating", "same pixels as a validation image", "talk/val-alone")
    assert found["talk/second"] == ("contaminating", "patient has held-out images", "talk/third")
    assert {name.split("#")[0] for name in samples} == {"talk/free"}
    account = json.loads((folder / "manifest.json").read_text())["sources"]["talk"]
    assert (account["raw"], account["kept"], account["heldout"], account["contaminating"]) == (9, 2, 3, 4)


def test_held_out_questions_are_benchmark_items_and_what_cannot_be_asked_is_said(assembled, said_record, picture):
    test = {"delivered_split": Split.TEST}
    sided = Turn(prompt="Which is larger?", answer="Lung", kind=TurnKind.CLOSED)
    records = [
        said_record("a", QUESTION, **test),
        said_record("b", CHOICE, sided, **test),
        said_record("c", QUESTION, more_images=(StoredImage.of(picture("c2")),), **test),
        said_record("e", FIRST, THEN, more_images=(StoredImage.of(picture("e2")),), **test),
        said_record("d", REPORT, **test),
        said_record("free", CAPTION),
    ]
    _, folder = assembled(*records)
    items = {(i.record_id, i.answer_type): i for i in Dataset(folder).exam() if i.question_type == "talk"}
    assert set(items) == {
        ("talk/a", "closed"),
        ("talk/b", "choice"),
        ("talk/b", "open"),
        ("talk/c", "closed"),
        ("talk/d", "caption"),
    }
    assert {key[0]: len(item.more_images) for key, item in items.items() if item.more_images} == {"talk/c": 1}
    assert items["talk/c", "closed"].more_images[0] != items["talk/c", "closed"].image
    assert (items["talk/a", "closed"].reference, items["talk/b", "open"].reference) == ("yes", "Lung")
    assert items["talk/d", "caption"].reference == "Clear lungs. No effusion."
    assert all(item.image for item in items.values())
    gaps = json.loads((folder / "manifest.json").read_text())["exam"]["not_testable"]
    assert [gap["reason"] for gap in gaps if gap["question_type"] == "talk"] == [
        "its images stand between its words: an item shows them before (2)"
    ]


def test_the_report_shows_how_a_source_words_it(assembled, said_record):
    _, folder = assembled(said_record("a", QUESTION), said_record("b", CAPTION))
    page = (folder / "report.html").read_text()
    assert "vqa, as talk words it" in page and "Is the liver visible?" in page
    assert "What sources say themselves" in page
    assert json.loads((folder / "manifest.json").read_text())["delivered"] == {"talk": {"caption": 1, "closed": 1}}


def test_order_on_disk_does_not_matter(assembled, said_record):
    records = [said_record(n, QUESTION if n < "c" else CAPTION, image="same") for n in "abcd"]
    first, _ = assembled(*records)
    second, _ = assembled(*records[::-1])
    assert first == second
    assert Counter(sample.task for sample in first.values())["caption"] == 1


FIRST = Turn(prompt="What is in the first?", answer="A liver.", kind=TurnKind.OPEN, images_at=(0,))
THEN = Turn(prompt="Compare it\nwith this one.", answer="A spleen.", kind=TurnKind.OPEN, images_at=(10,))


def test_each_turn_sees_its_own_images_between_its_words(assembled, said_record, picture):
    samples, _ = assembled(said_record("a", FIRST, THEN, more_images=(StoredImage.of(picture("a2")),)))
    sample = samples["talk/a#delivered"]
    assert shape(sample) == ["U", "T", "T*", "T", "U", "T", "T*"]
    assert texts(sample) == ["What is in the first?", "A liver.", "Compare it", "with this one.", "A spleen."]
    shown = [piece.data for piece in sample.pieces if isinstance(piece, Image)]
    assert shown[0] != shown[1]


def test_what_is_exported_and_delivered_again_is_in_the_same_order(assembled, said_record, picture, tmp_path):
    from components.assembly.export import export_jsonl
    from components.recipes.sources import SourceSettings
    from components.sources.table import read_source

    _, folder = assembled(said_record("a", FIRST, THEN, more_images=(StoredImage.of(picture("a2")),)))
    export_jsonl(folder, tmp_path / "out", "train")
    lines = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    line = next(line for line in lines if line["id"] == "talk/a#delivered")
    assert [message["value"] for message in line["message"]] == [
        "<image>\nWhat is in the first?",
        "A liver.",
        "Compare it\n<image>\nwith this one.",
        "A spleen.",
    ]
    (tmp_path / "out" / "train.jsonl").write_text(json.dumps(line) + "\n")
    settings = SourceSettings(path="x", format="unimedvl")
    (record,) = [item for item in read_source(tmp_path / "out", "back", settings) if isinstance(item, Record)]
    assert record.turns == (FIRST, THEN) and len(record.images) == 2


def test_a_record_whose_turns_show_other_images_than_it_has_is_refused(said_record):
    with pytest.raises(ValueError, match="has 1 images, its turns show 2"):
        said_record("a", FIRST, THEN)


def test_a_question_before_its_image_is_no_benchmark_item(assembled, said_record):
    before = Turn(prompt="What is a cyst?", answer="A closed sac.", kind=TurnKind.OPEN)
    _, folder = assembled(said_record("a", before, FIRST, delivered_split=Split.TEST), said_record("free", CAPTION))
    items = [item for item in Dataset(folder).exam() if item.question_type == "talk"]
    assert [item.prompt for item in items] == [FIRST.prompt]
