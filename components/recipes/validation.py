"""When a delivery is good enough."""

from dataclasses import dataclass, replace

from components.recipes.sources import SourceSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationSettings:
    """Limits of the expectation suites; rows that break a limit are quarantined with the reason."""

    min_side: int
    """Pixels of the shorter side; the published filter asks for 128."""

    max_pixels: int
    """Width times height, checked before decoding."""

    stop_above: float
    """Share of quarantined records in a source, 0 to 1, above which the run stops at `admit`."""

    hold_above: float = 0.5
    """Distance of a delivery from the accepted one in any column, 0 to 1, above which the run is held at `admit`."""

    def __post_init__(self) -> None:
        if not 0 < self.stop_above <= 1:
            raise ValueError(f"validation.stop_above must be in (0, 1], got {self.stop_above}")
        if not 0 < self.hold_above <= 1:
            raise ValueError(f"validation.hold_above must be in (0, 1], got {self.hold_above}")
        if self.min_side < 1:
            raise ValueError(f"validation.min_side must be at least 1, got {self.min_side}")

    def of(self, source: SourceSettings) -> "ValidationSettings":
        """With the limits that the source has of its own."""
        return replace(
            self,
            stop_above=self.stop_above if source.stop_above is None else source.stop_above,
            hold_above=self.hold_above if source.hold_above is None else source.hold_above,
        )
