"""The finished checkpoint of a stage: averaged and raw weights, autoencoder, configs and tokenizer in one folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.storage.atomic import atomic_folder
from components.training.loop import Learner
from components.weights.tokenizer import copy_tokenizer
from model.autoencoder import Autoencoder
from model.tensor_files import lazy, write_tensors
from model.weights import RAW_FILE, save_checkpoint


def write_output(
    folder: Path, learner: Learner, autoencoder: Autoencoder, parent: Path, image_settings: Mapping[str, Any]
) -> None:
    """Writes the checkpoint folder, whole or not at all; the next stage and inference read its averaged weights."""
    with atomic_folder(folder) as writing:
        save_checkpoint(writing, learner.model, autoencoder, image_settings, state=learner.average.weights)
        write_tensors(writing / RAW_FILE, lazy(learner.model.state_dict()))
        copy_tokenizer(parent, writing)
