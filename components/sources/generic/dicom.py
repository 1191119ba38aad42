"""Any folder of DICOM files: one record per frame, facts from an allow-list of tags and from labels.csv.

Ultrasound, secondary captures and screen saves may have names burned into the pixels. Their frames are cut to the tissue
regions that the header names, or to the `crop` of labels.csv; without either, and without `burned_in,no` from a person
who looked, the file is quarantined. So is any file of a private source in whose pixels rows of letters are found. The
option `burned_in: allow` lets all of them pass.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.deidentify import METHOD
from components.images.dicom import DicomImage, open_dicom
from components.images.limits import ImageError
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.burned_in import is_cleared, refuse_text
from components.storage.keys import keyed_hash

MODALITIES = {
    "MR": Modality.MRI,
    "CT": Modality.CT,
    "CR": Modality.XRAY,
    "DX": Modality.XRAY,
    "RG": Modality.XRAY,
    "PX": Modality.XRAY,
    "US": Modality.ULTRASOUND,
    "NM": Modality.NUCLEAR,
    "PT": Modality.NUCLEAR,
    "OP": Modality.FUNDUS,
    "OPT": Modality.OCT,
    "SM": Modality.HISTOPATHOLOGY,
    "ES": Modality.ENDOSCOPY,
}
_BODY_PARTS = {
    **dict.fromkeys(("head", "brain", "skull"), "brain"),
    **dict.fromkeys(("chest", "thorax", "lung", "ribs"), "chest"),
    **dict.fromkeys(("abdomen", "liver", "pancreas", "kidney", "spleen"), "abdomen"),
    **dict.fromkeys(("spine", "cspine", "tspine", "lspine", "sspine"), "spine"),
    **dict.fromkeys(("leg", "knee", "ankle", "extremity", "femur", "tibia"), "leg"),
    **dict.fromkeys(("arm", "elbow", "humerus", "forearm"), "arm"),
    **dict.fromkeys(("hand", "wrist", "finger"), "hand"),
    **dict.fromkeys(("wholebody", "whole body"), "whole body"),
    **{name: name for name in ("neck", "heart", "breast", "pelvis", "shoulder", "foot", "eye", "skin")},
    "hip": "pelvis",
}
"""BodyPartExamined -> region; any other text of that tag stays in the file."""
FRAME_STEP = 5


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per frame (every 5th of a clip, or the option `frame_step`) and per ultrasound region."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: read_file(delivery, n, p))


def read_file(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    """The records of one DICOM file; raises ImageError when it can have none."""
    image = open_dicom(path, secret=delivery.secret)
    labels = delivery.labels.of(name)
    modality = MODALITIES.get(image.modality)
    if modality is None and "modality" not in labels:
        raise ImageError(
            "unknown modality", f"DICOM modality {image.modality!r} is not an image we know; name it in labels.csv"
        )
    boxes = _boxes(delivery, name, image)
    anatomy = labels.get("anatomy") or _BODY_PARTS.get(image.body_part, "unknown")
    subject = labels.get("subject") or image.patient or keyed_hash("dicom-subject", image.instance or name)
    native = keyed_hash("dicom", delivery.source, image.instance or name, key=delivery.secret, digest_bytes=8)
    step = int(delivery.settings.options.get("frame_step", FRAME_STEP)) if image.frames > 1 else 1
    for index in range(0, image.frames, step):
        pixels = image.frame(index)
        plane, position = image.place(index)
        for number, box in enumerate(boxes):
            part = cut(pixels, box, name) if box else pixels
            if delivery.secret and not is_cleared(delivery, name):
                refuse_text(part, f"frame {index}")
            suffix = (f"-f{index:04d}" if image.frames > 1 else "") + (f"-r{number}" if len(boxes) > 1 else "")
            yield delivery.record(
                native + suffix,
                part,
                subject=subject,
                modality=modality or Modality.TEXT,
                anatomy=anatomy,
                file=name,
                licence=labels.get("licence", "unknown"),
                locator=" ".join(
                    ([f"frame {index}"] if image.frames > 1 else []) + ([f"region {number}"] if len(boxes) > 1 else [])
                ),
                facts={"plane": plane} if plane else {},
                position=position,
                method=f"as delivered; {METHOD}" if delivery.secret else "as delivered",
            )


def cut(pixels: NDArray[np.uint8], box: tuple[int, int, int, int], name: str) -> NDArray[np.uint8]:
    """The box (x0, y0, x1, y1) of an image; raises ImageError when it reaches beyond the image."""
    x0, y0, x1, y1 = box
    if x1 > pixels.shape[1] or y1 > pixels.shape[0]:
        raise ImageError(
            "bad labels", f"crop {box} of {name} reaches beyond its {pixels.shape[1]} x {pixels.shape[0]} pixels"
        )
    return np.ascontiguousarray(pixels[y0:y1, x0:x1])


def _boxes(delivery: Delivery, name: str, image: DicomImage) -> list[tuple[int, int, int, int] | None]:
    crop = delivery.labels.crop(name)
    if crop is not None:
        return [crop]
    if image.regions:
        return list(image.regions)
    if image.burned_in and not is_cleared(delivery, name):
        raise ImageError(
            "burned-in risk",
            f"{image.modality or 'this'} frames may show names; look at them, then say `burned_in,no` or give `crop` "
            "in labels.csv",
        )
    return [None]
