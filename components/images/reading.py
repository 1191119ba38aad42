"""Any single image file to pixels: what `unimed ask` opens."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.dicom import is_dicom, open_dicom
from components.images.limits import ImageError
from components.images.raster import read_raster


def read_image(path: Path) -> NDArray[np.uint8]:
    """The (H, W) or (H, W, 3) uint8 pixels of a PNG, JPEG, TIFF or DICOM file (its first frame).

    Raises ImageError, which says what is wrong with the file.
    """
    if not path.is_file():
        raise ImageError("no file", f"{path} is not a file")
    if path.stat().st_size >= 132 and is_dicom(path):
        return open_dicom(path).frame(0)
    return read_raster(path)
