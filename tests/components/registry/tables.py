"""Decision tables made by hand: so many patients, so much difference."""

from typing import Any

import numpy as np

from components.evaluation.decision_table import Row, Sums, Table, make_row, with_detectable


def row(name: str, *, patients: int = 400, champion: float = 0.7, difference: float = 0.0, **more: Any) -> Row:
    """The row of one share a patient: the champion right in the first ones, the challenger in more or fewer of them."""
    capability, _, subgroup = name.partition(" ")
    kind = "subgroup" if subgroup else capability.partition("/")[0]
    right, now = round(champion * patients), round((champion + difference) * patients)
    order = np.arange(patients)
    sides = (np.sign(count) * (order < abs(count)).astype(float) for count in (now, right))
    sums = Sums(*sides, np.ones(patients))
    return make_row(
        sums,
        **{
            "capability": capability,
            "subgroup": subgroup,
            "kind": kind if kind in ("control", "safety", "subgroup") else "capability",
            "unit": "share",
            "items": patients,
            "patients": patients,
            "units": patients,
            **more,
        },
    )


def table(*rows: Row, **more: Any) -> Table:
    """The table of these rows, with the floors that any version has to pass."""
    floors = (row("control/majority"), row("control/image"))
    return Table(
        **{
            "challenger_weights": "a",
            "champion_weights": "b",
            "exam": "e",
            "cluster": "patient",
            "demonstrative": False,
            "left_out": {},
            "rows": tuple(with_detectable([*floors, *rows])),
            **more,
        }
    )
