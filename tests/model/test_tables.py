import pytest
import torch
from torch.testing import assert_close

from model.tables import grid_position_ids, sincos_2d


def test_first_half_of_a_position_code_tells_the_column():
    table = sincos_2d(16, 5).view(5, 5, 16)
    assert_close(table[0, :, :8], table[3, :, :8])
    assert_close(table[:, 1, 8:], table[:, 4, 8:])
    assert not torch.allclose(table[:, 1, :8], table[:, 4, :8])


def test_a_grid_larger_than_its_table_is_refused():
    with pytest.raises(ValueError, match=r"5 x 9 patches does not fit a position table of 8"):
        grid_position_ids(5, 9, 8, interpolate=False)


def test_interpolated_ids_are_float32_buckets_one_off_where_published_ones_are():
    for side, off in ((8, []), (32, []), (64, []), (70, [25, 49, 50, 55])):
        found = [
            rows
            for rows in range(1, side + 1)
            if grid_position_ids(rows, 1, side, interpolate=True).tolist()
            != [row * side // rows * side for row in range(rows)]
        ]
        assert found == off
