"""Values kept in memory up to so many bytes."""

from collections.abc import Callable
from typing import TypeVar

from cachetools import LRUCache

K = TypeVar("K")
V = TypeVar("V")


class ByteCache(LRUCache[K, V]):
    """What was longest unused goes first. The newest always stays, however large; pickled, a cache is empty."""

    def __init__(self, capacity_bytes: int, size_of: Callable[[V], int]) -> None:
        # cachetools refuses what is larger than the whole cache; here it is as large as the cache and stays alone.
        super().__init__(capacity_bytes, getsizeof=lambda value: min(size_of(value), capacity_bytes))
        self._given = (capacity_bytes, size_of)

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value under the key, made and kept when it is not there."""
        if key not in self:
            self[key] = make()
        return self[key]

    def __reduce__(self) -> tuple[type["ByteCache[K, V]"], tuple[int, Callable[[V], int]]]:
        return type(self), self._given
