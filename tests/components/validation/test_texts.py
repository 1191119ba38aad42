"""What a source says is judged too: empty, endless, unfilled, machine-made or impossible texts have their reasons."""

from dataclasses import replace

import numpy as np
import pytest

from components.images.stored import StoredImage
from components.records.record import Turn
from components.records.vocabulary import Modality, TurnKind
from components.validation import spool as spool_module
from components.validation.judging import judge
from components.validation.texts import LONGEST_ANSWER, LONGEST_PROMPT, MARKER
from components.weights.tokenizer import MARKERS

GOOD = Turn(prompt="Is it large?", answer="yes", kind=TurnKind.CLOSED)
REPORT = Turn(prompt="", answer="Clear lungs. Seen by XXXX.", kind=TurnKind.REPORT)


@pytest.fixture
def verdicts(settings):
    """verdicts(record, …) -> (kept rows, {id: (reason, detail)})."""

    def run(*records):
        judged = judge("s", records, settings, decisions={}, accepted={})
        assert judged.accounting["raw"] == len(records) == len(judged.rows) + len(judged.quarantine)
        return judged.rows, {row["id"]: (row["reason"], row["detail"]) for row in judged.quarantine}

    return run


@pytest.mark.parametrize(
    ("prompt", "answer", "kind"),
    [
        ("Is it large? Answer yes or no.", "yes", TurnKind.CLOSED),
        ("Is it large? Answer: yes/no", "yes", TurnKind.CLOSED),
        ("The answer is yes or no. Is it large?", "yes", TurnKind.CLOSED),
        ("Is the lesion in the left or in the right lung?", "left", TurnKind.OPEN),
        ("Is the left lung fully collapsed or is the left lung fully aerated?", "the left lung fully aerated", "open"),
        ("Which is largest? A: liver", "B", TurnKind.OPEN),
        ("Draw an axial CT of the abdomen.", "Draw an axial CT of the abdomen.", TurnKind.DRAWING),
    ],
)
def test_what_a_question_offers_is_no_leak(verdicts, make, prompt, answer, kind):
    assert verdicts(make("a", turns=(Turn(prompt=prompt, answer=answer, kind=TurnKind(kind)),)))[1] == {}


def test_questions_reports_with_redactions_and_text_alone_are_kept(verdicts, make):
    drawing = Turn(prompt="Draw it.", answer="", kind=TurnKind.DRAWING)
    choice = Turn(prompt="Which?", answer="b", kind=TurnKind.CHOICE, options=("a", "b"))
    text = replace(make("d"), image=None, modality=Modality.TEXT, turns=(GOOD,), facts={}, position=None)
    rows, refused = verdicts(
        make("a", turns=(GOOD, choice)), make("b", turns=(REPORT,)), make("c", turns=(drawing,)), text
    )
    assert refused == {}
    assert [len(row["turns"]) for row in rows] == [2, 1, 1, 1]
    assert (rows[3]["image"], rows[3]["width"]) == (b"", 0)
    assert "XXXX" in rows[1]["turns"][0]["answer"]


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"answer": " "}, "empty text", "answer 1"),
        ({"prompt": ""}, "empty text", "question 1"),
        ({"answer": "It is.<|im_end|>"}, "special token", "<|im_end|>"),
        ({"prompt": "<image> Is it?"}, "special token", "<image>"),
        ({"answer": "As an AI language model, I cannot tell."}, "boilerplate", "as an ai"),
        ({"answer": "I'm sorry, but I can't help."}, "boilerplate", "sorry"),
        ({"answer": "MRN: 4711083"}, "identifier in text", "patient's name or number"),
        ({"prompt": "x" * (LONGEST_PROMPT + 1)}, "too long", "shorten the question"),
        ({"answer": "x" * (LONGEST_ANSWER + 1)}, "too long", "shorten the answer"),
        ({"prompt": "Is it large? (Answer: yes)"}, "leaked answer", "answer 1"),
        ({"prompt": "Is it large? Label = 'Yes'."}, "leaked answer", "take the answer out of the question"),
        (
            {
                "prompt": "The left lung is fully collapsed. What is seen?",
                "answer": "The left lung is fully collapsed.",
            },
            "leaked answer",
            "answer 1",
        ),
        ({"options": ("a", "b")}, "bad options", "answer is one of them"),
        ({"kind": TurnKind.CHOICE, "options": ("yes", "yes")}, "bad options", "two different options"),
        ({"kind": TurnKind.CHOICE, "options": ("a", "b")}, "bad options", "answer is one of them"),
    ],
)
def test_each_defect_of_a_text_has_its_reason_and_spares_its_neighbours(verdicts, make, fields, reason, words):
    _, refused = verdicts(make("a", turns=(GOOD,)), make("b", turns=(replace(GOOD, **fields),)), make("c"))
    assert set(refused) == {"s/b"}
    assert refused["s/b"][0] == reason
    assert words.lower() in refused["s/b"][1].lower()


def test_the_refusal_of_an_identifier_does_not_repeat_it(verdicts, make):
    _, refused = verdicts(make("a", turns=(replace(GOOD, answer="Mail jane.doe@clinic.example.org"),)))
    assert refused["s/a"][0] == "identifier in text"
    assert "jane" not in refused["s/a"][1]


def test_every_marker_of_the_tokenizer_is_known_and_plain_words_are_none():
    assert all(MARKER.fullmatch(marker) for marker in MARKERS)
    assert not any(MARKER.search(text) for text in ("p < 0.05 and |r| > 0.9", "<1 cm", "a|b|c", "HER2 3+"))


def test_text_without_words_and_words_for_an_image_are_mislabelled(verdicts, make):
    nothing = replace(make("a"), image=None, modality=Modality.TEXT)
    _, refused = verdicts(nothing, replace(make("b"), image=None), make("c", modality=Modality.TEXT), make("d"))
    assert {name: reason for name, (reason, _) in refused.items()} == {
        "s/a": "empty text",
        "s/b": "mislabelled",
        "s/c": "mislabelled",
    }


@pytest.mark.parametrize("in_memory", [10, 10**9])
def test_images_come_back_from_the_spool_each_stored_once(make, settings, monkeypatch, in_memory):
    monkeypatch.setattr(spool_module, "IN_MEMORY", in_memory)
    images = [
        StoredImage.of_pixels(np.random.default_rng(n).integers(0, 255, (50, 60), dtype=np.uint8)) for n in range(3)
    ]
    records = [
        make("a", turns=(GOOD,), more_images=(images[1], images[2]), targets={"output": images[0].data}),
        *(replace(make(name), image=images[0]) for name in "bcd"),
    ]
    spool = spool_module.Spool("s")
    held = [spool.hold(record) for record in records]
    assert all(one.record.image.data == b"" for one in held)
    rows = list(spool_module.Rows(spool, held))
    assert [row["image"] for row in rows] == [record.image.data for record in records]
    assert rows[0]["more_images"] == [images[1].data, images[2].data]
    assert rows[0]["targets"] == [("output", images[0].data)]
    distinct = {image.look.data + image.data for image in (records[0].image, *images)} | {images[0].data}
    assert spool._file.seek(0, 2) == sum(map(len, distinct))
