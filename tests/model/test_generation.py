from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from model.generation import Context, GuidanceSettings, generate_image, generate_text, prefill, score_text
from model.packed import SequenceBuilder


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


def test_greedy_answers_equal_the_published_ones(stored, asked, asked_two):
    (alone,) = generate_text([asked], max_new_tokens=23)
    assert list(alone.ids) == stored["text.greedy.tokens"][1:, 0].tolist()
    assert alone.finish_reason == "length"
    logprobs = stored["text.greedy.logits"][:23, 0].log_softmax(-1)
    expected = logprobs.gather(1, torch.tensor(alone.ids)[:, None]).sum()
    assert alone.logprob == pytest.approx(float(expected), abs=1e-3)
    both = generate_text(asked_two, max_new_tokens=11)
    assert [list(answer.ids) for answer in both] == stored["batch.greedy.tokens"][1:].T.tolist()


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


def contexts_of(run, golden, model, special):
    """(main, without the last text, without images) of a stored run."""
    main, image_dropped = Context(model, special), Context(model, special)
    if run.startswith("edit"):
        condition = golden("edit_condition.safetensors")
        main.add_latent(condition["latent_tokens"], (4, 4))
        main.add_vit(condition["vit_patches"], (4, 4))
    text_dropped = main.copy()
    sample, item = (3, 2) if run.startswith("edit") else (2, 0)
    ids = golden("packing.json")["samples"][sample]["items"][item]["ids"]
    main.add_text(ids)
    image_dropped.add_text(ids)
    return main, text_dropped, image_dropped


def settings_of(stored_settings):
    return GuidanceSettings(
        num_timesteps=stored_settings["num_timesteps"],
        timestep_shift=stored_settings["timestep_shift"],
        text_scale=stored_settings["cfg_text_scale"],
        image_scale=stored_settings["cfg_img_scale"],
        interval=tuple(stored_settings["cfg_interval"]),
        renorm=stored_settings["cfg_renorm_type"],
        renorm_min=stored_settings.get("cfg_renorm_min", 0.0),
    )


@pytest.mark.parametrize(
    "run",
    [
        "t2i.global",
        "t2i.channel",
        "t2i.text_channel",
        "t2i.noguide_shift1",
        "edit.text_channel",
        "edit.global",
        "edit.channel",
        "edit.text1_img2",
    ],
)
def test_a_drawing_ends_where_the_published_one_does(golden, runs, stored, tiny_model, special, run):
    contexts = contexts_of(run, golden, tiny_model, special)
    height, width = runs[run]["image_shape"]
    settings = settings_of(runs[run]["settings"])
    assert torch.equal(settings.sigmas()[:-1], stored[f"{run}.t"])
    branches = [[context] for context in contexts]
    (drawn,) = generate_image(*branches, [(height // 16, width // 16)], settings, [stored[f"{run}.init_noise"]])
    assert_close(drawn, stored[f"{run}.x"][-1], atol=2e-4, rtol=0)
    assert [context.num_tokens for context in contexts] == [n for (n,) in runs[run]["kv_lens_main_text_img"]]
    assert [context.position for context in contexts] == runs[run]["rope_main_text_img"]


def test_two_prompts_of_two_sizes_in_one_batch_equal_the_published_ones(runs, stored, tiny_model, special):
    stored_settings = runs["batch_t2i"]["settings"]
    grids = [(2, 3), (4, 2)]
    noises = stored["batch_t2i.latent.packed_init_noises"].split([6, 8])
    main, empty = [Context(tiny_model, special) for _ in range(2)], [Context(tiny_model, special)] * 2
    main[0].add_text([265, 114, 264, 108])
    main[1].add_text([258, 114, 101, 271, 32, 274, 32, 111, 112, 279])
    assert [context.num_tokens for context in main] == runs["batch_t2i"]["kv_lens"]
    for renorm in ("channel", "global", "text_channel"):
        settings = settings_of({**stored_settings, "cfg_renorm_type": renorm})
        both = generate_image(main, empty, empty, grids, settings, noises)
        for number, drawn in enumerate(both):
            # Published code takes the global norm over the whole batch; ours over each image.
            if renorm == "channel":
                assert_close(drawn, stored[f"batch_t2i.channel.latent.{number}"], atol=2e-4, rtol=0)
            (alone,) = generate_image(
                [main[number]], [empty[0]], [empty[0]], [grids[number]], settings, [noises[number]]
            )
            assert_close(drawn, alone, atol=2e-5, rtol=0)


def test_cached_steps_equal_a_plain_forward(golden, tiny_model, special, stored):
    main = contexts_of("edit", golden, tiny_model, special)[0]
    noise = stored["edit.global.init_noise"]
    settings = GuidanceSettings(num_timesteps=2, text_scale=1.0)
    (one_step,) = generate_image([main], [main], [main], [(4, 4)], settings, [noise])
    condition = golden("edit_condition.safetensors")
    builder = SequenceBuilder(special, tiny_model.config)
    builder.start_sample()
    builder.add_latent(condition["latent_tokens"], (4, 4), target=False)
    builder.add_vit(condition["vit_patches"], (4, 4))
    builder.add_text(golden("packing.json")["samples"][3]["items"][2]["ids"], supervised=False)
    builder.add_latent(noise, (4, 4), target=True)
    builder.end_sample()
    packed = builder.build()
    sigma = torch.cat([torch.zeros(16), torch.ones(16)])
    velocity = tiny_model(packed, packed.latents, sigma).velocity.detach()
    assert_close(one_step, noise - velocity, atol=2e-5, rtol=0)


def test_grid_of_noise_levels_is_the_published_one(stored):
    for points, shift in ((8, 3), (24, 1), (30, 4), (50, 3)):
        sigmas = GuidanceSettings(num_timesteps=points, timestep_shift=float(shift)).sigmas()
        assert_close(sigmas, stored[f"grid.n{points}.shift{shift}"], atol=1e-6, rtol=0)


def test_requests_that_make_no_sense_are_refused(asked):
    with pytest.raises(ValueError, match="unknown renorm 'local'; known: global, channel, text_channel"):
        GuidanceSettings(renorm="local")
    with pytest.raises(ValueError, match="counts grid points and must be at least 2, got 1"):
        GuidanceSettings(num_timesteps=1)
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
