"""Which series of a delivery show a head: by the region's word, else by the size of what a few of their slices show."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from components.images.dicom import DicomImage, open_dicom
from components.images.dicom_series import LEAST_SLICES, Place, Stack
from components.images.limits import ImageError
from components.images.volume import Volume
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery
from components.sources.reading.faces import asks_for_faces, face, is_head, shows_face

_APART = 8.0
"""Millimetres between two slices that are looked at."""
_FOR_SLICES = ("CT", "MR", "PT", "NM")


class Heads:
    """The series that frames belong to, even or not: a face does not need even distances."""

    def __init__(self, places: Sequence[Place], paths: Mapping[str, Path], delivery: Delivery) -> None:
        self._delivery, self._paths = delivery, paths
        series: dict[object, list[Place]] = defaultdict(list)
        for place in places:
            series[place.group[0]].append(place)
        self._series = {place.file: found for found in series.values() for place in found}
        self._measured: dict[tuple[int, str], bool] = {}

    def refuse(self, name: str, image: DicomImage, anatomy: str, modality: Modality) -> None:
        """Raise ImageError, reason 'recognisable face', for a file of a head's series that nobody called defaced.

        A file that does not say where it lies may be of any series: the word of its region decides alone.
        """
        if image.modality not in _FOR_SLICES or not asks_for_faces(self._delivery, name):
            return
        series, told = self._series.get(name), is_head(anatomy, modality)
        if series is not None and len({round(place.along, 1) for place in series}) < LEAST_SLICES:
            return
        if told is None and series is not None:
            told = self._is_face(series, anatomy, modality)
        if told:
            raise face(anatomy)

    def _is_face(self, series: Sequence[Place], anatomy: str, modality: Modality) -> bool:
        key = (id(series), anatomy)
        if key not in self._measured:
            volume = self._volume(series)
            self._measured[key] = volume is not None and shows_face(anatomy, modality, volume)
        return self._measured[key]

    def _volume(self, series: Sequence[Place]) -> Volume | None:
        """A few slices of the series as a volume, those of its commonest size and direction; None for too few readable."""
        alike: dict[object, list[Place]] = defaultdict(list)
        for place in series:
            alike[place.shape, place.group[-1]].append(place)
        ordered = sorted(max(alike.values(), key=len), key=lambda place: place.along)
        chosen: list[Place] = []
        values = []
        for place in ordered:
            if chosen and place.along - chosen[-1].along < _APART:
                continue
            try:
                shown = open_dicom(self._paths[place.file]).shown(place.index).values
            except ImageError:
                continue  # whoever reads the file names what is wrong with it
            if shown is not None:
                chosen.append(place)
                values.append(shown)
        return Stack(chosen).volume(np.stack(values)) if len(chosen) >= LEAST_SLICES else None
