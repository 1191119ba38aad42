"""Which adapter reads which format: a new data set is a new file and one line here."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from components.images.limits import ImageError
from components.recipes.nearest import nearest
from components.recipes.sources import SourceSettings
from components.records.record import LeftOut, Record, Unreadable
from components.sources.delivery_folder import Delivery, Item
from components.sources.formats import GENERAL
from components.sources.labels import NAME, Labels
from components.sources.patients import Patients, person
from components.sources.private import PRIVATE_FORMATS, is_private
from components.sources.reading.opened import BrokenOff
from components.sources.reading.splits import folder_split
from components.sources.reading.withheld import file_mask, unquoted, withheld
from components.sources.sharing import sharing_options
from components.storage.keys import keyed_hash
from components.storage.secret import workspace_secret

Adapter = Callable[[Delivery], Iterator[Item]]

MODULES: dict[str, str] = {
    # Formats: the files say what they hold.
    "coco": "components.sources.generic.coco",
    "dicom": "components.sources.generic.dicom",
    "images": "components.sources.generic.images",
    "jsonl": "components.sources.generic.conversations",
    "labelme": "components.sources.generic.labelme",
    "nifti": "components.sources.generic.nifti",
    "parquet": "components.sources.generic.parquet",
    "photographs": "components.sources.generic.photographs",
    "slides": "components.sources.generic.slides",
    "unimedvl": "components.sources.generic.conversations",
    "video": "components.sources.generic.video",
    "voc": "components.sources.generic.voc",
    "webdataset": "components.sources.generic.webdataset",
    "yolo": "components.sources.generic.yolo",
    # Public sets in the layout that they are published in.
    "bci": "components.sources.published.bci",
    "brats": "components.sources.published.brats",
    "busi": "components.sources.published.busi",
    "chexpert": "components.sources.published.chexpert",
    "covid-cxr": "components.sources.published.covidcxr",
    "deepliif": "components.sources.published.deepliif",
    "drive": "components.sources.published.drive",
    "gmai-mmbench": "components.sources.published.gmaimmbench",
    "iu-xray": "components.sources.published.iuxray",
    "ixi": "components.sources.published.ixi",
    "kvasir": "components.sources.published.kvasir",
    "llava-med": "components.sources.published.llavamed",
    "medicat": "components.sources.published.medicat",
    "medmnist": "components.sources.published.medmnist",
    "mimic-cxr": "components.sources.published.mimiccxr",
    "nih-cxr": "components.sources.published.nihcxr",
    "oct2017": "components.sources.published.oct2017",
    "omnimedvqa": "components.sources.published.omnimedvqa",
    "padchest": "components.sources.published.padchest",
    "pathvqa": "components.sources.published.pathvqa",
    "pmc-oa": "components.sources.published.pmcoa",
    "pmc-vqa": "components.sources.published.pmcvqa",
    "pubmedvision": "components.sources.published.pubmedvision",
    "quilt-1m": "components.sources.published.quilt1m",
    "rad-restruct": "components.sources.published.radrestruct",
    "roco": "components.sources.published.roco",
    "rsna": "components.sources.published.rsna",
    "sa-med2d": "components.sources.published.samed2d",
    "siim": "components.sources.published.siim",
    "slake": "components.sources.published.slake",
    "synthrad": "components.sources.published.synthrad",
    "tbx11k": "components.sources.published.tbx11k",
    "vindr-cxr": "components.sources.published.vindrcxr",
    "vqa-med-2019": "components.sources.published.vqamed2019",
    "vqa-rad": "components.sources.published.vqarad",
    # Sources of the default corpus.
    "fundus": "components.sources.default.fundus",
    "histology": "components.sources.default.histology",
    "mni152": "components.sources.default.mni152",
    "pyradiomics": "components.sources.default.pyradiomics",
    "totalsegmentator": "components.sources.default.totalsegmentator",
    "ultrasound": "components.sources.default.ultrasound",
}
"""Format -> the module whose `read` is its adapter. Named by text and imported when asked for: the
hash of one adapter's code holds no other, and a changed word in it makes its own sources stale."""
FINDINGS = "components.records.findings"
"""The vocabulary of findings: a changed word there makes the sources stale that may speak of one."""
REPORTS, CLEARED = "reports.csv", "deidentified"
"""The table of reports beside a clinic's DICOM files; `reports: deidentified` of its options says what `deidentified: true`
of the source does."""
KEPT_PRIVATE = (
    *("coco", "images", "jsonl", "labelme", "parquet", "photographs", "slides", "video", "voc", "webdataset", "yolo"),
)
"""Formats of public sets that a clinic may deliver too: their option `private: true` says so."""
READER = "components.images.text_reader"
"""Reads what is written in images of a private source: another version of it makes those stale that may be one."""
OPTIONS: dict[str, tuple[str, ...]] = {
    "bci": ("split",),
    "busi": ("burned_in",),
    **dict.fromkeys(KEPT_PRIVATE, ("private", "burned_in")),
    "dicom": ("frame_step", "slice_mm", "public", "burned_in", "defaced", "reports"),
    "nifti": ("public", "slice_mm", "defaced"),
    **dict.fromkeys(("brats", "ixi", "synthrad"), ("slice_mm",)),
    "photographs": ("windows", "private", "burned_in"),
    "ultrasound": ("frame_step",),
    "video": ("frame_step", "private", "burned_in"),
}
_BY_FOLDER = ("dicom", "images", "nifti", "photographs", "slides", "video")
"""Formats whose files lie as people sort them: a folder called `test` or `val` is the delivery's own."""
_QUOTING = ("bad labels", "mislabelled")
"""Reasons whose details repeat what labels.csv says."""
_QUOTED = re.compile(r"['\"].*['\"]", re.DOTALL)


def adapter(format_name: str) -> Adapter:
    """The adapter of a format; raises ValueError with the nearest known name."""
    return import_module(adapter_module(format_name)).read


def adapter_module(format_name: str) -> str:
    """The module of a format's adapter; raises ValueError with the nearest known name."""
    if format_name not in MODULES:
        raise ValueError(f"unknown format {format_name!r}{nearest(format_name, MODULES)}")
    return MODULES[format_name]


def adapter_code() -> dict[str, tuple[str, ...]]:
    """Format -> the modules that its records depend on beside those of validation: its adapter's, and the vocabulary of
    findings where labels.csv may name one, and what reads the images of a private source."""
    return {
        name: (module, *((FINDINGS,) if name in GENERAL else ()), *((READER,) if name in KEPT_PRIVATE else ()))
        for name, module in MODULES.items()
    }


def read_source(
    folder: Path,
    source: str,
    settings: SourceSettings,
    *,
    private: Path | None = None,
    deidentified: Path | None = None,
) -> Iterator[Item]:
    """Every raw record of a source, labelled, in the adapter's order; what cannot be read is an Unreadable.

    `private` is the workspace's .unimed, whose secret keys names and patients of a private source; without it they are
    keyed for this call alone. `deidentified` is the workspace's folder of texts that stand in for delivered ones.
    Raises ValueError when the folder is missing, the format unknown, an option unknown to it or such a file wrong.
    """
    delivery, read = opened(folder, source, settings, private)
    items = items_of(delivery, read)
    if not delivery.secret:
        return items
    return _screened(items, delivery, deidentified / source if deidentified else None)


def read_texts(folder: Path, source: str, settings: SourceSettings, *, private: Path) -> Iterator[dict[str, str]]:
    """Every text of a private source as delivered: id and place of its record, its keyed hash, and what it says. For a
    program that de-identifies; the rows name patients. Raises ValueError as `read_source`, and for a public source."""
    from components.sources.names.private_records import delivered_texts

    delivery, read = opened(folder, source, settings, private)
    if not delivery.secret:
        raise ValueError(f"source {source} is public: its texts are used as delivered, and nothing stands in for them")
    masked = (_hidden(item, delivery) for item in items_of(delivery, read))
    yield from delivered_texts((item for item in masked if isinstance(item, Record)), delivery)


def _screened(items: Iterator[Item], delivery: Delivery, folder: Path | None) -> Iterator[Item]:
    # Imported here: rules and lists are of no use to public sources, and take a moment to compile.
    from components.sources.names.outside import OutsideTexts
    from components.sources.names.private_records import screened_record

    outside = OutsideTexts.read(folder)
    for item in items:
        hidden = _hidden(item, delivery)
        if isinstance(item, Record) and isinstance(hidden, Record):
            hidden = screened_record(hidden, subject=item.subject, delivery=delivery, outside=outside)
        yield hidden


def _hidden(item: Item, delivery: Delivery) -> Item:
    """The item of a private source without what names a file or a patient."""
    hide = _masked if delivery.settings.format in PRIVATE_FORMATS else withheld
    return hide(item, delivery)


def opened(folder: Path, source: str, settings: SourceSettings, private: Path | None) -> tuple[Delivery, Adapter]:
    """The delivery in the folder, with what keys its identities, and its adapter. Raises ValueError as `read_source` does."""
    read = adapter(settings.format)
    known = (*OPTIONS.get(settings.format, ()), *sharing_options(settings.format))
    if unknown := sorted(set(settings.options) - set(known)):
        raise ValueError(
            f"sources.{source}.options: format {settings.format!r} has no option {unknown[0]!r}"
            f"{nearest(unknown[0], known)}"
        )
    if not folder.is_dir():
        raise ValueError(f"source {source}: {folder} is missing; deliver the files there, or remove the source")
    if settings.options.get("reports") == CLEARED:
        settings = replace(settings, deidentified=True)
    if not is_private(source, settings):
        return Delivery(folder=folder, source=source, settings=settings), read
    workspace = workspace_secret(private) if private else secrets.token_bytes()
    delivery = Delivery(
        folder=folder,
        source=source,
        settings=settings,
        secret=source_secret(source, workspace),
        patient_secret=source_secret(settings.namespace(source), workspace),
        private=private,
    )
    return delivery, read


def source_secret(source: str, secret: bytes) -> bytes:
    """What keys a private source's names and patients, made of the workspace's secret; public sources have none."""
    return keyed_hash("source", source, key=secret, digest_bytes=32).encode()


def check_namespaces(sources: Mapping[str, SourceSettings]) -> None:
    """Raise ValueError for a namespace of private and public sources: one person would have a key of each kind."""
    patients = Patients(sources)
    for name, settings in sources.items():
        others = [other for other in patients.together(name) if not is_private(other, sources[other])]
        if is_private(name, settings) and others:
            raise ValueError(
                f"sources {name} (private) and {others[0]} (public) have their patients in one namespace, "
                f"{patients.namespace(name)!r}, but are keyed differently: set sources.{others[0]}.options.private to true "
                f"where its format has that option, or another sources.{others[0]}.patients"
            )


def secret_mark(source: str, settings: SourceSettings, private: Path) -> str:
    """`public`, or a mark that changes with the secret of a private source: what was keyed by another one is stale."""
    if not is_private(source, settings):
        return "public"
    return keyed_hash("mark", key=source_secret(source, workspace_secret(private)), digest_bytes=8)


def real_names(folder: Path, source: str, settings: SourceSettings, private: Path) -> dict[str, str]:
    """What stands for a file in a private source's records -> its name inside the folder; empty for a public source.

    For the eyes of somebody who has the raw files before them: written nowhere.
    """
    if not is_private(source, settings):
        return {}
    secret = source_secret(source, workspace_secret(private))
    delivery = Delivery(folder=folder, source=source, settings=settings)
    return {file_mask(name, secret): name for name, _ in delivery.files()}


def _masked(item: Item, delivery: Delivery) -> Item:
    """The item with a keyed hash in place of its file's name and of its patient, and without its description: captions
    say what stands there, and nobody searched it for names."""
    name = item.file if isinstance(item, Unreadable) else item.provenance.file
    mask = file_mask(name, delivery.secret)
    of_source, _, rest = item.id.partition("/")
    identity = f"{of_source}/{_without(name, mask, rest)}"
    if isinstance(item, Unreadable):
        # A letter or a digit names nobody, and stands in many a sentence.
        detail = _without(name, mask, item.detail) if len(name) > 1 else item.detail
        if item.file == REPORTS and not isinstance(item, LeftOut):
            detail = unquoted(item)
        elif item.reason in _QUOTING:
            detail = _QUOTED.sub("…", detail)
        return replace(item, id=identity, file=mask, detail=detail)
    return replace(
        item,
        id=identity,
        subject=keyed_hash("patient", item.subject, key=delivery.patient_secret),
        facts={fact: value for fact, value in item.facts.items() if fact != "description"},
        provenance=replace(item.provenance, file=mask),
    )


def _without(name: str, mask: str, text: str) -> str:
    """The text with the mask where the name stands by itself: a file may be called `a` or `12`."""
    return re.sub(rf"(?<![\w-]){re.escape(name)}(?!\w)", mask, text)


def _named(record: Record, delivery: Delivery) -> Record:
    """The record with its patient's id as the namespace writes it."""
    return replace(record, subject=person(record.subject, delivery.settings))


def items_of(delivery: Delivery, read: Adapter) -> Iterator[Item]:
    """What the adapter makes of the delivery, labelled, its patients as the namespace writes them; nothing is masked yet."""
    try:
        delivery = replace(delivery, labels=Labels.read(delivery.folder))
    except ImageError as error:
        # What it says about crops and windows would be missing from every image.
        yield delivery.unreadable(NAME, BrokenOff(error.reason, error.detail))
    for name in delivery.labels.missing({name for name, _ in delivery.files()}):
        yield delivery.unreadable(
            f"{NAME}:{name}",
            ImageError(
                "label without file", f"{NAME} speaks of a file that was not delivered; remove the row or deliver it"
            ),
        )
    try:
        for item in read(delivery):
            yield _labelled(item, delivery) if isinstance(item, Record) else item
    except ImageError as error:
        # Of a table by which others are read: without it nothing of what follows can be told.
        yield delivery.unreadable(".", BrokenOff(error.reason, error.detail))


def _labelled(record: Record, delivery: Delivery) -> Item:
    """The record with what labels.csv says of its file, or what stands for it where that cannot be."""
    if record.delivered_split is None and delivery.settings.format in _BY_FOLDER:
        record = replace(record, delivered_split=folder_split(record.provenance.file))
    try:
        return _named(delivery.labels.apply(record), delivery)
    except ImageError as error:
        file = record.provenance.file
        return Unreadable(id=record.id, source=record.source, file=file, reason=error.reason, detail=error.detail)
