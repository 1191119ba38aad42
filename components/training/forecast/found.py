"""What a forecast says, and what it is told. Nothing here needs torch: whoever prints a plan has no use for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from components.training.forecast.tokens import Tokens

Kind = Literal["cpu", "gpu", "cluster"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where the ranks are."""

    kind: Kind
    ram_bytes: int
    """Of this machine, or what its container may take; 0 on a cluster, which is not asked."""
    gpus: int = 0
    gpu_bytes: int = 0
    """Of the smallest of them."""

    @property
    def words(self) -> str:
        """For a person: `23.4 GB of RAM`, `8 GPUs of 85.5 GB`, `a cluster, whose memory is not known here`."""
        if self.kind == "cluster":
            return "a cluster, whose memory is not known here"
        return f"{self.gpus} GPUs of {_gb(self.gpu_bytes)}" if self.kind == "gpu" else f"{_gb(self.ram_bytes)} of RAM"


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Bytes of one rank, where its work is computed, at the fullest moment of a step."""

    weights: int
    gradients: int
    moments: int
    """AdamW's."""
    average: int
    """The moving average of the weights."""
    gathered: int
    """Weights of the layers at work and the next ones, whole, and gradients on their way to their ranks."""
    activations: int
    """What the tokens of a forward leave behind for the way back, and what a layer needs meanwhile."""
    autoencoder: int
    process: int
    state_copy: int
    """In RAM: what a training state is written from while training goes on."""
    offloaded: int = 0
    """Of weights, gradients, moments and average: what lies in RAM, not where the work is computed."""

    @property
    def total(self) -> int:
        """Where the work is computed; on a CPU the host's lies there too."""
        return sum(getattr(self, part.name) for part in fields(self)) - self.state_copy - 2 * self.offloaded

    @property
    def host(self) -> int:
        """In RAM beside a GPU, its process not counted."""
        return self.state_copy + self.offloaded


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What an earlier run of a stage in this workspace took."""

    steps_per_second: float
    tokens_per_step: float
    around_seconds: float
    """Before the first step and after the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Time:
    """How long a stage will take."""

    seconds: float
    is_measured: bool
    """From a run of this workspace; else an order of size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """A stage, before it runs."""

    stage: str
    trained: int
    """Numbers that learn."""
    frozen: int
    """Numbers that do not, position tables among them."""
    ranks: int
    memory: Memory
    """Of the fullest rank."""
    forward: Tokens
    """Tokens of a forward by kind."""
    is_counted: bool
    """Whether the forward's shares were counted in the data set; else they are those of usual samples."""
    machine: Machine
    fits: bool
    would_fit: tuple[str, ...]
    """Where it does not: settings under which it does; empty where none was found."""
    state_bytes: int
    """A training state."""
    states_bytes: int
    """All that lie on the disk at once."""
    output_bytes: int
    steps: int
    tokens: int
    epochs: Mapping[str, float] | None
    """Source -> passes; None before the data set is assembled."""
    time: Time

    @property
    def refusal(self) -> str:
        """Why it cannot run here, and what would change that; empty where it fits."""
        if self.fits:
            return ""
        parts = ", ".join(f"{name.replace('_', ' ')} {size / 1e9:.1f}" for name, size in asdict(self.memory).items())
        remedy = (
            f"it would with {' and '.join(self.would_fit)}"
            if self.would_fit
            else "no setting of this recipe makes it fit: name a cluster that has more (RAY_ADDRESS), or take another recipe"
        )
        return (
            f"train@{self.stage} does not fit: {self.ranks} {'ranks' if self.ranks > 1 else 'rank'} of "
            f"{self.memory.total / 1e9:.1f} GB each, and {self.memory.host / 1e9:.1f} GB in RAM (GB: {parts}), and there is "
            f"{self.machine.words}; {remedy}"
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "stage": f"train@{self.stage}",
            "parameters": {"trained": self.trained, "frozen": self.frozen},
            "ranks": self.ranks,
            "bytes_per_rank": {**asdict(self.memory), "total": self.memory.total, "host": self.memory.host},
            "forward_tokens": {**asdict(self.forward), "is_counted": self.is_counted},
            "machine": asdict(self.machine),
            "fits": self.fits,
            "would_fit": list(self.would_fit),
            "disk": {"state": self.state_bytes, "states": self.states_bytes, "output": self.output_bytes},
            "steps": self.steps,
            "tokens": self.tokens,
            "epochs": dict(self.epochs) if self.epochs is not None else None,
            "seconds": round(self.time.seconds),
            "seconds_are_measured": self.time.is_measured,
        }


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
