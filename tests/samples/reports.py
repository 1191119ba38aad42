"""Captions and reports in the layout in which they are published; all that they say is made here."""

import json
from pathlib import Path

from tests.samples.pictures import tissue
from tests.samples.questions import write


def roco(folder: Path) -> None:
    """Six tables of one line a figure, of which the captions begin with a blank."""
    root = folder / "data" / "test" / "radiology"
    licences = ("CC BY", "CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND")
    names = [f"ROCO_{3 * n:05d}" for n in range(1, 41)]
    tables = {
        "captions": [f"{name}\t Axial CT number {n}, at the level of the kidneys." for n, name in enumerate(names)],
        "cuis": [f"{name}\t\tC0040405\tC0022646" for name in names],
        "dlinks": [f"{name}\twget -r ftp://example.org/{name}.tar.gz -P /path/to/Dir\tg{name}.jpg" for name in names],
        "keywords": [f"{name}\t\taxial\tct\tkidney" for name in names],
        "licences": [
            "ROCO_ID,PMC_ID,CC",
            *(f"{name},PMC{7_000_000 + n // 2}_fig-{n}.jpg,{licences[n % 4]}" for n, name in enumerate(names)),
        ],
        "semtypes": [f"{name}\t\tT060\tDiagnostic Procedure" for name in names],
    }
    for name, lines in tables.items():
        write(root / f"{name}.txt", "\n".join(lines) + "\n")


CAPTIONS = (
    "Axial CT of the chest with a small nodule.",
    "(A) Axial and (B) coronal CT of the same kidney.",
    "Radiograph of the left wrist.",
    "(A) T1, (B) T2 and (C) FLAIR images of the brain.",
    "Ultrasound of the gallbladder.",
    "(A) Plain and (B) contrast-enhanced CT.",
    "Photograph of stained tissue.",
    "(A) MRI before and (B) after treatment, (C) a year later.",
    "Sagittal MRI of the knee.",
    "(A) Endoscopy of the colon. (B) Biopsy. (C) Radiograph.",
)
"""Half of the figures are of several panels, 13 in all."""


def medicat(folder: Path) -> None:
    """A row a figure, which says under what licence its paper stands."""
    lines, whole = [], tissue(220)
    for number, caption in enumerate(CAPTIONS):
        key, paper = f"Figure{number + 1}", f"{number // 2:040x}"
        file = f"{number + 1}-{key}-1.png"
        said = f"Figure {number + 1}. {caption}"
        row = {
            "pdf_hash": paper,
            "fig_key": key,
            "fig_uri": file,
            "s2_caption": said,
            "s2orc_caption": said,
            "s2orc_references": [f"It was seen at once (Figure {number + 1})."],
            "radiology": number != 6,
            "scope": number == 9,
            "predicted_type": "Medical images",
            "oa_info": {
                "doi": f"10.0/{number}",
                "oa": {"is_oa": True, "license": (None, "cc-by", "cc-by-nc")[number % 3]},
            },
        }
        lines.append(json.dumps(row))
        path = folder / "sample" / "figures" / f"{paper}_{file}"
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.crop((10 * number, 0, 10 * number + 120, 100)).save(path)
    write(folder / "sample" / "sample.jsonl", "\n".join(lines) + "\n")


REPORTS = (
    ("The heart is of normal size. The XXXX are clear.", "No acute disease."),
    ("There is a large effusion on the left.", ""),
    ("", "Stable XXXX since the last examination."),
    ("", ""),
)
"""(findings, impression): XXXX stands for what was taken out; some say nothing."""


def open_i(folder: Path) -> None:
    """One XML file a report, which names its views; every seventh has none."""
    for number in range(1, 61):
        findings, impression = REPORTS[number % 4]
        views = (
            ""
            if number % 7 == 0
            else "".join(
                f'   <parentImage id="CXR{number}_IM-{number:04d}-{view}001">\n'
                "      <figureId>F1</figureId>\n      <caption>Xray Chest PA and Lateral</caption>\n   </parentImage>\n"
                for view in range(1, 2 + number % 2)
            )
        )
        write(
            folder / f"{number}.xml",
            '<?xml version="1.0" encoding="utf-8"?>\n<eCitation>\n   <meta type="rr"/>\n'
            f'   <uId id="CXR{number}"/>\n   <pmcId id="{number}"/>\n   <MedlineCitation>\n      <Article>\n'
            '         <Abstract>\n            <AbstractText Label="COMPARISON">None.</AbstractText>\n'
            '            <AbstractText Label="INDICATION">Cough.</AbstractText>\n'
            f'            <AbstractText Label="FINDINGS">{findings}</AbstractText>\n'
            f'            <AbstractText Label="IMPRESSION">{impression}</AbstractText>\n         </Abstract>\n'
            "      </Article>\n   </MedlineCitation>\n   <MeSH>\n      <major>normal</major>\n   </MeSH>\n"
            f"{views}</eCitation>\n",
        )


def medevalkit(folder: Path) -> None:
    rows = [
        {
            "id": f"open_i_{number}",
            "image": [f"CXR{number}_IM-0001-{view}001.png" for view in (1, 2)],
            "findings": f"The lungs are clear in study {number}.",
            "impression": "Nothing acute.",
        }
        for number in range(70, 82)
    ]
    write(folder / "test.json", json.dumps(rows, indent=2))
