"""Conversations in every form that public files have, and what is wrong with some of them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from components.records.vocabulary import Modality, Split, TurnKind


@pytest.fixture
def rows(read, draw, tmp_path):
    """rows(row, …, name=…) -> (records, unreadables) of a folder with a.png and b.png and these rows as JSON lines."""
    for number, name in enumerate(("a.png", "b.png")):
        draw(tmp_path / name, number)

    def run(*found: object, name: str = "talks.jsonl", format_name: str = "jsonl"):
        (tmp_path / name).write_text("\n".join(json.dumps(row) for row in found))
        records, unreadable = read(tmp_path, "chat", format_name)
        return list(records.values()), unreadable

    return run


def talk(*said: str, **more: object) -> dict[str, object]:
    """A row in LLaVA's form: questions and answers in turn."""
    roles = ("human", "gpt")
    return {"conversations": [{"from": roles[n % 2], "value": text} for n, text in enumerate(said)], **more}


def test_llava_rows_give_turns_in_order_without_marks(rows):
    (record,), unreadable = rows(
        talk(
            "<image>\nIs it CT?", "Yes", "Which organ?", "liver", image="a.png", domain={"ct_scan": True, "mri": False}
        )
    )
    assert not unreadable
    assert [(t.prompt, t.answer, t.kind) for t in record.turns] == [
        ("Is it CT?", "Yes", TurnKind.CLOSED),
        ("Which organ?", "liver", TurnKind.OPEN),
    ]
    assert (record.modality, record.language, record.delivered_split) == (Modality.CT, "en", None)
    assert record.subject == record.provenance.sha256 and not record.more_images


def test_misspelt_key_list_of_images_and_text_alone_are_read(rows):
    odd = talk("<image>\n<image>\nCompare.", "They differ.", image=["a.png", "b.png"])
    odd["conversatons"] = odd.pop("conversations")
    (two, alone), unreadable = rows(odd, talk("什么是囊肿?", "充满液体的囊。"))
    assert not unreadable
    assert len(two.more_images) == 1
    assert (alone.modality, alone.image, alone.language) == (Modality.TEXT, None, "zh")


def test_messages_of_openai_and_qwen_are_read(rows):
    asked = [{"type": "text", "text": "Describe this image."}, {"type": "image_url", "image_url": {"url": "a.png"}}]
    row = {
        "messages": [
            {"role": "system", "content": "You are a radiologist."},
            {"role": "user", "content": asked},
            {"role": "assistant", "content": "A chest X-ray."},
        ],
        "modality": "X-Ray",
        "split": "test",
    }
    plain = {
        "messages": [{"role": "user", "content": "<image>Which?"}, {"role": "assistant", "content": "b"}],
        "images": ["b.png"],
    }
    (record, other), unreadable = rows(row, plain)
    assert not unreadable
    assert record.turns[0].prompt == "You are a radiologist.\nDescribe this image."
    assert record.turns[0].kind is TurnKind.CAPTION
    assert (record.modality, record.delivered_split) == (Modality.XRAY, Split.TEST)
    assert other.turns[0].prompt == "Which?"


@pytest.mark.parametrize(
    ("row", "reason", "words"),
    [
        (talk("<image><image><image> What?", "x", image=["a.png", "b.png"]), "placeholders", "3 <image> marks but 2"),
        (talk("<image> What?", "x"), "placeholders", "1 <image> marks but 0 images"),
        (talk("What?", image="a.png"), "broken conversation", "1 messages"),
        (talk("What?", " ", image="a.png"), "empty answer", "no answer to 'What?'"),
        (
            {"conversations": [{"from": "gpt", "value": "x"}, {"from": "human", "value": "y"}]},
            "broken conversation",
            "gpt",
        ),
        (talk("What?", "x", image="c.png"), "missing image", "'c.png' was not delivered"),
        (talk("What?", "x", image="../../etc/passwd"), "bad path", "leads out"),
        (talk("What?", "x", image="/etc/passwd"), "bad path", "leads out"),
        (talk("What?", "x", image="https://example.org/a.png"), "bad path", "deliver the file"),
        (talk("What?", "x", image="file:a.png"), "bad path", "deliver the file"),
        (talk("What?", "x", image="a\0.png"), "bad path", "deliver the file"),
        ({"question": "What?"}, "missing field", "answer"),
        (["no", "row"], "not a row", "an object was expected"),
    ],
)
def test_what_does_not_fit_is_counted_with_its_reason(rows, row, reason, words):
    good = talk("<image> What?", "x", image="a.png")
    records, (item,) = rows(good, row)
    assert len(records) == 1
    assert (item.reason, item.file) == (reason, "talks.jsonl")
    assert words in item.detail and "row 1" in item.detail


def test_a_link_that_leads_out_is_not_followed(rows, tmp_path, tmp_path_factory, draw):
    secret = draw(tmp_path_factory.mktemp("outside") / "secret.png")
    (tmp_path / "link.png").symlink_to(secret)
    _, (item,) = rows(talk("What?", "x", image="link.png"))
    assert item.reason == "outside the folder"


def test_pickles_and_archives_are_refused_by_name(rows, tmp_path):
    (tmp_path / "qas.pkl").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    (tmp_path / "images.zip").write_bytes(b"PK")
    _, unreadable = rows(talk("What?", "x"))
    assert {item.file: item.reason for item in unreadable} == {
        "qas.pkl": "pickle refused",
        "images.zip": "not unpacked",
    }
    assert not (Path.cwd() / "canary").exists()


def published(*said: str, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> dict[str, object]:
    """A row as UniMedVL publishes it."""
    roles = ("human", "gpt")
    row: dict[str, object] = {"message": [{"from": roles[n % 2], "value": text} for n, text in enumerate(said)]}
    for name, images in (("input_img", before), ("output_img", after)):
        if images:
            row[name] = [{"path": path, "height": 60, "width": 80} for path in images]
    return row


def test_published_unimedvl_rows_are_taken_unchanged(rows):
    found, unreadable = rows(
        published("<image>\n<image>\nWhich is worse?", "the second", before=("a.png", "b.png")),
        published("<image> Old.", "Old.", "Make it PET.", "Here it is.", before=("a.png",), after=("b.png", "a.png")),
        published("Draw a chest CT.", "A CT follows.", after=("b.png",)),
        published("What is PET?", "A tracer image."),
        published("<image>\n<image>\nWhich?", "one", before=("a.png",)),
        format_name="unimedvl",
    )
    asked, edit, drawn, text = found
    assert len(asked.more_images) == 1 and asked.turns[0].kind is TurnKind.OPEN
    assert (edit.turns[0].prompt, edit.turns[0].answer, len(edit.turns)) == ("Make it PET.", "Here it is.", 1)
    assert edit.turns[0].kind is drawn.turns[0].kind is TurnKind.DRAWING
    assert set(edit.targets) == {"output"} and edit.image == asked.image and edit.targets["output"] == drawn.image.data
    assert not drawn.targets
    assert text.modality is Modality.TEXT
    assert [item.reason for item in unreadable] == ["placeholders"]


def test_cares_questions_are_flat_rows_whose_ids_say_nothing(public, read, tmp_path):
    source = public / "iu-xray" / "cares" / "iuxray_factuality.jsonl"
    lines = [json.loads(line) for line in source.read_text().splitlines()]
    (tmp_path / "cares.jsonl").write_text(source.read_text())
    records, unreadable = read(tmp_path, "cares", "jsonl")
    assert not records
    silent = sum(not line["answer"] for line in lines)
    expected = Counter({"missing image": len(lines) - silent, "empty answer": silent})
    assert Counter(item.reason for item in unreadable) == expected
    assert len({item.id for item in unreadable}) == len(lines) > len({line["question_id"] for line in lines}) == 1


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("conversation_", talk("Is it CT?", "Yes")["conversations"], "'conversation_'; did you mean 'conversation'"),
        ("captoin", "A liver.", "'captoin'; did you mean 'caption'"),
        ("conversations", "Is it CT? Yes", "conversations is a list of messages, got 'Is it CT"),
    ],
)
def test_words_under_a_key_that_is_nearly_known_are_not_lost_in_silence(rows, key, value, words):
    (kept,), (bad,) = rows(
        {"image": "a.png", key: value}, {"image": "b.png", "conversation_id": "7", "texture": "fine"}
    )
    assert words in bad.detail and bad.detail.startswith("row 0")
    assert not kept.turns, "an image without words is a record all the same"


def placed(record) -> list[tuple[str, tuple[int, ...]]]:
    return [(turn.prompt, turn.images_at) for turn in record.turns]


def shown(record) -> list[str]:
    """Which of the folder's two pictures each image is."""
    first = record.images[0].sha256
    return ["a" if image.sha256 == first else "b" for image in record.images]


def test_each_mark_of_a_later_turn_takes_the_next_image(rows):
    (record, first), unreadable = rows(
        talk("<image>What is in the first?", "A liver.", "<image>And here?", "A spleen.", image=["a.png", "b.png"]),
        talk("<image>\n<image>\nCompare.", "They differ.", "Why?", "No idea.", image=["a.png", "b.png"]),
    )
    assert not unreadable
    assert placed(record) == [("What is in the first?", (0,)), ("And here?", (0,))]
    assert placed(first) == [("Compare.", ()), ("Why?", ())], "all before the first words is said by nothing"


def test_parts_of_messages_keep_texts_and_images_in_their_order(rows):
    def ask(*parts: object) -> dict[str, object]:
        said = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
        return {"role": "user", "content": said}

    answer = {"role": "assistant", "content": "One."}
    openai = [{"type": "image_url", "image_url": {"url": f"{name}.png"}} for name in "ab"]
    qwen = [{"type": "image", "image": f"{name}.png"} for name in "ab"]
    found, unreadable = rows(
        {"messages": [ask("Compare", openai[0], "with", openai[1], "now."), answer]},
        {"messages": [ask(qwen[0], "First?"), answer, ask("And", qwen[1], "?"), answer]},
        {
            "messages": [ask({"type": "image"}, "First?"), answer, ask({"type": "image"}, "?"), answer],
            "images": ["a.png", "b.png"],
        },
        {
            "messages": [{"role": "user", "content": "Is <image 2> worse than <image 1>?"}, answer],
            "images": ["b.png", "a.png"],
        },
        {"messages": [{"role": "user", "content": "Picture 1: <img>a.png</img>\nWhich?"}, answer]},
        {
            "messages": [
                {"role": "user", "content": "Which?", "images": ["a.png"]},
                answer,
                ask("And?", qwen[1]),
                answer,
            ]
        },
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                ask(qwen[0], "First?"),
                answer,
                ask(qwen[1], "?"),
                answer,
            ]
        },
    )
    assert not unreadable
    assert [placed(record) for record in found] == [
        [("Compare\nwith\nnow.", (7, 12))],
        [("First?", (0,)), ("And\n?", (3,))],
        [("First?", (0,)), ("?", (0,))],
        [("Is\nworse than\n?", (2, 13))],
        [("Picture 1:\nWhich?", (10,))],
        [("Which?", (0,)), ("And?", (4,))],
        [("Be kind.\nFirst?", (0,)), ("?", (0,))],
    ]
    assert [shown(record) for record in found] == [list("ab")] * 4 + [["a"]] + [list("ab")] * 2
    assert found[3].images == found[0].images, "the second mark of the row's images came first"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (talk("Draw it.", "<image>", image="a.png"), "an answer shows an image"),
        (talk("<image 1> and <image 3>", "x", image=["a.png", "b.png"]), "mark each image once"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video", "video": "a.mp4"}]}]},
            "a part of type 'video' is not read",
        ),
        (
            {"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A", "weight": 0}]},
            "'weight' is 0",
        ),
        (
            {"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A", "loss": False}]},
            "'loss' is False",
        ),
    ],
)
def test_what_has_no_place_in_a_conversation_is_named(rows, row, words):
    _, (item,) = rows(row)
    assert words in item.detail
