"""A clinic's delivery in a format of public sets: what its files, ids and drawings say stays behind."""

import io
import json
import secrets

import numpy as np
import pytest
from PIL import Image, ImageDraw

from components.recipes.sources import SourceSettings
from components.records.record import Record, Unreadable
from components.sources.table import read_source

NAME = "ABENDROTHNER"
PLAIN = np.random.default_rng(0).integers(40, 60, (160, 220), dtype=np.uint8)


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def painted() -> np.ndarray:
    image = Image.fromarray(PLAIN)
    draw = ImageDraw.Draw(image)
    for row in range(3):
        draw.text((8, 10 + 30 * row), f"DOE JOHN {NAME} 1950", fill=255, font_size=16)
    return np.asarray(image)


@pytest.fixture
def read(tmp_path):
    """read(format, **files) -> the items of a private source; a file is bytes, or text."""

    def run(format_name: str, files: dict[str, bytes | str]) -> list[Record | Unreadable]:
        for name, content in files.items():
            path = tmp_path / "raw" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        settings = SourceSettings(path="raw", format=format_name, options={"private": True})
        (tmp_path / "w").mkdir()
        return list(read_source(tmp_path / "raw", "clinic", settings, private=tmp_path / "w"))

    return run


def edit(before: str, after: str) -> str:
    images = [{"path": name, "height": 160, "width": 220} for name in (before, after)]
    talk = [{"from": "human", "value": "<image> Sharpen it."}, {"from": "gpt", "value": "Here it is. <image>"}]
    return json.dumps({"message": talk, "input_img": images[:1], "output_img": images[1:], "dataset": "d"})


def test_a_name_painted_into_a_paired_image_is_found(read):
    plain, text = jpeg(PLAIN), jpeg(painted())
    (kept, refused) = read(
        "jsonl",
        {"rows.jsonl": f"{edit('a.jpg', 'b.jpg')}\n{edit('a.jpg', 'text.jpg')}\n", "a.jpg": plain, "b.jpg": plain}
        | {"text.jpg": text},
    )
    assert isinstance(kept, Record) and set(kept.targets) == {"output"}
    assert isinstance(refused, Unreadable) and refused.reason == "burned-in text"


def test_bytes_hidden_in_a_files_own_coding_stay_behind(read):
    file = jpeg(PLAIN)
    hidden = file[:-2] + NAME.encode() + file[-2:]
    (item,) = read("jsonl", {"rows.jsonl": edit("a.jpg", "a.jpg"), "a.jpg": hidden})
    assert isinstance(item, Record) and item.image is not None
    assert all(NAME.encode() not in data for data in (item.image.data, *item.targets.values()))


def test_the_ids_of_a_coco_file_are_no_row_numbers(read):
    number = 10**6 + secrets.randbelow(10**6)
    listed = {"images": [{"id": number, "file_name": "a.jpg", "height": 160, "width": 220}], "annotations": []}
    items = read("coco", {"c.json": json.dumps(listed | {"categories": []}), "a.jpg": jpeg(PLAIN)})
    assert items and all(str(number) not in repr(item) for item in items)
