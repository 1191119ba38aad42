"""Columns of samples that are known by group, source and id alone."""

from collections.abc import Sequence

import numpy as np

from components.training.layout import sample_key
from components.training.lengths import Lengths, Stream


def alike(samples: Sequence[tuple[str, str, str]], tokens: int = 1) -> Lengths:
    """Samples (group, source, id) of so many tokens each, without conditions."""
    streams = tuple(dict.fromkeys(Stream(group, source) for group, source, _ in samples))
    count = len(samples)
    return Lengths(
        streams=streams,
        stream=np.array([streams.index(Stream(group, source)) for group, source, _ in samples], np.uint16),
        key=np.array([sample_key(name) for *_, name in samples], np.uint64),
        kept=np.full(count, tokens, np.int32),
        start=np.zeros(count + 1, np.int64),
        kind=np.zeros(0, np.uint8),
        piece=np.zeros(0, np.uint16),
        tokens=np.zeros(0, np.int32),
    )
