"""Which adapter reads which format: a new data set is a new file and one line here."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from components.images.limits import ImageError
from components.recipes.reading import nearest
from components.records.keys import keyed_hash, public_secret
from components.records.record import Record, Unreadable
from components.sources import (
    coco,
    conversations,
    dicom,
    fundus,
    gmaimmbench,
    histology,
    images,
    iuxray,
    medicat,
    mni152,
    nifti,
    omnimedvqa,
    parquet,
    pathvqa,
    pmcvqa,
    pyradiomics,
    radrestruct,
    roco,
    slake,
    totalsegmentator,
    ultrasound,
    vqamed2019,
    vqarad,
    webdataset,
)
from components.sources.delivery import corpus
from components.sources.delivery_folder import Delivery, Item
from components.sources.labels import NAME, Labels
from components.sources.settings import SourceSettings

Adapter = Callable[[Delivery], Iterator[Item]]

ADAPTERS: dict[str, Adapter] = {
    # Formats: the files say what they hold.
    "coco": coco.read,
    "dicom": dicom.read,
    "images": images.read,
    "jsonl": conversations.read,
    "nifti": nifti.read,
    "parquet": parquet.read,
    "unimedvl": conversations.read,
    "webdataset": webdataset.read,
    # Public sets in the layout that they are published in.
    "gmai-mmbench": gmaimmbench.read,
    "iu-xray": iuxray.read,
    "medicat": medicat.read,
    "omnimedvqa": omnimedvqa.read,
    "pathvqa": pathvqa.read,
    "pmc-vqa": pmcvqa.read,
    "rad-restruct": radrestruct.read,
    "roco": roco.read,
    "slake": slake.read,
    "vqa-med-2019": vqamed2019.read,
    "vqa-rad": vqarad.read,
    # Sources of the default corpus.
    "fundus": fundus.read,
    "histology": histology.read,
    "mni152": mni152.read,
    "pyradiomics": pyradiomics.read,
    "totalsegmentator": totalsegmentator.read,
    "ultrasound": ultrasound.read,
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "dicom": ("frame_step", "public"),
    "nifti": ("public",),
    "ultrasound": ("frame_step",),
}
PRIVATE_FORMATS = ("dicom", "nifti")
"""Exports of a clinic come in these: their file names may name a person and do not leave this file."""


def adapter(format_name: str) -> Adapter:
    """The adapter of a format; raises ValueError with the nearest known name."""
    if format_name not in ADAPTERS:
        raise ValueError(f"unknown format {format_name!r}{nearest(format_name, ADAPTERS)}")
    return ADAPTERS[format_name]


def read_source(folder: Path, source: str, settings: SourceSettings) -> Iterator[Item]:
    """Every raw record of a source, labelled, in the adapter's order; what cannot be read is an Unreadable.

    Raises ValueError when the folder is missing, the format unknown or an option unknown to it.
    """
    read = adapter(settings.format)
    known = OPTIONS.get(settings.format, ())
    if unknown := sorted(set(settings.options) - set(known)):
        raise ValueError(
            f"sources.{source}.options: format {settings.format!r} has no option {unknown[0]!r}"
            f"{nearest(unknown[0], known) if known else '; it has none'}"
        )
    if not folder.is_dir():
        raise ValueError(f"source {source}: {folder} is missing; deliver the files there, or remove the source")
    items = _items(folder, source, settings, read)
    return map(_masked, items) if is_private(source, settings) else items


def is_private(source: str, settings: SourceSettings) -> bool:
    """Whether file names of the source are shown as keyed hashes: a clinic's formats, unless the recipe says public."""
    return settings.format in PRIVATE_FORMATS and source not in corpus() and not settings.options.get("public", False)


def masked_name(source: str, name: str) -> str:
    """What stands for a private file's name everywhere outside the raw folder."""
    return f"file-{keyed_hash('file', name, key=public_secret(source), digest_bytes=8)}"


def _masked(item: Item) -> Item:
    if isinstance(item, Unreadable):
        mask = masked_name(item.source, item.file)
        return replace(
            item, id=item.id.replace(item.file, mask), file=mask, detail=item.detail.replace(item.file, mask)
        )
    name = item.provenance.file
    mask = masked_name(item.source, name)
    return replace(item, id=item.id.replace(name, mask), provenance=replace(item.provenance, file=mask))


def _items(folder: Path, source: str, settings: SourceSettings, read: Adapter) -> Iterator[Item]:
    delivery = Delivery(folder=folder, source=source, settings=settings)
    try:
        delivery = Delivery(folder=folder, source=source, settings=settings, labels=Labels.read(folder))
    except ImageError as error:
        yield delivery.unreadable(NAME, error)
    for name in delivery.labels.missing({name for name, _ in delivery.files()}):
        yield delivery.unreadable(
            f"{NAME}:{name}",
            ImageError(
                "label without file", f"{NAME} speaks of a file that was not delivered; remove the row or deliver it"
            ),
        )
    for item in read(delivery):
        try:
            yield delivery.labels.apply(item) if isinstance(item, Record) else item
        except ImageError as error:
            assert isinstance(item, Record)
            yield Unreadable(
                id=item.id, source=source, file=item.provenance.file, reason=error.reason, detail=error.detail
            )
