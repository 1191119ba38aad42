import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.tensor_files import LazyTensor, lazy, open_tensors, plan_shards, read_tensors, weight_files, write_tensors

MIXED = {
    "b.half": torch.arange(6.0).reshape(2, 3).to(torch.float16),
    "z.wide": torch.arange(4.0, dtype=torch.float64),
    "a.brain": torch.arange(5.0).to(torch.bfloat16),
    "c.turned": torch.arange(6.0).reshape(2, 3).T,
    "empty": torch.zeros(0, 3),
    "scalar": torch.tensor(2.5),
}


def test_the_bytes_are_those_that_safetensors_writes(tmp_path):
    write_tensors(tmp_path / "ours", lazy(MIXED))
    save_file({key: value.contiguous() for key, value in MIXED.items()}, tmp_path / "theirs", metadata={"format": "pt"})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_what_is_written_is_read_back_as_stored_or_cast(tmp_path):
    write_tensors(tmp_path / "x.safetensors", lazy(MIXED))
    opened = open_tensors([tmp_path / "x.safetensors"])
    assert {key: (tensor.shape, tensor.dtype) for key, tensor in opened.items()} == {
        key: (tuple(value.shape), value.dtype) for key, value in MIXED.items()
    }
    assert all(torch.equal(opened[key].read(), value) for key, value in MIXED.items())
    assert opened["a.brain"].read(torch.float64).dtype == torch.float64
    assert {value.dtype for value in read_tensors(opened, None, "cpu").values()} == {torch.float64}


def test_a_tensor_is_fetched_once_and_only_when_it_is_written(tmp_path):
    fetched = []

    def fetch(name):
        def read():
            fetched.append(name)
            return torch.ones(2)

        return LazyTensor((2,), torch.float32, read)

    tensors = {name: fetch(name) for name in ("b", "a")}
    doubled = {
        **tensors,
        "c": tensors["a"].changed((4,), lambda value: torch.cat([value, value * 2])).cast(torch.float16),
    }
    assert fetched == []
    write_tensors(tmp_path / "x", doubled)
    assert fetched == ["a", "b", "a"]
    assert load_file(tmp_path / "x")["c"].tolist() == [1, 1, 2, 2]


def test_shards_keep_the_order_and_the_limit():
    assert plan_shards({"a": 3, "b": 4, "c": 9, "d": 1}, 7) == [["a", "b"], ["c"], ["d"]]
    with pytest.raises(ValueError, match="got max_bytes 0"):
        plan_shards({"a": 1}, 0)


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/x.safetensors", "model.bin"])
def test_an_index_may_only_name_safetensors_beside_it(tmp_path, name):
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(ValueError, match="which is no safetensors file beside it"):
        weight_files(tmp_path, ["model.safetensors"])


def test_shards_that_are_missing_or_overlap_are_named(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "1.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}))
    files = weight_files(tmp_path, ["ema.safetensors", "model.safetensors"])
    with pytest.raises(FileNotFoundError, match=r"2.safetensors is missing, though the index"):
        open_tensors(files)
    save_file({"a": torch.ones(1)}, tmp_path / "2.safetensors")
    with pytest.raises(ValueError, match=r"2.safetensors holds tensors that another shard has too: a"):
        open_tensors(files)


def test_quantised_weights_are_refused(tmp_path):
    save_file({"a": torch.ones(1, dtype=torch.int8)}, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="a is I8; weights are floating point"):
        open_tensors([tmp_path / "x.safetensors"])
    with pytest.raises(ValueError, match=r"a is torch.int8"):
        write_tensors(tmp_path / "y", lazy({"a": torch.ones(1, dtype=torch.int8)}))
