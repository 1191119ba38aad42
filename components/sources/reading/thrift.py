"""Thrift's compact encoding, in which Parquet writes its footer and the headers of its pages, read without trust in any size."""

from typing import Any

from components.images.limits import ImageError

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
_DEEPEST, _LAST_FIELD = 16, 64
MOST_VALUES = 400_000
"""A footer of so many describes a thousand row groups of ten columns."""
Struct = dict[int, Any]
"""Number of a field -> its value: an int, bool, bytes, list or struct."""


class Reader:
    """Reads structs from bytes, one behind the other. Every error is an ImageError, reason 'not Parquet'."""

    def __init__(self, data: bytes, most: int = MOST_VALUES) -> None:
        self._data, self._most, self._left = data, most, most
        """Values that may be read, and that are left."""
        self.at = 0
        """Where the next struct begins."""

    def struct(self, depth: int = 0) -> Struct:
        """The struct that begins here."""
        if depth > _DEEPEST:
            raise _broken(f"structs lie {depth} deep")
        found: Struct = {}
        number = 0
        while header := self._byte():
            step, kind = header >> 4, header & 15
            number = number + step if step else self._integer()
            if not 0 < number <= _LAST_FIELD:
                raise _broken(f"a field of number {number}")
            found[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ImageError("too large", f"a footer of more than {self._most} values; write longer row groups")
        if kind in _INTEGERS:
            return self._integer()
        if kind == _BINARY:
            return self._take(self._varint())
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind == _DOUBLE:
            return self._take(8)
        raise _broken(f"a field of kind {kind}")

    def _list(self, depth: int) -> list[Any]:
        header = self._byte()
        count, kind = header >> 4, header & 15
        if count == 15:
            count = self._varint()
        if count > len(self._data) - self.at:
            raise _broken(f"a list of {count} values in {len(self._data) - self.at} bytes")
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise _broken("a number of more than 64 bits")

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise _broken("a struct breaks off")
        self.at += 1
        return self._data[self.at - 1]

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            raise _broken(f"{count} bytes of a text in {len(self._data) - self.at}")
        self.at += count
        return self._data[self.at - count : self.at]


def _broken(what: str) -> ImageError:
    return ImageError("not Parquet", f"{what}; it was cut off or changed: write it anew")
