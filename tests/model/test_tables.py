import pytest
import torch
from torch.testing import assert_close

from model.norm import apply_rotary
from model.tables import grid_position_ids, rotary_frequencies, rotary_tables, sincos_2d, timestep_features


def test_position_tables_equal_the_published_ones(golden):
    tables = golden("tables.safetensors")
    assert torch.equal(sincos_2d(64, 8), tables["sincos.S8.D64"])
    for side, hidden in ((32, 896), (64, 3584), (70, 3584)):
        name = f"sincos.S{side}.D{hidden}"
        assert torch.equal(sincos_2d(hidden, side)[tables[f"{name}.rows"]], tables[name])


def test_first_half_of_a_position_code_tells_the_column():
    table = sincos_2d(16, 5).view(5, 5, 16)
    assert_close(table[0, :, :8], table[3, :, :8])
    assert_close(table[:, 1, 8:], table[:, 4, 8:])
    assert not torch.allclose(table[:, 1, :8], table[:, 4, :8])


def test_timestep_features_equal_the_published_ones(golden):
    tables = golden("tables.safetensors")
    assert torch.equal(timestep_features(tables["time.t"]), tables["time.frequency"])


def test_rotary_angles_and_rotation_equal_the_published_ones(golden):
    tables = golden("tables.safetensors")
    cos, sin = rotary_tables(tables["rope.positions"], 16, 1e6, torch.float32)
    assert torch.equal(cos[:, 0], tables["rope.cos"][:, :8])
    assert torch.equal(sin[:, 0], tables["rope.sin"][:, :8])
    assert torch.equal(rotary_frequencies(128, 1e6), tables["rope.inv_freq_d128"])
    assert_close(apply_rotary(tables["rope.q"], cos, sin), tables["rope.q_rotated"], atol=1e-6, rtol=0)


def test_grid_ids_equal_the_published_ones_in_both_modes(golden):
    for row in golden("position_ids.json"):
        for mode in ("extrapolate", "interpolate"):
            ids = grid_position_ids(row["rows"], row["cols"], row["S"], interpolate=mode == "interpolate")
            assert int(ids.sum()) == row[f"{mode}_sum"], (row["S"], row["rows"], row["cols"], mode)
            if row[mode] is not None:
                assert ids.tolist() == row[mode]
        assert (
            grid_position_ids(row["rows"], row["cols"], row["S"], interpolate=True)[: row["cols"]].tolist()
            == (row["interpolate_first_row"])
        )


def test_a_grid_larger_than_its_table_is_refused():
    with pytest.raises(ValueError, match=r"5 x 9 patches does not fit a position table of 8"):
        grid_position_ids(5, 9, 8, interpolate=False)
