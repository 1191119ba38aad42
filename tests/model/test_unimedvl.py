import pytest
import torch

from model.attention import AttentionLayout
from model.objective import draw, summed_losses
from model.sequence_builder import SequenceBuilder


def test_a_later_token_does_not_change_an_earlier_prediction(tiny_model, published_packed, published_noisy):
    noisy, sigma = published_noisy
    before = tiny_model(published_packed, noisy, sigma).text_logits
    ids = published_packed.text_ids.clone()
    place = int(published_packed.label_token_index[3])
    ids[int((published_packed.text_token_index == place + 1).nonzero())] = 77
    from dataclasses import replace

    after = tiny_model(replace(published_packed, text_ids=ids), noisy, sigma).text_logits
    assert torch.equal(before[:4], after[:4])
    assert not torch.allclose(before[4], after[4], atol=1e-3)


def test_two_forwards_give_the_same_bytes(stem_model, mixed_packed):
    def gradients():
        stem_model.zero_grad()
        losses = summed_losses(stem_model, mixed_packed, *draw(mixed_packed, torch.Generator().manual_seed(1), 2.0))
        (losses.text_loss_sum + losses.image_loss_sum).backward()
        return [p.grad.clone() for p in stem_model.parameters() if p.requires_grad]

    assert all(torch.equal(first, second) for first, second in zip(gradients(), gradients(), strict=True))


def test_a_sequence_without_a_token_has_a_zero_loss_and_a_zero_gradient_of_every_weight(
    stem_model, stem_config, tiny_model, special
):
    for model, config in ((stem_model, stem_config), (tiny_model, tiny_model.config)):
        empty = SequenceBuilder(special, config).build(may_be_empty=True)
        empty.validate()
        losses = summed_losses(model, empty, *draw(empty, torch.Generator(), 2.0))
        assert losses.text_loss_sum == 0 and losses.image_loss_sum == 0
        (losses.text_loss_sum + losses.image_loss_sum).backward()
        for name, parameter in model.named_parameters():
            assert not parameter.requires_grad or (parameter.grad is not None and not parameter.grad.any()), name


def test_without_a_token_both_back_ends_lay_out_nothing(stem_config, special):
    empty = SequenceBuilder(special, stem_config).build(may_be_empty=True)
    assert [AttentionLayout.from_packed(empty, backend=backend).buckets for backend in ("sdpa", "flex")] == [(), ()]


def test_layers_computed_again_give_the_same_bytes_from_less_memory(stem_model, mixed_packed):
    def gradients(checkpointing):
        stem_model.zero_grad()
        stem_model.checkpoint_gradients(checkpointing)
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
            losses = summed_losses(stem_model, mixed_packed, *draw(mixed_packed, torch.Generator().manual_seed(1), 2.0))
        (losses.text_loss_sum + losses.image_loss_sum).backward()
        return sum(kept), [p.grad.clone() for p in stem_model.parameters() if p.requires_grad]

    (all_kept, plain), (few_kept, again) = gradients(False), gradients(True)
    assert few_kept < 0.6 * all_kept
    assert all(torch.equal(first, second) for first, second in zip(plain, again, strict=True))


@pytest.mark.parametrize("which", [[0], [2], [1], [0, 4]])
def test_also_a_batch_of_one_kind_reaches_every_weight(stem_model, stem_config, pack_some, which):
    packed = pack_some(stem_config, which)
    losses = summed_losses(stem_model, packed, *draw(packed, torch.Generator().manual_seed(1), 2.0))
    total = losses.text_loss_sum + losses.image_loss_sum
    total.backward()
    assert torch.isfinite(total)
    for name, parameter in stem_model.named_parameters():
        assert (parameter.grad is None) != parameter.requires_grad, name


def test_a_few_steps_learn_one_batch(stem_model, mixed_packed):
    sigma, noise = draw(mixed_packed, torch.Generator().manual_seed(1), 1.0)
    optimizer = torch.optim.AdamW(stem_model.parameters(), lr=3e-3)
    history = []
    for _ in range(60):
        losses = summed_losses(stem_model, mixed_packed, sigma, noise)
        loss = losses.text_loss_sum / losses.num_text_targets + losses.image_loss_sum / losses.num_image_targets
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(loss.detach()))
    assert history[-1] < 0.2 * history[0]
