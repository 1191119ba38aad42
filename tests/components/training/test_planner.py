"""The planner drops nothing, fills well, is a pure function of its inputs, and knows no rank."""

import json
from collections import Counter
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.storage.keys import unit_interval
from components.training.layout import Visit
from components.training.planner import OPEN_BINS, Entry, Mixture, Planner, check_world_size, rank_share

MIXTURE = Mixture(groups={"i2t": 3.0, "t2i": 1.0}, source_power={"i2t": 1.0, "t2i": 0.5})
ROOM = 100


def entries(count: int = 40) -> list[Entry]:
    i2t = [Entry(f"a/q{n}", "i2t", "a") for n in range(count)] + [
        Entry(f"b/q{n}", "i2t", "b") for n in range(count // 4)
    ]
    return [*i2t, *(Entry(f"a/d{n}", "t2i", "a") for n in range(count // 2))]


def length_of(visit: Visit) -> int:
    return 8 + int(unit_interval("length", visit.sample_id, visit.pass_number) * 60)


def planner(found: list[Entry] | None = None, seed: str = "1") -> Planner:
    return Planner(found or entries(), MIXTURE, seed=seed, room=ROOM, length_of=length_of)


def test_every_sample_of_a_pass_is_handed_out_once_before_the_next_pass_is_over() -> None:
    visits = [visit for sequence in planner().take(400) for visit in sequence]
    times = Counter(visits)
    assert max(times.values()) == 1, "a sample was drawn twice in one pass"
    passes = {
        entry.sample_id: sorted(v.pass_number for v in visits if v.sample_id == entry.sample_id) for entry in entries()
    }
    complete = min(len(found) for found in passes.values())
    assert complete >= 2
    for name, found in passes.items():
        assert found[: complete - 1] == list(range(complete - 1)), f"{name} was left out of a pass"


def test_no_sequence_is_over_its_room_and_they_are_well_filled() -> None:
    filled = [sum(map(length_of, sequence)) for sequence in planner().take(300)]
    assert max(filled) <= ROOM
    assert sum(filled) / len(filled) > 0.93 * ROOM


def test_groups_and_sources_are_drawn_by_their_weights() -> None:
    visits = [visit for sequence in planner().take(1500) for visit in sequence]
    drawings = sum(visit.sample_id.startswith("a/d") for visit in visits)
    assert drawings / len(visits) == pytest.approx(0.25, abs=0.03)
    questions = [visit for visit in visits if "/q" in visit.sample_id]
    assert sum(v.sample_id.startswith("b/") for v in questions) / len(questions) == pytest.approx(0.2, abs=0.03)


def test_the_order_depends_on_the_seed_alone_not_on_the_order_of_the_records() -> None:
    assert planner().take(50) == planner(list(reversed(entries()))).take(50)
    assert planner().take(50) != planner(seed="2").take(50)


def test_taking_a_record_away_leaves_the_relative_order_of_the_others() -> None:
    gone = "a/q7"

    def order(found: list[Entry]) -> list[str]:
        taken = [v for sequence in planner(found).take(60) for v in sequence if v.pass_number == 0]
        return [visit.sample_id for visit in taken]

    def drawn(found: list[Entry]) -> list[str]:
        source = Planner(
            found, Mixture(groups={"i2t": 1.0}, source_power={"i2t": 1.0}), seed="1", room=8, length_of=lambda _: 8
        )
        return [v.sample_id for sequence in source.take(30) for v in sequence if v.sample_id.startswith("a/")]

    whole, without = drawn(entries()), drawn([e for e in entries() if e.sample_id != gone])
    common = [name for name in whole if name in without]
    assert gone in order(entries())
    assert common == [name for name in without if name in common]


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
    assert len(json.dumps(source.state())) < 2000 + 60 * OPEN_BINS * 15


def test_more_workers_than_sequences_are_refused() -> None:
    check_world_size(4, 3)
    with pytest.raises(ValueError, match=r"sequences_per_step is 4, too few for 5 workers .* to 4 or less"):
        check_world_size(4, 5)


def test_a_sample_over_the_room_and_a_group_without_samples_are_named() -> None:
    with pytest.raises(ValueError, match=r"sample a/q\d+ is 101 tokens, over the room of 100 .* raise training.tokens"):
        Planner(
            entries(), Mixture(groups={"i2t": 1.0}, source_power={}), seed="1", room=ROOM, length_of=lambda _: 101
        ).take(1)
    with pytest.raises(ValueError, match="the mixture asks for text, but"):
        Planner(entries(), Mixture(groups={"text": 1.0}, source_power={}), seed="1", room=ROOM, length_of=length_of)


def test_a_state_of_other_sources_is_refused() -> None:
    with pytest.raises(ValueError, match="planner's state is of the streams"):
        planner([e for e in entries() if e.source == "a"]).restore(planner().state())
