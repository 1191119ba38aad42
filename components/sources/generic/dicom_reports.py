"""`reports.csv` beside DICOM files: one row a study, by its StudyInstanceUID or accession number, with the report's text.

A report belongs to the films of its study: each of them is a record that says it. A series of slices has no slice of which a
whole report could be told, so that theirs are counted and left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from components.images.dicom import DicomImage
from components.images.dicom_pixels import PROJECTIONS
from components.images.limits import ImageError, LeftOutError
from components.records.record import Turn
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.reports import report_turn, sections
from components.sources.reading.row_records import each_row
from components.sources.reading.rows import Row, need, rows_of, text

NAME = "reports.csv"
_STUDY = ("StudyInstanceUID", "study_instance_uid", "study")
_ACCESSION = ("AccessionNumber", "accession_number", "accession")
_TEXT = ("report", "text", "Report")


@dataclass(slots=True)
class Reports:
    """The reports of a delivery, and which of them an image was found for."""

    by_study: dict[str, tuple[int, Turn]] = field(default_factory=dict)
    """StudyInstanceUID, or `accession ` and the number -> (row, report)."""
    told: set[int] = field(default_factory=set)
    of_slices: set[int] = field(default_factory=set)

    def read(self, delivery: Delivery, path: Path) -> Iterator[Item]:
        """Fill it from the file; rows that say nothing usable are unreadable."""
        yield from each_row(delivery, NAME, rows_of(path), lambda name, number, row: self._row(number, row))

    def of(self, image: DicomImage) -> tuple[Turn, ...]:
        """The report of an image's study; none for a slice."""
        for key in (image.study, f"accession {image.accession}"):
            if key in self.by_study:
                row, turn = self.by_study[key]
                if image.modality not in PROJECTIONS:
                    self.of_slices.add(row)
                    return ()
                self.told.add(row)
                return (turn,)
        return ()

    def rest(self, delivery: Delivery) -> Iterator[Item]:
        """What stands for the reports that no film was found for."""
        for row in sorted({row for row, _ in self.by_study.values()} - self.told):
            if row in self.of_slices:
                error: ImageError = LeftOutError(
                    "report of slices", "no single slice of a series shows what its report says"
                )
            else:
                error = ImageError("stray report", "no film of its study was delivered; deliver it, or remove the row")
            yield delivery.unreadable(f"{NAME}#{row:07d}", error)

    def _row(self, number: int, row: Row) -> list[Item]:
        study, accession = text(row, *_STUDY), text(row, *_ACCESSION)
        if not study and not accession:
            need(row, *_STUDY)
        turn = report_turn(sections(need(row, *_TEXT)))
        for key in (study, f"accession {accession}" if accession else ""):
            if key in self.by_study:
                raise ImageError("duplicate report", f"row {self.by_study[key][0]} is of the same study; join the two")
            if key:
                self.by_study[key] = number, turn
        return []
