"""Validated records with images of a few pixels, as many as asked for."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from components.images.looks import BYTES as LOOK_BYTES
from components.images.looks import SeenLook
from components.images.png import encode_png, pixels_sha256
from components.images.stored import StoredImage
from components.records.accounting import Account
from components.records.record import Provenance, Record, Turn
from components.records.schema import record_row, record_table
from components.records.vocabulary import Bin, Modality, TurnKind
from components.storage.atomic import write_json
from components.storage.keys import patient_key, public_secret

SOURCES = ("a", "b", "c")
ROWS_PER_FILE = 20_000
RECORDS_PER_PATIENT = 4
SIDE, WORDS = 8, 14
KINDS = (
    (Modality.MRI, "brain", {"plane": "axial", "contrast": "T1"}),
    (Modality.MRI, "brain", {"plane": "coronal", "contrast": "FLAIR"}),
    (Modality.CT, "chest", {"plane": "axial", "nodule": "yes"}),
    (Modality.CT, "abdomen", {"plane": "axial", "organs": "liver;spleen"}),
    (Modality.XRAY, "chest", {"findings": "edema"}),
    (Modality.ULTRASOUND, "abdomen", {"doppler": "no"}),
)


def write_tiny_records(validated: Path, count: int) -> None:
    """data/validated as the validation stage leaves it; every image differs, three records in four have a caption."""
    for number, source in enumerate(SOURCES):
        folder = validated / source
        folder.mkdir(parents=True)
        account = Account(source=source)
        mine = range(number, count, len(SOURCES))
        for file, start in enumerate(range(0, len(mine), ROWS_PER_FILE)):
            rows = [_row(source, k) for k in mine[start : start + ROWS_PER_FILE]]
            path = folder / f"records-{file:05d}.parquet"
            pq.write_table(record_table(rows), path, row_group_size=64, compression="NONE")
        for _ in mine:
            account.count(Bin.KEPT)
        write_json(folder / "accounting.json", {**account.to_json(), "verdict": {"verdict": "accept"}})


def _image(pixels: np.ndarray, generator: np.random.Generator) -> StoredImage:
    """Of those pixels, but for its look, which is any other's: to make a million of them would take a quarter of an hour."""
    identity = pixels_sha256(pixels)
    return StoredImage(
        data=encode_png(pixels),
        width=SIDE,
        height=SIDE,
        sha256=identity,
        pixels=identity,
        mean=float(pixels.mean()),
        deviation=float(pixels.std()),
        clipped=0.0,
        colour=False,
        grey=True,
        look=SeenLook(generator.bytes(LOOK_BYTES)),
    )


def _row(source: str, number: int) -> dict[str, object]:
    modality, anatomy, facts = KINDS[number // (RECORDS_PER_PATIENT * len(SOURCES)) % len(KINDS)]
    subject = f"patient-{number // (RECORDS_PER_PATIENT * len(SOURCES)):07d}"
    generator = np.random.default_rng(number)
    pixels = generator.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    words = (f"word{word}" for word in np.minimum(generator.zipf(1.3, WORDS), 20_000))
    said = f"The {anatomy} shows {' '.join(words)}."
    caption = Turn(prompt="", answer=said, kind=TurnKind.CAPTION)
    image = _image(pixels, generator)
    name = f"case-{number:08d}"
    record = Record(
        id=f"{source}/{name}",
        source=source,
        subject=subject,
        modality=modality,
        anatomy=anatomy,
        image=image,
        facts=facts,
        turns=(caption,) if number % 4 else (),
        position=float(number % 200),
        licence="CC0-1.0",
        provenance=Provenance(file=f"{subject}/{name}.png", locator=f"axial {number % 200}", sha256=image.sha256),
    )
    key = patient_key(public_secret(source), subject)
    return record_row(record, patient_key=key)
