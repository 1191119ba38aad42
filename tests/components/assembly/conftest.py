"""A small validated corpus with the structure of the real one: several modalities, subjects, planes, paired images."""

import io
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.assembly.corpus import Corpus, Entry
from components.assembly.selection.bins import select
from components.assembly.stage import assemble
from components.context import StageContext
from components.images.stored import StoredImage
from components.recipes.assembly import AssemblySettings, QuestionSettings, Slab, SplitSettings
from components.recipes.shipped import read_shipped
from components.recipes.sources import SourceSettings
from components.recipes.training import StartSettings
from components.records.accounting import Account
from components.records.record import Provenance, Record
from components.records.schema import record_row, record_table
from components.records.vocabulary import Bin, Modality
from components.storage.atomic import write_json
from components.storage.keys import patient_key, public_secret
from components.storage.progress import Progress
from components.storage.workspace import Workspace

SETTINGS = AssemblySettings(
    image_side=16,
    square=True,
    super_resolution_factor=4,
    max_shard_bytes=200_000,
    questions={
        "modality": QuestionSettings(weight=2, forms=("choice", "open", "closed")),
        "region": QuestionSettings(weight=2, forms=("choice", "open", "closed")),
        "plane": QuestionSettings(weight=2, forms=("choice", "open", "closed")),
        "map": QuestionSettings(weight=1, forms=("choice", "open", "closed")),
        "colour": QuestionSettings(weight=1, forms=("closed",)),
        "stain": QuestionSettings(weight=1, forms=("closed",)),
        "organ": QuestionSettings(weight=1, forms=("closed",)),
        "tumour": QuestionSettings(weight=1, forms=("closed",)),
    },
    question_turns=900,
    question_turns_per_record=30,
    captions_per_record=3,
    drawings_per_record=3,
    edits_per_record=3,
    turns_per_sample=3,
    caption_samples=60,
    drawing_samples=60,
    edit_samples=80,
    benchmark_items=12,
    benchmark_drawings=18,
    benchmark_edits=6,
    benchmark_captions=20,
    splits=SplitSettings(
        test={"ct": ("ct-two",), "tissue": ("slide-two",), "scan": ("us-two",)},
        val={"mri": ("head",), "scan": ("us-three",)},
        slabs=(
            Slab(source="mri", subject="mean", plane="axial", low=0, high=8, guard=4),
            Slab(source="mri", subject="mean", plane="sagittal", low=0, high=8, guard=4, split="within-val"),
        ),
        val_share=0.0,
    ),
)


def png(text: str, *, colour: bool = False, side: int = 24) -> bytes:
    """A picture that is different for every text and looks like something: an ellipse on a ground."""
    random = np.random.default_rng(list(text.encode()))
    image = PIL.Image.new("RGB" if colour else "L", (side, side + 6), (200, 120, 190) if colour else 12)
    box = [int(x) for x in (*random.integers(1, 8, 2), *random.integers(15, side - 1, 2))]
    PIL.ImageDraw.Draw(image).ellipse(box, fill=(90, 40, 120) if colour else int(random.integers(120, 250)))
    pixels = np.asarray(image).astype(int) + random.integers(0, 9, np.asarray(image).shape)
    out = io.BytesIO()
    PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def record(source: str, name: str, subject: str, modality: Modality, anatomy: str, **known: object) -> Record:
    """A record whose pixels follow from its name."""
    colour = modality in (Modality.HISTOPATHOLOGY, Modality.FUNDUS)
    known["facts"] = {"colour": "yes" if colour else "no", **known.get("facts", {})}  # type: ignore[dict-item]
    image = StoredImage.of(png(name, colour=colour))
    fields = {"image": image, "licence": "CC0", "provenance": Provenance(file=f"{subject}.nii")}
    return Record(
        id=f"{source}/{name}", source=source, subject=subject, modality=modality, anatomy=anatomy, **(fields | known)
    )  # type: ignore[arg-type]


def make_corpus() -> dict[str, list[Record]]:
    """Source -> records."""
    mri = []
    for plane in ("axial", "coronal", "sagittal"):
        for contrast in ("T1", "grey matter", "white matter"):
            for k in range(10):
                name = f"mean-{contrast[:2]}-{plane}-{k:02d}"
                pairs = {
                    "grey_matter": png(f"mean-gr-{plane}-{k:02d}"),
                    "white_matter": png(f"mean-wh-{plane}-{k:02d}"),
                }
                mri.append(
                    record(
                        "mri",
                        name,
                        "mean",
                        Modality.MRI,
                        "brain",
                        facts={
                            "plane": plane,
                            **({"contrast": "T1", "map": "none"} if contrast == "T1" else {"map": contrast}),
                        },
                        position=float(4 * k - 8),
                        targets=pairs if contrast == "T1" else {},
                    )
                )
    for k in range(6):
        facts = {"plane": "axial", "contrast": "T1", "tumour": "yes" if k < 3 else "no"}
        mri.append(record("mri", f"head-{k}", "head", Modality.MRI, "brain", facts=facts, position=float(k)))
    ct = []
    for subject, count in (("ct-one", 12), ("ct-two", 8)):
        for k in range(count):
            organs = "liver;spleen" if k % 4 < 2 else "left kidney"
            palette = np.zeros((30, 24, 3), np.uint8)
            palette[5:15, 5:15] = (255, 0, 0)
            out = io.BytesIO()
            PIL.Image.fromarray(palette).save(out, "PNG")
            facts = {"plane": ("axial", "coronal")[k % 2], "organs": organs}
            targets = {"organ_map": out.getvalue()}
            ct.append(
                record(
                    "ct",
                    f"{subject}-{k:02d}",
                    subject,
                    Modality.CT,
                    "abdomen",
                    facts=facts,
                    targets=targets,
                    position=float(k),
                )
            )
    tissue = [
        record("tissue", f"{s}-{k}", s, Modality.HISTOPATHOLOGY, "colon", facts={"stain": stain, "plane": "tile"})
        for s, stain in (("slide-one", "H&E"), ("slide-brown", "DAB and haematoxylin"), ("slide-two", "H&E"))
        for k in range(5)
    ]
    scan = [
        record("scan", f"{s}-{k}", s, Modality.ULTRASOUND, "eye")
        for s in ("us-one", "us-two", "us-three")
        for k in range(4)
    ]
    return {"mri": mri, "ct": ct, "tissue": tissue, "scan": scan}


def write_validated(workspace: Workspace, records: dict[str, list[Record]], *, quarantined: int = 0) -> None:
    """data/validated as the validation stage leaves it, records in the given order."""
    for source, found in records.items():
        account = Account(source=source)
        rows = []
        for item in found:
            account.count(Bin.KEPT)
            key = patient_key(public_secret(source), item.subject)
            rows.append(record_row(item, patient_key=key))
        for _ in range(quarantined):
            account.count(Bin.QUARANTINED, "empty file")
        folder = workspace.validated / source
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(record_table(rows), folder / "records-00000.parquet", row_group_size=7)
        refused = [
            {
                "id": f"{source}/bad-{k}",
                "file": f"bad-{k}.png",
                "locator": "",
                "reason": "empty file",
                "detail": "<0 bytes>",
            }
            for k in range(quarantined)
        ]
        if refused:
            pq.write_table(pa.Table.from_pylist(refused), folder / "quarantine.parquet")
        write_json(folder / "accounting.json", {**account.to_json(), "verdict": {"verdict": "accept"}})


def assemble_validated(
    root: Path,
    settings: AssemblySettings = SETTINGS,
    *,
    sources: Iterable[str] | Mapping[str, SourceSettings] = ("mri", "ct", "tissue", "scan"),
    seed: int = 1,
    stopped: bool = False,
    start: StartSettings | None = None,
) -> Path:
    """Assembles what lies in the workspace's data/validated; returns the data set's folder. Sources without settings are
    public ones of the corpus."""
    workspace, recipe = Workspace(root), read_shipped("tiny-scratch")
    ctx = StageContext(
        workspace=workspace,
        recipe=replace(
            recipe,
            sources=dict.fromkeys(sources, next(iter(recipe.sources.values())))
            | (sources if isinstance(sources, Mapping) else {}),
            assembly=settings,
            seed=seed,
            start=start or recipe.start,
        ),
        item="",
        progress=Progress.start(workspace.progress, "assemble"),
        stop=threading.Event(),
    )
    if stopped:
        ctx.stop.set()
    assemble(ctx)
    return workspace.dataset


@pytest.fixture
def settings() -> AssemblySettings:
    return SETTINGS


@pytest.fixture
def corpus() -> dict[str, list[Record]]:
    return make_corpus()


@pytest.fixture
def picture() -> Callable[[str], bytes]:
    """PNG bytes that follow from a text."""
    return png


@pytest.fixture
def make_record() -> Callable[..., Record]:
    return record


@pytest.fixture
def make_entry() -> Callable[..., Entry]:
    """An entry by name; pixels differ by name."""

    def entry(name: str, subject: str = "p1", modality: Modality = Modality.MRI, **known: Any) -> Entry:
        source = known.pop("source", "mri")
        fields: dict[str, Any] = {
            "anatomy": "brain",
            "facts": {},
            "targets": (),
            "delivered_split": None,
            "position": None,
            "licence": "CC0",
            "provenance": Provenance(file=f"{subject}.nii"),
            "pixels": f"pixels of {name}",
        }
        return Entry(
            id=f"{source}/{name}",
            source=source,
            patient_key=patient_key(public_secret(source), subject),
            modality=modality,
            **(fields | known),
        )

    return entry


@pytest.fixture
def entries(tmp_path: Path) -> tuple[Entry, ...]:
    """The small corpus as assembly reads it, each on its side."""
    workspace = Workspace(tmp_path / "entries")
    write_validated(workspace, make_corpus())
    return tuple(
        decision.entry
        for decision in select(Corpus(workspace.validated, list(make_corpus())).entries, SETTINGS)
        if decision.bin in (Bin.KEPT, Bin.HELDOUT)
    )


@pytest.fixture
def assemble_corpus(tmp_path: Path) -> Callable[..., Path]:
    """Writes records as validated, assembles them with SETTINGS (or others), returns the data set's folder."""

    def run(
        records: dict[str, list[Record]] | None = None,
        settings: AssemblySettings = SETTINGS,
        *,
        name: str = "work",
        quarantined: int = 0,
        sources: Iterable[str] | Mapping[str, SourceSettings] = (),
        seed: int = 1,
        stopped: bool = False,
    ) -> Path:
        records = make_corpus() if records is None else records
        workspace = Workspace(tmp_path / name)
        write_validated(workspace, records, quarantined=quarantined)
        return assemble_validated(
            workspace.root, settings, sources=sources or tuple(records), seed=seed, stopped=stopped
        )

    return run
