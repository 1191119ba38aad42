from dataclasses import replace

import pytest
import torch

from model.sequence_builder import SequenceBuilder


@pytest.fixture
def builder(special, tiny_config):
    builder = SequenceBuilder(special, tiny_config())
    builder.start_sample()
    return builder


def test_a_dropped_image_keeps_its_position_and_a_dropped_text_does_not(builder):
    builder.add_text([1, 2], supervised=False)
    assert builder.position == 4
    builder.add_text([3], supervised=False, dropped=True)
    assert builder.position == 4
    builder.add_vit(torch.zeros(4, 588), (2, 2), dropped=True)
    builder.add_latent(torch.zeros(4, 64), (2, 2), target=False, dropped=True)
    assert builder.position == 6
    assert builder.end_sample() == 4


def test_a_target_takes_no_position(builder):
    builder.add_latent(torch.zeros(2, 64), (1, 2), target=True)
    builder.add_latent(torch.zeros(2, 64), (1, 2), target=False)
    builder.add_text([5], supervised=False)
    builder.end_sample()
    assert builder.build().position_ids.tolist() == [0] * 8 + [1, 2, 3]


def test_labels_are_the_next_ids_and_the_end(builder, special):
    builder.add_text([1, 2, 3], supervised=False)
    builder.add_text([4, 5], supervised=True)
    builder.end_sample()
    packed = builder.build()
    assert packed.label_token_index.tolist() == [5, 6, 7]
    assert packed.label_ids.tolist() == [4, 5, special.end]


def test_what_cannot_be_laid_out_is_refused(builder, special, tiny_config):
    with pytest.raises(ValueError, match=r"shape \(4, 588\), a grid of 3 x 2 needs \(6, 588\)"):
        builder.add_vit(torch.zeros(4, 588), (3, 2))
    with pytest.raises(ValueError, match="9 x 1 patches does not fit a position table of 8"):
        builder.add_latent(torch.zeros(9, 64), (9, 1), target=True)
    with pytest.raises(ValueError, match="target image cannot be dropped"):
        builder.add_latent(torch.zeros(4, 64), (2, 2), target=True, dropped=True)
    with pytest.raises(ValueError, match="supervised text cannot be dropped"):
        builder.add_text([1], supervised=True, dropped=True)
    with pytest.raises(ValueError, match="no tokens: every piece of it was dropped"):
        builder.end_sample()
    with pytest.raises(ValueError, match="open already"):
        builder.start_sample()
    with pytest.raises(ValueError, match="sample is open"):
        builder.build()
    with pytest.raises(ValueError, match="no sample is open"):
        SequenceBuilder(special, tiny_config()).add_text([1], supervised=False)
    with pytest.raises(ValueError, match="at least one sample"):
        SequenceBuilder(special, tiny_config()).build()


def test_a_target_video_moves_on_by_its_steps_alone_and_a_condition_by_one_more(builder):
    frames = [torch.zeros(2, 64)] * 3
    builder.add_frames(frames, (1, 2), [2, 3], target=True)
    assert builder.position == 5
    builder.add_frames(frames[:2], (1, 2), [4], target=False)
    assert builder.position == 10
    builder.add_latent(frames[0], (1, 2), target=True)
    builder.end_sample()
    packed = builder.build()
    packed.validate()
    assert packed.split_lens == (12, 8, 4) and packed.attention_modes == ("full", "full", "noise")
    assert packed.position_ids.tolist() == [0] * 4 + [2] * 4 + [5] * 8 + [9] * 4 + [10] * 4
    assert packed.latent_leader.tolist() == [0, 0, 0, 3, 3, 5]
    assert packed.num_targets == 8


@pytest.mark.parametrize(("frames", "steps"), [(1, []), (0, []), (3, [1]), (2, [1, 1])])
def test_a_video_has_a_step_between_each_two_frames(builder, frames, steps):
    with pytest.raises(ValueError, match=rf"a step between each two, got {frames} and {len(steps)}"):
        builder.add_frames([torch.zeros(2, 64)] * frames, (1, 2), steps, target=True)


def test_a_frame_of_another_size_is_refused_before_any_is_laid_out(builder):
    with pytest.raises(ValueError, match=r"of a frame have shape \(4, 64\), a grid of 1 x 2 needs \(2, 64\)"):
        builder.add_frames([torch.zeros(2, 64), torch.zeros(4, 64)], (1, 2), [1], target=True)
    with pytest.raises(ValueError, match="no tokens"):
        builder.end_sample()


def test_validate_names_what_does_not_fit(published_packed):
    broken = replace(published_packed, text_ids=published_packed.text_ids[1:])
    with pytest.raises(ValueError, match=r"text_ids and text_token_index: 242 against 243"):
        broken.validate()
    twice = published_packed.text_token_index.clone()
    twice[1] = twice[0]
    with pytest.raises(ValueError, match=r"do not cover 0\.\.N-1 exactly once"):
        replace(published_packed, text_token_index=twice).validate()
    lens = published_packed.sample_lens
    with pytest.raises(ValueError, match="split crosses the border"):
        replace(published_packed, sample_lens=(lens[0] + 1, lens[1] - 1, *lens[2:])).validate()
