"""Shuffled reading of one set of pictures with their texts, by our shards and by three peers. Each reader writes its own
form once and then gives every picture's pixels, in another order each pass, from one process."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.assembly import dataset
from components.images.stored import decode_stored
from components.records.record import Provenance
from components.records.sample import Image as ImagePiece
from components.records.sample import Sample, Text
from components.records.schema import SAMPLE_SCHEMA, sample_row
from components.records.shards import write_shards
from components.records.vocabulary import ImageRole, Modality, Split, TaskGroup
from components.storage.keys import sha256_bytes
from components.training.planner import Mixture, Planner
from tests.benchmarks.peers import peer
from tests.components.training.columns import alike

Pixels = NDArray[np.uint8]
Reader = Callable[[], Iterator[Pixels]]
"""One pass: every picture once."""
SHARD_BYTES = 64 * 2**20
BUFFER = 256
"""Pictures that the streaming peers hold to shuffle them."""


STATE_EVERY = 32


def bare(files: Sequence[Path]) -> Iterator[Pixels]:
    """Pillow alone, in the order of the files: no reading can be faster."""
    for path in files:
        yield bare_pixels(path.read_bytes())


def bare_pixels(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.array(image)


def ours(files: Sequence[Path], folder: Path) -> Reader:
    """Sealed shards in the order of training's planner, whose state is taken as often as a checkpoint could be written."""
    folder.mkdir()
    write_shards((sample_row(_sample(path)) for path in files), SAMPLE_SCHEMA, folder, "train", SHARD_BYTES)
    index = dataset.SampleIndex(sorted(folder.glob("train-*.parquet")))
    planner = Planner(
        alike([("i2t", "bench", name) for name in index.ids]),
        Mixture(groups={"i2t": 1.0}, source_power={}),
        seed="bench",
        room=1,
        length_of=lambda visit: 1,
    )

    def read() -> Iterator[Pixels]:
        for count in range(len(index)):
            ((visit,),) = planner.take(1)
            (image, _) = index.read(visit.number).pieces
            assert isinstance(image, ImagePiece)
            yield decode_stored(image.data)
            assert count % STATE_EVERY or planner.state()

    return read


def litdata(files: Sequence[Path], folder: Path) -> Reader | None:
    library = peer("litdata")
    if library is None:
        return None
    from litdata.streaming import Cache  # type: ignore[import-not-found]

    cache = Cache(str(folder), chunk_bytes=SHARD_BYTES)
    for number, path in enumerate(files):
        cache[number] = {"text": path.stem, "image": path.read_bytes()}
    cache.done()
    cache.merge()
    data = library.StreamingDataset(str(folder), shuffle=True, seed=1)
    return lambda: (bare_pixels(row["image"]) for row in data)


def webdataset(files: Sequence[Path], folder: Path) -> Reader | None:
    library = peer("webdataset")
    if library is None:
        return None
    folder.mkdir()
    with library.ShardWriter(str(folder / "%05d.tar"), maxsize=SHARD_BYTES, verbose=0) as writer:
        for path in files:
            writer.write({"__key__": path.stem, "txt": path.stem, "png": path.read_bytes()})
    data = library.WebDataset(sorted(map(str, folder.glob("*.tar"))), shardshuffle=100, seed=1).shuffle(BUFFER)
    return lambda: (bare_pixels(row["png"]) for row in data)


def huggingface(files: Sequence[Path], folder: Path) -> Reader | None:
    library = peer("datasets")
    if library is None:
        return None
    columns = {"text": [path.stem for path in files], "image": [path.read_bytes() for path in files]}
    library.Dataset.from_dict(columns).save_to_disk(str(folder), max_shard_size=SHARD_BYTES)
    data = library.load_from_disk(str(folder)).to_iterable_dataset().shuffle(seed=1, buffer_size=BUFFER)
    return lambda: (bare_pixels(row["image"]) for row in data)


PEERS: dict[str, Callable[[Sequence[Path], Path], Reader | None]] = {
    "litdata": litdata,
    "webdataset": webdataset,
    "Hugging Face datasets": huggingface,
}


def _sample(path: Path) -> Sample:
    png = path.read_bytes()
    return Sample(
        id=f"bench/{path.stem}",
        source="bench",
        group=TaskGroup.I2T,
        task="caption",
        modality=Modality.FUNDUS,
        anatomy="eye",
        patient_key=path.stem,
        split=Split.TRAIN,
        pieces=(ImagePiece(role=ImageRole.UNDERSTAND, data=png, sha256=sha256_bytes(png)), Text(text=path.stem)),
        licence="CC0-1.0",
        provenance=Provenance(file=path.name),
    )
