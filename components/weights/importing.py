"""Public weights become a checkpoint folder of ours: checked against their config first, then copied tensor by tensor."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.storage.keys import seed_of
from components.weights.tokenizer import TextTokenizer, copy_tokenizer, save_tokenizer

if TYPE_CHECKING:
    import torch

    from model.tensor_files import EachTensor
    from model.weights import Checkpoint

PLACE = Path("data") / "raw" / "weights"
"""Where imported weights lie in a workspace; `start.source` names a folder in it."""

STORED = "stored"
DTYPES = (STORED, "bfloat16", "float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Weights that fit their config and have a tokenizer; nothing but headers is read yet."""

    checkpoint: "Checkpoint"
    tokenizer: TextTokenizer
    tokenizer_folder: Path
    new_tokens: tuple[str, ...] = ()
    """Markers that the tokenizer did not know."""


def open_published(folder: Path) -> Incoming:
    """A folder of published UniMedVL or BAGEL weights, or one of ours. Raises ValueError that lists what does not fit."""
    from model.weights import open_checkpoint

    checkpoint = open_checkpoint(folder)
    checkpoint.check()
    tokenizer = TextTokenizer.load(folder)
    tokenizer.check_fits(checkpoint.config.llm.vocab_size)
    return Incoming(checkpoint=checkpoint, tokenizer=tokenizer, tokenizer_folder=folder)


def open_start(
    llm: Path, vit: Path, vae: Path, *, seed: int, qk_norm: bool = True, max_latent_size: int = 64
) -> Incoming:
    """A start made of Qwen2.5, SigLIP and FLUX's autoencoder; what joins them is new and drawn from the seed.

    The vocabulary stays Qwen2.5's where its tokenizer knows the four markers, else it becomes the tokenizer's.
    """
    import torch

    from model.pretrained import compose, open_flux_vae, open_qwen2, open_siglip

    tokenizer, new_tokens = TextTokenizer.load_with_markers(llm)
    decoder = open_qwen2(llm, qk_norm=qk_norm)
    vocab_size = tokenizer.size if new_tokens else decoder[0].vocab_size
    tokenizer.check_fits(vocab_size)
    checkpoint = compose(
        decoder,
        open_siglip(vit),
        open_flux_vae(vae),
        vocab_size=vocab_size,
        max_latent_size=max_latent_size,
        generator=torch.Generator().manual_seed(seed_of(seed, "start")),
    )
    return Incoming(checkpoint=checkpoint, tokenizer=tokenizer, tokenizer_folder=llm, new_tokens=tuple(new_tokens))


def write_incoming(
    incoming: Incoming,
    folder: Path,
    image_settings: Mapping[str, Any],
    *,
    dtype: str = STORED,
    progress: "EachTensor | None" = None,
) -> None:
    """Writes the checkpoint into an existing folder, one tensor in memory at a time. The caller hands it over whole."""
    from model.weights import write_checkpoint

    checkpoint = incoming.checkpoint.cast(dtype_of(dtype))
    write_checkpoint(folder, checkpoint, image_settings, progress=progress)
    if incoming.new_tokens:
        save_tokenizer(incoming.tokenizer, folder)
    else:
        copy_tokenizer(incoming.tokenizer_folder, folder)


def dtype_of(name: str) -> "torch.dtype | None":
    """The torch dtype; None for `stored`. Raises ValueError for an unknown name."""
    import torch

    if name not in DTYPES:
        raise ValueError(f"--dtype is {name!r}; known: {', '.join(DTYPES)}")
    return None if name == STORED else getattr(torch, name)


def place_of(into: str, root: Path | None) -> Path:
    """The folder that `into` means: a bare name lies in the workspace's raw data, anything else is a path.

    Raises ValueError when a bare name has no workspace or the folder exists already.
    """
    is_name = "/" not in into and into not in ("", ".", "..")
    if is_name and root is None:
        raise ValueError(f"--into {into} is a name within a workspace, but this is none; give a path such as ./{into}")
    folder = root / PLACE / into if is_name and root is not None else Path(into).expanduser().absolute()
    if folder.exists():
        raise ValueError(f"{folder} exists already; remove it or choose another name with --into")
    return folder


def listing(checkpoint: "Checkpoint") -> list[dict[str, Any]]:
    """One row a tensor: file, key, shape, dtype, bytes."""
    from model.weights import AUTOENCODER_FILE, NETWORK_FILE

    parts = {NETWORK_FILE: checkpoint.network, AUTOENCODER_FILE: checkpoint.autoencoder}
    return [
        {
            "file": file,
            "key": key,
            "shape": list(tensor.shape),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "bytes": tensor.num_bytes,
        }
        for file, tensors in parts.items()
        for key, tensor in tensors.items()
    ]


def totals(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Tensors, network parameters and bytes of a listing."""
    from math import prod

    from model.weights import NETWORK_FILE

    return {
        "tensors": len(rows),
        "network_parameters": sum(prod(row["shape"]) for row in rows if row["file"] == NETWORK_FILE),
        "bytes": sum(row["bytes"] for row in rows),
    }
