import pytest
import torch
from torch.testing import assert_close

from model import generation
from model.extrapolation import EVERY, FIRST, Extrapolation, computes
from model.generation import Context, GuidanceSettings, generate_image

LONG = GuidanceSettings(num_timesteps=20, interval=(0.5, 1.0), extrapolates=True)


def ran(states, steps):
    """What an extrapolation gives of states(step), and the steps that it computed."""
    extrapolation, computed = Extrapolation(), []

    def compute(step):
        computed.append(step)
        return states(step)

    return [extrapolation.next(lambda step=step: compute(step)) for step in range(steps)], computed


def test_the_first_steps_are_computed_and_then_one_in_three():
    _, computed = ran(lambda step: torch.zeros(2), 15)
    assert computed == [step for step in range(15) if computes(step)] == [0, 1, 2, 3, 4, 7, 10, 13]


def test_states_that_move_evenly_are_continued_exactly():
    def line(step):
        return torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.0, 4.0]]) * step + 7

    found, computed = ran(line, 16)
    assert len(computed) < 16
    for step, states in enumerate(found):
        assert_close(states, line(step), atol=1e-5, rtol=0)


def test_a_smooth_path_is_followed_closer_than_by_standing_still():
    def path(step):
        return torch.tensor([0.1 * step]).sin()

    (found, computed), continued, still = ran(path, 40), 0.0, 0.0
    for step in range(FIRST + EVERY, 40):
        last = max(earlier for earlier in computed if earlier <= step)
        continued += float((found[step] - path(step)).abs())
        still += float((path(last) - path(step)).abs())
    assert continued < 0.3 * still


def test_continued_states_keep_their_type():
    found, _ = ran(lambda step: torch.full((2,), step / 3, dtype=torch.bfloat16), 8)
    assert {states.dtype for states in found} == {torch.bfloat16}


@pytest.fixture
def drawing(tiny_model, special):
    """draw(settings, numbers of prompts) -> one image each, of two sizes."""
    contexts = []
    for ids in ([5, 6, 7], [8, 9, 10, 11, 12]):
        context = Context(tiny_model, special)
        context.add_text(ids)
        contexts.append(context)
    grids = [(2, 3), (4, 2)]

    def draw(settings, numbers=(0, 1)):
        generator = torch.Generator().manual_seed(1)
        noises = [torch.randn(rows * columns, 64, generator=generator) for rows, columns in grids]
        empty = [Context(tiny_model, special) for _ in numbers]
        chosen = [[values[number] for number in numbers] for values in (contexts, grids, noises)]
        return generate_image(chosen[0], empty, empty, chosen[1], settings, chosen[2])

    return draw


def test_a_branch_counts_the_steps_in_which_it_ran(drawing, monkeypatch):
    """Guidance ends before the drawing: the branch without text stops counting there, the whole one goes on."""
    counted = {}
    plain = Extrapolation.next

    def heard(self, compute):
        counted[id(self)] = counted.get(id(self), 0) + 1
        return plain(self, compute)

    monkeypatch.setattr(Extrapolation, "next", heard)
    made = []
    monkeypatch.setattr(generation, "Extrapolation", lambda: made.append(Extrapolation()) or made[-1])
    drawing(LONG)
    guided = sum(LONG.guides_at(sigma) for sigma in LONG.sigmas()[:-1].tolist())
    assert [counted[id(one)] for one in made] == [19, guided] and FIRST < guided < 19


def test_it_runs_the_layers_in_fewer_steps(drawing, tiny_model):
    calls = []
    handle = tiny_model.language_model.model.layers[0].register_forward_hook(lambda *_: calls.append(1))
    drawing(GuidanceSettings(num_timesteps=20, text_scale=1.0, extrapolates=True))
    handle.remove()
    assert len(calls) == 1 + sum(map(computes, range(19))), "one prefill, and the steps that are computed"


def test_nothing_is_left_behind_and_nobody_else_matters(drawing):
    before = drawing(GuidanceSettings(num_timesteps=12))
    together = drawing(LONG)
    assert all(torch.equal(*pair) for pair in zip(together, drawing(LONG), strict=True))
    assert all(torch.equal(*pair) for pair in zip(before, drawing(GuidanceSettings(num_timesteps=12)), strict=True))
    for number in (0, 1):
        (alone,) = drawing(LONG, [number])
        assert_close(alone, together[number], atol=2e-5, rtol=0)
