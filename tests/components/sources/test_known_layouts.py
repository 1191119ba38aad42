"""What lies beside images and no format reads is called by its name, with the way to have it read."""

import json

import pytest

from components.sources.reading.known_layouts import layout_of

VOC = "<annotation><filename>a.png</filename><object><bndbox/></object></annotation>"
LABELME = json.dumps({"shapes": [{"label": "x", "points": [[1, 2]]}], "imagePath": "a.png"})
COCO = json.dumps({"images": [{"id": 1, "file_name": "a.png"}], "annotations": []})


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.xml", VOC, "boxes of Pascal VOC; add them with --format voc"),
        ("a.json", LABELME, "shapes of LabelMe; add them with --format labelme"),
        ("a.txt", "0 0.5 0.5 0.1 0.2\n12 0.25 .5 1 0.2\n", "boxes of YOLO; add them with --format yolo"),
        ("a.txt", "1 0.5 0.5 0.1 0.2 0.3 0.4", "boxes of YOLO"),
        ("list.json", COCO, "--format coco"),
        ("qa.csv", "image;Question;Answer\n", "--format jsonl"),
        ("qa.tsv", "img_name\tquestion\tanswer\n", "--format jsonl"),
        ("qa.jsonl", '{"question": "a", "answer": "b"}', "--format jsonl"),
        ("said.csv", "image,caption\n", "--format jsonl"),
    ],
)
def test_a_file_of_a_known_layout_is_called_by_it(name, text, says, read, draw, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    assert says in layout_of(path)
    draw(tmp_path / "a.png")
    for format_name in ("images",) if says.endswith("coco") else ("images", "coco"):
        _, unreadable = read(tmp_path, "loose", format_name)
        (item,) = [item for item in unreadable if item.file == name]
        assert item.reason == "unknown file" and says in item.detail


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.txt", "12 images of 0.5 mm\n"),
        ("a.xml", "<report/>"),
        ("a.json", '{"a": 1}'),
        ("a.csv", "a,b\n"),
        ("e", ""),
    ],
)
def test_any_other_file_is_not_guessed_at(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    assert layout_of(tmp_path / name) == "" == layout_of(tmp_path / "gone.csv")


def test_a_table_of_questions_and_answers_is_read_as_conversations(read, draw, tmp_path):
    draw(tmp_path / "images" / "a.png")
    (tmp_path / "qa.csv").write_text('image,question,answer\na.png,"Which stain, if any?",none\na.png,Is it CT?,\n')
    (tmp_path / "said.tsv").write_text("image\tcaption\na.png\tA CT.\n")
    records, (item,) = read(tmp_path, "table", "jsonl")
    (asked,) = records["table/qa-0000000"].turns
    assert (asked.prompt, asked.answer) == ("Which stain, if any?", "none")
    assert records["table/said-0000000"].turns[0].answer == "A CT."
    assert item.reason == "empty answer"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"report": "The lungs are clear."}, "name it caption"),
        ({"Findings": "Clear."}, "name it caption"),
        ({"bboxes": [[1, 2, 3, 4]]}, "--format coco"),
        (json.loads(LABELME), "--format coco"),
    ],
)
def test_what_a_row_says_of_its_image_is_read_or_refused_by_name(row, says, read, draw, tmp_path):
    draw(tmp_path / "a.png")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"image": "a.png", **row}))
    records, (item,) = read(tmp_path, "rows", "jsonl")
    assert not records and item.reason == "unread column" and says in item.detail
    spoken = {
        "image": "a.png",
        "caption": "A CT.",
        **{name: value for name, value in row.items() if name != "imagePath"},
    }
    (tmp_path / "rows.jsonl").write_text(json.dumps(spoken))
    assert len(read(tmp_path, "rows", "jsonl")[0]) == 1
