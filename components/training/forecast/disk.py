"""What a stage writes: its training states, and the checkpoint that it ends in."""

from components.training.forecast.memory import STATE, WHOLE
from components.training.forecast.weights import Weights
from components.training.state import KEPT_STATES


def state_bytes(weights: Weights) -> int:
    """One training state, over all ranks."""
    return STATE * weights.num_trained


def states_bytes(weights: Weights) -> int:
    """All that lie there at once: those that are kept, and the one that is being written."""
    return (KEPT_STATES + 1) * state_bytes(weights)


def output_bytes(weights: Weights) -> int:
    """The finished checkpoint: averaged and raw weights, and the autoencoder."""
    return WHOLE * (2 * weights.num_all + weights.autoencoder)
