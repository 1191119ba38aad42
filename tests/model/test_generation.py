from dataclasses import replace

import pytest
import torch

from model.generation import Context, GuidanceSettings, generate_image, generate_text, prefill, score_text
from model.sequence_builder import SequenceBuilder


@pytest.fixture
def stored(golden):
    return golden("inference.safetensors")


@pytest.fixture
def runs(golden):
    return golden("inference.json")


@pytest.fixture
def asked(stored, tiny_model, special):
    """The published image and question."""
    context = Context(tiny_model, special)
    context.add_vit(stored["text.vit_prefill.packed_vit_tokens"], (4, 4))
    context.add_text(stored["text.prompt_prefill.packed_text_ids"][1:-1].tolist())
    return context


@pytest.fixture
def asked_two(stored, tiny_model, special):
    """The published batch: two images of different size, two questions."""
    patches = stored["batch.vit_prefill.packed_vit_tokens"].split([12, 4])
    ids = stored["batch.prompt_prefill.packed_text_ids"].split([6, 22])
    contexts = []
    for own, grid, text in zip(patches, [(3, 4), (2, 2)], ids, strict=True):
        context = Context(tiny_model, special)
        context.add_vit(own, grid)
        context.add_text(text[1:-1].tolist())
        contexts.append(context)
    return contexts


def test_an_answer_ends_at_the_end_marker_of_its_own_sample(runs, asked, asked_two, special):
    expected = [row[0] for row in runs["text.greedy_stop"]["tokens"][1:]]
    # The published question is closed by the usual end marker, so the other one comes in after it was read.
    ended = asked.copy()
    prefill([ended])
    ended.special = replace(special, end=runs["text.greedy_stop"]["end_token_id"])
    longer = asked
    heard = []
    answers = generate_text(
        [longer, ended, *asked_two], max_new_tokens=9, stream=lambda number, token: heard.append((number, token))
    )
    assert (list(answers[1].ids), answers[1].finish_reason) == (expected, "stop")
    assert len(answers[0].ids) == 9
    assert answers[0].ids[: len(expected)] == answers[1].ids
    for number, answer in enumerate(answers):
        assert tuple(token for who, token in heard if who == number) == answer.ids


def test_contexts_stay_as_they_were(asked):
    before = asked.keys.clone(), asked.position
    first = generate_text([asked], max_new_tokens=5)
    assert torch.equal(asked.keys, before[0])
    assert asked.position == before[1]
    assert generate_text([asked], max_new_tokens=5) == first


def test_answers_do_not_depend_on_the_batch(asked, asked_two):
    contexts = [asked, *asked_two, asked]
    for options in ({}, {"temperature": 0.9, "top_p": 0.8}):
        answers = []
        for size in (1, 3, 4):
            generator = torch.Generator().manual_seed(4)
            batches = [contexts[i : i + size] for i in range(0, 4, size)]
            answers.append(
                [
                    a.ids
                    for batch in batches
                    for a in generate_text(batch, max_new_tokens=8, generator=generator, **options)
                ]
            )
        assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] != answers[0][3], "two samples of one context should differ"


def test_a_small_top_p_takes_the_likeliest_token(asked):
    greedy = generate_text([asked], max_new_tokens=6)
    drawn = generate_text(
        [asked], max_new_tokens=6, temperature=2.0, top_p=1e-6, generator=torch.Generator().manual_seed(0)
    )
    assert drawn[0].ids == greedy[0].ids


def test_sampling_follows_the_probabilities(tiny_model, special):
    context = Context(tiny_model, special)
    context.add_text([5])
    answers = generate_text(
        [context] * 400, max_new_tokens=1, temperature=1.0, generator=torch.Generator().manual_seed(0)
    )
    top = generate_text([context], max_new_tokens=1)[0]
    share = sum(answer.ids == top.ids for answer in answers) / 400
    assert share == pytest.approx(torch.tensor(top.logprob).exp().item(), abs=0.08)


def test_a_score_is_what_generation_and_a_plain_forward_say(asked, asked_two, tiny_model, special, stored):
    answer = generate_text([asked], max_new_tokens=6)[0]
    options = [[list(answer.ids), [7]], [[1, 2, 3]], []]
    scores = score_text([asked, *asked_two], options)
    assert [len(own) for own in scores] == [2, 1, 0]

    builder = SequenceBuilder(special, tiny_model.config)
    builder.start_sample()
    builder.add_vit(stored["text.vit_prefill.packed_vit_tokens"], (4, 4))
    builder.add_text(stored["text.prompt_prefill.packed_text_ids"][1:-1].tolist(), supervised=False)
    builder.add_text(list(answer.ids), supervised=True)
    builder.end_sample()
    packed = builder.build()
    logprobs = tiny_model(packed, packed.latents, torch.zeros(0)).text_logits.log_softmax(-1)
    of_label = logprobs.gather(1, packed.label_ids[:, None])[:, 0].detach()
    assert scores[0][0] == pytest.approx(float(of_label.sum()), abs=1e-3)
    assert answer.logprob == pytest.approx(float(of_label[:-1].sum()), abs=1e-3)


def test_scores_in_small_batches_are_the_same(asked, asked_two, monkeypatch):
    options = [[[1], [2, 3, 4]], [[5, 6]], [[7], [8]]]
    together = score_text([asked, *asked_two], options)
    monkeypatch.setattr("model.generation.MAX_PLACES", 40)
    for own, other in zip(together, score_text([asked, *asked_two], options), strict=True):
        assert own == pytest.approx(other, abs=1e-4)


def test_requests_that_make_no_sense_are_refused(asked):
    with pytest.raises(ValueError, match="needs a generator"):
        generate_text([asked], max_new_tokens=1, temperature=1.0)
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1"):
        generate_text([asked], max_new_tokens=0)
    with pytest.raises(ValueError, match=r"must agree in number, got \[1, 2\]"):
        generate_image([asked], [asked], [asked, asked], [(1, 1)], GuidanceSettings(), [torch.zeros(1, 64)])
    with pytest.raises(ValueError, match="1 contexts but answers for 2"):
        score_text([asked], [[[1]], [[2]]])


def test_empty_batches_are_empty():
    assert generate_text([], max_new_tokens=3) == []
    assert score_text([], []) == []
    assert generate_image([], [], [], [], GuidanceSettings(), []) == []
