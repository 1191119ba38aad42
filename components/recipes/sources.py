"""What a recipe says of one source."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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

    def __post_init__(self) -> None:
        for name, limit in (("stop_above", self.stop_above), ("hold_above", self.hold_above)):
            if limit is not None and not 0 < limit <= 1:
                raise ValueError(f"sources.{name} must be in (0, 1], got {limit}")
        if self.path.startswith("/") or ".." in self.path.split("/"):
            raise ValueError(f"sources.path must lie inside the workspace, got {self.path!r}")
