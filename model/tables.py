"""Fixed numbers: 2-D position tables and ids, timestep features, rotary angles. Nothing here is learnt."""
# Shapes: S = side of a table, D = hidden size, N = tokens, d = head size.

import math

import numpy as np
import torch
from torch import Tensor

TIMESTEP_WIDTH = 256


def sincos_2d(hidden: int, side: int) -> Tensor:
    """Sine-cosine code of every cell of a square grid, row by row: [side * side, hidden] float32.

    The first half of the channels tells the column, the second the row; computed in float64.
    """
    rows, columns = np.divmod(np.arange(side * side), side)
    table = np.concatenate([_sincos_1d(hidden // 2, columns), _sincos_1d(hidden // 2, rows)], axis=1)
    return torch.from_numpy(table.astype(np.float32))


def grid_position_ids(rows: int, columns: int, side: int, *, interpolate: bool) -> Tensor:
    """Position ids of an image of rows x columns patches in a table of side x side: [rows * columns] int64.

    Counted from the image's corner, or with interpolate spread over the whole table.
    Raises ValueError when the image does not fit the table (never with interpolate).
    """
    if interpolate:
        row_ids, column_ids = _spread(rows, side), _spread(columns, side)
    else:
        if rows > side or columns > side:
            raise ValueError(f"an image of {rows} x {columns} patches does not fit a position table of {side} a side")
        row_ids, column_ids = torch.arange(rows), torch.arange(columns)
    return (row_ids[:, None] * side + column_ids[None, :]).flatten()


def timestep_features(sigma: Tensor) -> Tensor:
    """Cosines then sines of sigma (used as it is, in [0, 1]): [N] -> [N, 256] float32."""
    half = TIMESTEP_WIDTH // 2
    exponent = -math.log(10000) * torch.arange(half, dtype=torch.float32, device=sigma.device) / half
    angle = sigma.float()[:, None] * exponent.exp()[None, :]
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


def rotary_frequencies(head_dim: int, theta: float, device: torch.device | None = None) -> Tensor:
    """Angle per position of each rotary pair: [d / 2] float32."""
    pair = torch.arange(0, head_dim, 2, dtype=torch.int64, device=device).float()
    return 1.0 / (theta ** (pair / head_dim))


def rotary_tables(position_ids: Tensor, head_dim: int, theta: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every rotary angle, built in float32: [N] -> two [N, 1, d / 2] of dtype."""
    frequencies = rotary_frequencies(head_dim, theta, position_ids.device)
    angle = position_ids.float()[:, None, None] * frequencies
    return angle.cos().to(dtype), angle.sin().to(dtype)


def _sincos_1d(width: int, position: np.ndarray) -> np.ndarray:
    omega = 1.0 / 10000 ** (np.arange(width // 2, dtype=np.float64) / (width / 2))
    angle = position.astype(np.float64)[:, None] * omega[None, :]
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


def _spread(count: int, side: int) -> Tensor:
    """Bucket of each of count fractions in side equal bins; float32 as published, which is one off in places."""
    boundaries = torch.arange(1 / side, 1.0, 1 / side)
    fractions = torch.arange(0, 1 - 1e-6, 1 / count)
    return torch.bucketize(fractions, boundaries, right=True)
