"""Captions of articles are not all in English."""

import json

import pytest

from components.sources.reading.languages import language_of


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Distension digestive avec niveaux hydro-aériques coliques et vacuité pelvienne"),
        ("fr", "Radiographie du thorax montrant une opacité de l'hémithorax gauche"),
        ("es", "Radiografía de tórax con imagen nodular en el lóbulo superior"),
        ("de", "Röntgenbild der Lunge mit einem Rundherd"),
        ("pt", "Radiografia do tórax com uma opacidade na base"),
        ("it", "Radiografia del torace con una lesione nella base"),
        ("en", "Axial CT. Arrow: abscess."),
        ("en", "LA and LV in the apical view; LA enlarged, des stents at La Paz hospital."),
        ("en", "Tetralogy of Fallot, de novo lesion described by Dupont et al. in the series of La Pitié."),
        ("en", "Bruit de diable"),
        ("en", ""),
    ],
)
def test_small_words_tell_the_language(language, text):
    assert language_of(text) == language


def test_figures_of_articles_have_the_language_of_their_captions(read, draw, tmp_path):
    said = "Distension digestive avec niveaux hydro-aériques et vacuité pelvienne"
    roco, medicat = tmp_path / "roco", tmp_path / "medicat"
    for folder in (roco / "valid_images", medicat / "figures"):
        for name in ("a", "b"):
            draw(folder / f"{name}_1.jpg", ord(name))
    (roco / "valid_captions.csv").write_text(f"ID,Caption\na_1,{said}\nb_1,A film of the chest.\n")
    rows = [
        {"pdf_hash": name, "fig_uri": "1.jpg", "s2_caption": text}
        for name, text in (("a", said), ("b", "A film of the chest."))
    ]
    (medicat / "figures.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for folder, source in ((roco, "roco"), (medicat, "medicat")):
        records, unreadable = read(folder, source)
        assert not unreadable
        assert [record.language for _, record in sorted(records.items())] == ["fr", "en"], source
