"""Parts of tensors come back whole, whoever wrote them and however they are cut anew."""

from pathlib import Path

import pytest
import torch

from components.training.sharding import Region
from components.training.state_files import Copy, Held, _fill, cards, held, is_whole, read_parts, write_parts
from model.tensor_files import LazyTensor

WHOLE = torch.arange(35.0).reshape(7, 5)


def rows(low: int, high: int) -> Region:
    return Region((low, 0), (high - low, 5), (7, 5))


def written(folder: Path, *cuts: tuple[int, int]) -> Path:
    folder.mkdir()
    for rank, cut in enumerate(cuts):
        write_parts(folder, Held({"a": WHOLE[slice(*cut)]}, {"a": rows(*cut)}), rank)
    return folder


@pytest.mark.parametrize("cuts", [[(0, 7)], [(0, 3), (3, 7)], [(0, 2), (2, 4), (4, 6), (6, 7)]])
def test_a_tensor_is_read_whole_from_whatever_parts(tmp_path: Path, cuts: list[tuple[int, int]]) -> None:
    folder = written(tmp_path / "state", *cuts)
    found = torch.zeros(7, 5)
    write_parts(folder, Held({}, {}), len(cuts))  # a rank whose parts others hold too
    read_parts(folder, cards(folder, len(cuts) + 1), {"a": found})
    assert torch.equal(found, WHOLE)


@pytest.mark.parametrize("want", [(0, 4), (1, 2), (3, 7), (2, 6)])
def test_a_rank_takes_of_each_part_what_overlaps_its_own(want: tuple[int, int]) -> None:
    parts = [(rows(*cut), LazyTensor.of(WHOLE[slice(*cut)])) for cut in ((0, 3), (3, 5), (5, 7))]
    found = torch.zeros(want[1] - want[0], 5)
    _fill("a", found, rows(*want), parts)
    assert torch.equal(found, WHOLE[slice(*want)])


def test_a_hole_another_shape_and_a_missing_tensor_are_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "state", (0, 3), (4, 7))
    for tensors, said in (
        ({"a": torch.zeros(7, 5)}, "holds 30 of the 35 numbers of a"),
        ({"b": torch.zeros(2)}, "holds 0 of the 2 numbers of b"),
        ({"a": torch.zeros(5, 7)}, r"a has shape \(7, 5\), the network's \(5, 7\)"),
    ):
        with pytest.raises(ValueError, match=said):
            read_parts(folder, cards(folder, 2), tensors)


def test_what_is_no_tensor_of_floating_point_numbers_is_refused() -> None:
    for value, said in ((3, "a is int"), (torch.tensor(3), r"a is of torch\.int64")):
        with pytest.raises(ValueError, match=said):
            held({"a": value}, 0)  # type: ignore[dict-item]
    assert set(held({"a": WHOLE}, 0).memory) == {"a"} and not held({"a": WHOLE}, 1).memory


def test_the_copy_is_of_the_moment_and_its_memory_is_taken_once() -> None:
    tensor, copy = WHOLE.clone(), Copy()
    first = copy.take(held({"a": tensor}, 0))
    tensor.zero_()
    assert torch.equal(first.memory["a"], WHOLE)
    again = copy.take(held({"a": tensor}, 0))
    assert again.memory["a"].data_ptr() == first.memory["a"].data_ptr() and not again.memory["a"].any()


def test_a_damaged_file_is_seen(tmp_path: Path) -> None:
    folder = written(tmp_path / "state", (0, 7))
    (card,) = cards(folder, 1)
    assert is_whole(folder, card)
    data = (folder / card["file"]).read_bytes()
    (folder / card["file"]).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert not is_whole(folder, card)
    (folder / card["file"]).unlink()
    assert not is_whole(folder, card)
