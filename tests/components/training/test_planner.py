"""The planner drops nothing, fills well, is a pure function of its inputs, and knows no rank."""

import json
from collections import Counter
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.storage.keys import unit_interval
from components.training.layout import Visit, sample_key
from components.training.planner import Mixture, Planner, check_world_size, rank_share
from tests.components.training.columns import alike

MIXTURE = Mixture(groups={"i2t": 3.0, "t2i": 1.0}, source_power={"i2t": 1.0, "t2i": 0.5})
SHARES = {"i2t/a": 0.6, "i2t/b": 0.15, "t2i/a": 0.25}
ROOM = 100

Samples = list[tuple[str, str, str]]


def samples(count: int = 40) -> Samples:
    """Group, source and id."""
    asked = [("i2t", "a", f"a/q{n}") for n in range(count)] + [("i2t", "b", f"b/q{n}") for n in range(count // 4)]
    return [*asked, *(("t2i", "a", f"a/d{n}") for n in range(count // 2))]


def length_of(visit: Visit) -> int:
    return 8 + int(unit_interval("length", visit.key, visit.pass_number) * 60)


def planner(found: Samples | None = None, seed: str = "1") -> Planner:
    return Planner(alike(found or samples()), MIXTURE, seed=seed, room=ROOM, length_of=length_of)


def one_by_one(found: Samples, seed: str = "1", mixture: Mixture = MIXTURE) -> Planner:
    """A planner whose sequences hold a sample each, in the order in which they are drawn."""
    return Planner(alike(found, ROOM), mixture, seed=seed, room=ROOM, length_of=lambda _: ROOM)


def drawn(source: Planner, count: int) -> list[Visit]:
    return [visit for (visit,) in source.take(count)]


def test_every_sample_of_a_pass_is_handed_out_once_before_the_next_pass_is_over() -> None:
    visits = [visit for sequence in planner().take(400) for visit in sequence]
    times = Counter(visits)
    assert max(times.values()) == 1, "a sample was drawn twice in one pass"
    passes = {n: sorted(v.pass_number for v in visits if v.number == n) for n in range(len(samples()))}
    complete = min(len(found) for found in passes.values())
    assert complete >= 2
    for name, found in passes.items():
        assert found[: complete - 1] == list(range(complete - 1)), f"{name} was left out of a pass"


def test_no_sequence_is_over_its_room_and_they_are_full() -> None:
    filled = [sum(map(length_of, sequence)) for sequence in planner().take(300)]
    assert max(filled) <= ROOM
    assert sum(filled) / len(filled) > 0.998 * ROOM


@given(seed=st.text(max_size=5), start=st.integers(0, 3000), count=st.integers(1, 2000))
@settings(max_examples=20, deadline=None)
def test_streams_have_their_exact_shares_of_any_draws_in_a_row(seed: str, start: int, count: int) -> None:
    found = samples()
    names = ["/".join(found[visit.number][:2]) for visit in drawn(one_by_one(found, seed), start + count)]
    for name, share in SHARES.items():
        assert abs(names[:count].count(name) - share * count) < 1, "from the first draw on"
        assert abs(names[start:].count(name) - share * count) < 2, "from any draw on"


@given(seed=st.text(max_size=5), passes=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_a_pass_visits_every_sample_of_a_stream_once(seed: str, passes: int) -> None:
    found = samples(12)
    visits = drawn(one_by_one(found, seed), 100)
    for group, source in {sample[:2] for sample in found}:
        mine = [n for n, sample in enumerate(found) if sample[:2] == (group, source)]
        stream = [visit for visit in visits if visit.number in mine]
        for start in range(0, passes * len(mine), len(mine)):
            whole = stream[start : start + len(mine)]
            assert len({visit.pass_number for visit in whole}) <= 1
            assert len({visit.number for visit in whole}) == len(whole)


def test_epochs_are_the_passes_that_are_drawn() -> None:
    source = one_by_one(samples())
    source.take(200)
    found = [visit for visit in drawn(one_by_one(samples()), 200 + 64) if visit.number < 40]
    assert source.epochs["i2t/a"] == pytest.approx(len(found) / 40, abs=1.5 / 40)
    assert set(source.epochs) == set(SHARES)


def test_the_order_depends_on_the_seed_alone_not_on_the_order_of_the_records() -> None:
    turned = samples()[::-1]
    ids = [[samples()[v.number] for v in sequence] for sequence in planner().take(50)]
    assert ids == [[turned[v.number] for v in sequence] for sequence in planner(turned).take(50)]
    assert planner().take(50) != planner(seed="2").take(50)


@given(gone=st.integers(0, 39), seed=st.text(max_size=5))
@settings(max_examples=20, deadline=None)
def test_taking_a_record_away_leaves_the_relative_order_of_the_others(gone: int, seed: str) -> None:
    whole, less = samples(), [sample for n, sample in enumerate(samples()) if n != gone]

    def order(found: Samples) -> list[str]:
        visits = drawn(one_by_one(found, seed), 200)
        return [found[v.number][2] for v in visits if found[v.number][1:2] == ("a",) and v.pass_number == 0]

    for stream in ("a/q", "a/d"):
        before, after = ([name for name in order(found) if name.startswith(stream)] for found in (whole, less))
        assert [name for name in before if name != whole[gone][2]] == after


@given(cut=st.integers(0, 40), per_step=st.sampled_from([1, 2, 3]))
@settings(max_examples=20, deadline=None)
def test_a_restored_planner_goes_on_where_the_saved_one_stood(cut: int, per_step: int) -> None:
    unbroken = planner()
    expected = [unbroken.take(per_step) for _ in range(60)]
    first = planner()
    head = [first.take(per_step) for _ in range(cut)]
    second = planner()
    second.restore(json.loads(json.dumps(first.state())))
    assert head + [second.take(per_step) for _ in range(60 - cut)] == expected


@pytest.mark.parametrize("per_forward", [1, 2, 9])
@pytest.mark.parametrize("world_size", [1, 2, 3, 4, 5])
def test_ranks_together_consume_the_samples_of_each_step_in_equally_many_forwards(
    world_size: int, per_forward: int
) -> None:
    alone, ranks = planner(), [planner() for _ in range(world_size)]
    for _ in range(20):
        shares = [
            rank_share(p.take(5), rank=rank, world_size=world_size, per_forward=per_forward)
            for rank, p in enumerate(ranks)
        ]
        assert Counter(alone.take(5)) == Counter(bin_ for share in shares for group in share for bin_ in group)
        assert {len(share) for share in shares} == {ceil(ceil(5 / world_size) / per_forward)}
        assert max(len(group) for share in shares for group in share) <= per_forward
        sizes = [sum(map(len, share)) for share in shares]
        assert max(sizes) - min(sizes) <= 1


def test_the_state_stays_small() -> None:
    source = planner()
    source.take(500)
    assert len(json.dumps(source.state())) < 2000


def test_more_workers_than_sequences_are_refused() -> None:
    check_world_size(4, 3)
    with pytest.raises(ValueError, match=r"sequences_per_step is 4, too few for 5 workers .* to 4 or less"):
        check_world_size(4, 5)


def test_a_sample_over_the_room_and_a_group_without_samples_are_named() -> None:
    with pytest.raises(ValueError, match=r"number=\d+.* is 101 tokens, over the room of 100 .* raise training.tokens"):
        Planner(alike(samples()), MIXTURE, seed="1", room=ROOM, length_of=lambda _: 101).take(1)
    with pytest.raises(ValueError, match="the mixture asks for text, but"):
        mixture = Mixture(groups={"text": 1.0}, source_power={})
        Planner(alike(samples()), mixture, seed="1", room=ROOM, length_of=length_of)


def test_a_source_with_a_weight_is_drawn_so_many_times_its_share_inside_each_group() -> None:
    weighed = replace(MIXTURE, source_weight={"b": 4.0})
    counts = Counter(samples()[visit.number][:2] for visit in drawn(one_by_one(samples(), mixture=weighed), 800))
    assert counts == {("i2t", "a"): 300, ("i2t", "b"): 300, ("t2i", "a"): 200}
    with pytest.raises(ValueError, match=r"training.source_weight names 'bb', .* no sample.*b"):
        one_by_one(samples(), mixture=replace(MIXTURE, source_weight={"bb": 2.0}))


def test_a_state_of_other_streams_or_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="planner's state is of the streams"):
        planner([sample for sample in samples() if sample[1] == "a"]).restore(planner().state())
    earlier = {"draws": 3, "streams": {"i2t/a": [0, 2], "i2t/b": [0, 0], "t2i/a": [0, 1]}, "open": [], "closed": []}
    with pytest.raises(ValueError, match=r"planner's state is of form 1, this code reads 2; remove .unimed/training"):
        planner().restore(earlier)


def test_a_restored_visit_has_the_key_of_its_sample() -> None:
    source = planner()
    source.take(3)
    second = planner()
    second.restore(source.state())
    visits = [visit for sequence in second.take(5) for visit in sequence]
    assert all(visit.key == sample_key(samples()[visit.number][2]) for visit in visits)
