"""A header that would keep pydicom busy for minutes is refused before or while it is read."""

import io

import pytest

from components.images.dicom_limits import MAX_ITEMS, MAX_READS, LimitedReader, check_items, check_items_of
from components.images.limits import ImageError

LITTLE, BIG = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"


@pytest.mark.parametrize("tag", [LITTLE, BIG])
def test_items_are_counted_in_both_byte_orders(tmp_path, tag):
    path = tmp_path / "a"
    path.write_bytes((tag + bytes(4)) * MAX_ITEMS)
    check_items(path)
    path.write_bytes((tag + bytes(4)) * (MAX_ITEMS + 1))
    with pytest.raises(ImageError, match=f"too large: the file has more than {MAX_ITEMS} items"):
        check_items(path)


def test_other_bytes_are_no_items():
    check_items_of(bytes(8 * MAX_ITEMS + 8))


def test_a_file_is_read_so_many_times_and_no_more():
    reader = LimitedReader(io.BytesIO(bytes(2 * MAX_READS)))
    for _ in range(MAX_READS):
        assert reader.read(1) == b"\0"
    with pytest.raises(ImageError, match="too large: the header takes more than"):
        reader.read(1)
