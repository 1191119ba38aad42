"""What a model is shown of an item: all its images, and as many grey ones."""

from components.evaluation.predict import answer_rows, plan_questions
from components.evaluation.predictions import GREY, PLAIN
from components.inference.predictor import Answer
from components.recipes.shipped import read_shipped
from components.storage.keys import sha256_bytes
from tests.components.evaluation.material import item, png


class Recorder:
    """Answers nothing and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked = []

    def answer(self, questions, **settings):
        self.asked += questions
        return [
            Answer(text="CT", num_tokens=1, finish_reason="end", logprob=0.0, option_logprobs=()) for _ in questions
        ]


def test_a_question_about_several_images_shows_them_all_and_no_control_exchanges_one() -> None:
    several = item(1, more_images=(png(11), png(12)))
    items = [several, item(2, reference="MRI"), item(3, image=several.image, prompt=several.prompt)]
    showings = plan_questions(items)
    recorder = Recorder()
    rows = answer_rows(recorder, showings, read_shipped("tiny-scratch"), lambda *_: None)
    of_several = {row["variant"]: row["image_sha256"] for row in rows if row["item_id"] == several.item_id}
    assert of_several.keys() == {PLAIN, GREY}
    assert of_several[PLAIN] == [sha256_bytes(data) for data in (several.image, *several.more_images)]
    assert len(of_several[GREY]) == 3 and len(set(of_several[GREY])) == 1
    assert sorted(len(question.more) for question in recorder.asked if question.image is not None)[-2:] == [2, 2]
    plain = [row["image_sha256"] for row in rows if row["variant"] == PLAIN and row["item_id"] == items[2].item_id]
    assert plain == [[sha256_bytes(several.image)]], "the first image alone is another question"
