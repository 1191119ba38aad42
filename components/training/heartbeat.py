"""What a rank is at: how far it is, and where in our code it stands."""

import secrets
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from components.training.state import Writing

SOURCE = Path(__file__).parents[2]
BUCKET = "components/storage/object_store.py:"
_OTHERS = "/torch/distributed/"
"""In the path of what runs while a rank waits for the other ranks."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A rank at a moment."""

    rank: int
    life: str
    """Of this process alone."""
    node: str
    step: int
    """The last that it made; 0 before the first."""
    last: int
    """The stage's last."""
    place: str
    """file:line function of ours in which it stands."""
    waits: bool
    """It waits for the other ranks."""
    stores: bool
    """It waits for a bucket, or a state of it is on its way to where states are kept: both have limits of their own."""


@dataclass(slots=True)
class Heartbeat:
    """A rank's own, made in the thread that trains; also a hook of the loop."""

    rank: int
    last: int
    """The stage's last step."""
    node: str
    step: int = 0
    life: str = field(default_factory=lambda: secrets.token_hex(8))
    _thread: int = field(default_factory=threading.get_ident)

    def on_step(self, report: Any) -> None:
        self.step = report.step

    def beat(self) -> Beat:
        """Called from another thread."""
        place, waits = standing(sys._current_frames().get(self._thread))
        stores = place.startswith(BUCKET) or any(isinstance(thread, Writing) for thread in threading.enumerate())
        return Beat(self.rank, self.life, self.node, self.step, self.last, place, waits, stores)


def standing(frame: FrameType | None) -> tuple[str, bool]:
    """The innermost place in our code from this frame outwards, and whether it waits there for other ranks."""
    waits = False
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(SOURCE / "components") or path.is_relative_to(SOURCE / "model"):
            return f"{path.relative_to(SOURCE)}:{frame.f_lineno} {frame.f_code.co_name}", waits
        waits = waits or _OTHERS in path.as_posix()
        frame = frame.f_back
    return "outside of our code", waits
