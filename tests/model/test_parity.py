"""Our network gives what the published one gave; `make parity` shows the same sets as a table."""

import pytest

from tests.parity.golden import AbsentError
from tests.parity.sets import SETS


@pytest.mark.parametrize("parity_set", SETS, ids=lambda parity_set: parity_set.name)
def test_what_we_compute_equals_what_was_published(parity_set):
    try:
        over = [
            f"{comparison.name}: {comparison.difference:.3g} against {comparison.allowed:.3g}"
            for comparison in parity_set.compare()
            if not comparison.agrees
        ]
    except AbsentError as error:
        pytest.skip(str(error))
    assert not over
