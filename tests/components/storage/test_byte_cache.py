"""The cache holds what fits and was used last, and never nothing."""

import pickle
from operator import attrgetter

import numpy as np

from components.storage.byte_cache import ByteCache


def make_cache(capacity: int) -> ByteCache[str, np.ndarray]:
    return ByteCache(capacity, attrgetter("nbytes"))


def of(size: int) -> np.ndarray:
    return np.zeros(size, dtype=np.uint8)


def test_what_was_longest_unused_goes_when_room_is_needed() -> None:
    cache = make_cache(10)
    for name, size in (("a", 3), ("b", 4), ("c", 3)):
        cache.get_or_make(name, lambda size=size: of(size))
    first = cache.get_or_make("a", lambda: of(99))
    assert first.nbytes == 3, "what is kept is not made again"
    cache.get_or_make("d", lambda: of(4))
    assert sorted(cache) == ["a", "c", "d"] and cache.currsize == 10


def test_a_value_larger_than_the_cache_stays_alone_until_the_next_comes() -> None:
    cache = make_cache(10)
    cache.get_or_make("small", lambda: of(1))
    large = cache.get_or_make("large", lambda: of(50))
    assert list(cache) == ["large"] and cache.get_or_make("large", lambda: of(1)) is large
    cache.get_or_make("small", lambda: of(1))
    assert list(cache) == ["small"]


def test_a_cache_travels_empty_and_goes_on_working() -> None:
    cache = make_cache(10)
    cache.get_or_make("a", lambda: of(3))
    arrived = pickle.loads(pickle.dumps(cache))
    assert len(arrived) == 0 and len(cache) == 1
    arrived.get_or_make("b", lambda: of(6))
    arrived.get_or_make("c", lambda: of(6))
    assert list(arrived) == ["c"]
