"""Images near the limit of pixels are read in half a gigabyte, whatever they are."""

import pytest

from tests.benchmarks.large_images import BYTES_LIMIT, IMAGES, peaks


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_forty_megapixels_of_any_kind_are_read_in_half_a_gigabyte():
    found = {kind: peak for kind, peak, _ in peaks()}
    assert found.keys() == IMAGES.keys()
    assert {kind: peak for kind, peak in found.items() if peak > BYTES_LIMIT} == {}
