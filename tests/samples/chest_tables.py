"""Tables of chest X-ray sets in the columns in which they are published; every row is made here."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.samples.pictures import eye
from tests.samples.questions import write

NIH = ("Cardiomegaly", "No Finding", "Effusion|Hernia", "Mass|Nodule", "Effusion", "Infiltration|Pleural_Thickening")
CHEXPERT = (
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema"),
    *("Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other"),
    *("Fracture", "Support Devices"),
)
PADCHEST = (
    *("", "ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth", "PatientSex_DICOM"),
    *("ViewPosition_DICOM", "Projection", "MethodProjection", "Pediatric", "Modality_DICOM", "Manufacturer_DICOM"),
    *("PhotometricInterpretation_DICOM", "PixelRepresentation_DICOM", "PixelAspectRatio_DICOM"),
    *("SpatialResolution_DICOM", "BitsStored_DICOM", "WindowCenter_DICOM", "WindowWidth_DICOM", "Rows_DICOM"),
    *("Columns_DICOM", "XRayTubeCurrent_DICOM", "Exposure_DICOM", "ExposureInuAs_DICOM", "ExposureTime"),
    *("RelativeXRayExposure_DICOM", "ReportID", "Report", "MethodLabel", "Labels", "Localizations"),
    *("LabelsLocalizationsBySentence", "labelCUIS", "LocalizationsCUIS"),
)
SAID = (
    (" sin hallazg patolog .", "['normal']"),
    (" cardiomegali moder . no derram .", "['cardiomegaly']"),
    (" derram pleural izquierd .", "['pleural effusion', 'volume loss']"),
)
"""(stemmed report, labels)."""


def nih(folder: Path) -> None:
    head = [
        "Image Index",
        "Finding Labels",
        "Follow-up #",
        "Patient ID",
        "Patient Age",
        "Patient Gender",
        "View Position",
    ]
    head += ["OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]"]
    rows = [
        (
            f"{1 + n // 3:08d}_{n % 3:03d}.png",
            NIH[n % len(NIH)],
            n % 3,
            1 + n // 3,
            40 + n,
            "MF"[n % 2],
            ("PA", "AP")[n % 2],
            2500,
            2048,
            0.14,
            0.14,
        )
        for n in range(60)
    ]
    write(folder / "Data_Entry_2017_v2020.head200.csv", table(head, rows))


def nih_images(folder: Path) -> None:
    """Two images, of which the table has one."""
    photograph = eye(600).convert("L")
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(("00000001_000", "00027426_000")):
        photograph.crop((90 * number, 0, 90 * number + 300, 300)).save(folder / f"{name}.png")


def chexpert(folder: Path) -> None:
    """1 yes, 0 no, -1 uncertain, nothing: not mentioned."""
    head = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT)
    rows = []
    for n in range(40):
        view = ("view1_frontal", "view2_lateral")[n % 2]
        path = f"CheXpert-v1.0-small/train/patient{1 + n // 4:05d}/study{1 + n // 2 % 2}/{view}.jpg"
        labels = [("1.0", "0.0", "-1.0", "")[(n + k) % 4] for k in range(len(CHEXPERT))]
        rows.append((path, "Female", 50 + n, view.split("_")[1].title(), ("AP", "")[n % 2], *labels))
    write(folder / "chexpert_train.head200.csv", table(head, rows))


def chexpert_5x200(folder: Path) -> None:
    """Some impressions run over lines, one says nothing."""
    head = ("", "imgpath", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT, "Report Impression")
    rows = []
    for n in range(8):
        path = f"CheXpert-v1.0-small/train/patient{200 + n:05d}/study1/view1_frontal.jpg"
        said = " " if n == 5 else f"\n1. the heart is enlarged in study {n}.\n2. no effusion."
        rows.append((n, path, "Male", 26, "Frontal", "AP", *["0.0"] * len(CHEXPERT), said))
    write(folder / "chexpert-5x200.csv", table(head, rows))


def padchest(folder: Path) -> None:
    rows = []
    for n in range(60):
        report, labels = SAID[n % 3]
        known = {
            "": n,
            "ImageID": f"{10**20 + n}_made.png",
            "ImageDir": n % 2,
            "StudyID": 10**20 + n,
            "PatientID": 10**15 + n // 2,
            "Projection": ("PA", "L", "AP")[n % 3],
            "Report": report,
            "MethodLabel": "Physician",
            "Labels": labels,
            "Localizations": "[]",
        }
        rows.append([known.get(name, "") for name in PADCHEST])
    name = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.head200.csv"
    write(folder / name, table(PADCHEST, rows))


def siim(folder: Path) -> None:
    """Every third has a mask: runs down the columns of 1024 x 1024 pixels, each as far from the end of the one before."""
    draw, rows = np.random.default_rng(0), []
    for n in range(40):
        runs = "-1"
        if n % 3 == 0:
            top, left, height, width = (int(value) for value in draw.integers(60, 240, 4))
            runs = " ".join(f"{1024 * left + top if k == 0 else 1024 - height} {height}" for k in range(width))
        rows.append((f"1.2.276.0.{10**6 + n}", runs))
    write(folder / "siim-pneumothorax-train-rle.head200.csv", table(("ImageId", " EncodedPixels"), rows))


def vindr(folder: Path) -> None:
    head = ["image_id", "class_name", "class_id", "rad_id", "x_min", "y_min", "x_max", "y_max"]
    kinds = (("No finding", 14), ("Cardiomegaly", 3), ("Aortic enlargement", 0), ("No finding", 14))
    rows = []
    for n in range(80):
        name, number = kinds[n % 4]
        box = ("",) * 4 if number == 14 else (691.0 + n, 1375.5, 1653.25 + n, 1831.0)
        rows.append((f"{n:032x}", name, number, f"R{8 + n % 3}", *box))
    write(folder / "vinbigdata-train.head200.csv", table(head, rows))


def covid(folder: Path) -> None:
    """Two rows have no image, one image has no row; the table is not of UTF-8."""
    head = (
        "patientid,offset,sex,age,finding,survival,temperature,pO2 saturation,view,modality,artifacts/distortion,notes"
    )
    rows = [
        (
            f"COVID-{name}",
            n,
            "M",
            40 + n,
            ("COVID-19", "", "Pneumonia")[n % 3],
            "",
            "",
            90,
            "AP erect",
            "X-ray",
            "",
            "38 °C, says a story made here",
        )
        for n, name in enumerate(("00001", "00002", "00003a", "00003b", "00004", "00005", "00006"))
    ]
    write(folder / "metadata.csv", table(head.split(","), rows), "cp1252")
    photograph = eye(400).convert("L")
    (folder / "images").mkdir()
    for number, name in enumerate(("00002", "00003a", "00003b", "00004", "00006", "00099")):
        photograph.crop((30 * number, 0, 30 * number + 150, 150)).save(folder / "images" / f"COVID-{name}.jpg")
    write(folder / "README.md", "The form of the published set, with rows and pictures made for tests.\n")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()
