"""Public sets in the layouts in which they are published, in folders of one tree: see SOURCES.md beside this file."""

from pathlib import Path

from tests.samples import chest_tables, pictures, questions, reports

WRITERS = {
    "slake": questions.slake,
    "pathvqa": questions.pathvqa,
    "vqa-med-2019": questions.vqa_med_2019,
    "radrestruct": questions.rad_restruct,
    "iu-xray/cares": questions.cares,
    "iu-xray/ecgen-radiology": reports.open_i,
    "iu-xray/medevalkit": reports.medevalkit,
    "roco": reports.roco,
    "medicat": reports.medicat,
    "cxr-tests": chest_tables.nih_images,
    "cxr-tests/tbx11k_test_data": pictures.tbx11k,
    "covid-figure1": chest_tables.covid,
    "deepliif": pictures.deepliif,
    "hyper-kvasir": pictures.hyper_kvasir,
    "unimed-clip": chest_tables.chexpert_5x200,
}
TABLES = (chest_tables.nih, chest_tables.chexpert, chest_tables.padchest, chest_tables.siim, chest_tables.vindr)


def write_published(folder: Path) -> None:
    """Every set, each in its folder."""
    for name, write in WRITERS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        write(folder / name)
    for write in TABLES:
        write(folder / "label-csv")
