"""Each convention of the published network, broken on purpose: the parity set that holds it must notice."""

import pytest

from tests.model.breaks_of_layout import BREAKS as LAYOUT
from tests.model.breaks_of_network import BREAKS as NETWORK
from tests.parity.sets import SETS

BREAKS = LAYOUT + NETWORK
COMPARE = {parity_set.name: parity_set.compare for parity_set in SETS}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: f"{broken.convention} ({broken.noticed_by})")
def test_a_broken_convention_is_noticed(broken, monkeypatch):
    broken.apply(monkeypatch)
    noticed = any(not comparison.agrees for comparison in COMPARE[broken.noticed_by]())
    assert noticed, f"{broken.noticed_by} agrees although this was broken: {broken.convention}"
