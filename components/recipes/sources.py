"""What a recipe says of one source."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DATE_ORDERS = ("day first", "month first")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientIds:
    """How a delivery writes its patients' ids, where another one in its namespace writes them differently."""

    strip_zeros: bool = False
    """0042 is 42: an id of digits alone loses the zeros before it."""
    issuer: str = ""
    """Who gave the ids; the same number from another issuer is another person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSettings:
    """One raw data set in the workspace."""

    path: str
    """Folder of the raw delivery, relative to the workspace."""

    format: str
    """Name of the adapter; `components/sources/table.py` lists them."""

    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """What this adapter wants to know beyond the path; an option it does not know is an error."""

    stop_above: float | None = None
    """validation.stop_above of this source alone."""

    hold_above: float | None = None
    """validation.hold_above of this source alone."""

    patients: str | None = None
    """Namespace of its patients: one id in two sources of a namespace is one person. The source's own name where none is
    given. `unimed data patients` changes it."""

    patient_ids: PatientIds = PatientIds()

    deidentified: bool = False
    """Whether its owner states that its texts were de-identified before they came: then words that only may be names are
    not held. What is found by its form, a title or a cue is held all the same, and dates are moved."""

    date_order: str | None = None
    """What 03/04/2023 is in texts of a private source: `day first` or `month first`. Without it such a date is not certain
    in English, and its record held."""

    def __post_init__(self) -> None:
        if self.date_order not in (None, *DATE_ORDERS):
            raise ValueError(f"sources.date_order is {self.date_order!r}; use {' or '.join(map(repr, DATE_ORDERS))}")
        for name, limit in (("stop_above", self.stop_above), ("hold_above", self.hold_above)):
            if limit is not None and not 0 < limit <= 1:
                raise ValueError(f"sources.{name} must be in (0, 1], got {limit}")
        if self.patients is not None and not _NAMESPACE.fullmatch(self.patients):
            raise ValueError(f"sources.patients is {self.patients!r}; use lower case letters, digits and dashes")
        if self.path.startswith("/") or ".." in self.path.split("/"):
            raise ValueError(f"sources.path must lie inside the workspace, got {self.path!r}")

    def namespace(self, source: str) -> str:
        """The namespace of the patients of the source of this name."""
        return self.patients or source
