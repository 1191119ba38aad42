"""The finished checkpoint of a stage: averaged and raw weights, autoencoder, configs and tokenizer in one folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.storage.atomic import atomic_folder
from components.training.loop import Learner
from components.training.sharding import lazily_whole
from components.weights.tokenizer import copy_tokenizer
from model.autoencoder import Autoencoder
from model.tensor_files import LazyTensor, file_order, lazy, write_tensors
from model.weights import RAW_FILE, Checkpoint, write_checkpoint


def write_output(
    folder: Path, learner: Learner, autoencoder: Autoencoder, parent: Path, image_settings: Mapping[str, Any]
) -> None:
    """Writes the checkpoint folder, whole or not at all; the next stage and inference read its averaged weights.

    Every rank calls this: the first writes, and the others bring their parts of each tensor as it comes to it.
    """
    model = learner.model
    averaged, raw = lazily_whole(learner.average.state(model)), lazily_whole(model.state_dict())
    if not learner.world.is_first:
        _bring(averaged)
        _bring(raw)
        return
    checkpoint = Checkpoint(config=model.config, network=averaged, autoencoder=lazy(autoencoder.published_state()))
    with atomic_folder(folder) as writing:
        write_checkpoint(writing, checkpoint, image_settings)
        write_tensors(writing / RAW_FILE, raw)
        copy_tokenizer(parent, writing)


def _bring(tensors: Mapping[str, LazyTensor]) -> None:
    for name in file_order(tensors):
        tensors[name].fetch()
