"""Which sources are private, and what was done about the people in them, as the data set's descriptions say it."""

from collections.abc import Mapping

from components.recipes.sources import SourceSettings
from components.sources.delivery import corpus
from components.sources.patients import CLINICAL

PIXELS, WORDS, FACES = "text in pixels", "words", "faces"
PRIVATE_FORMATS = CLINICAL
"""Exports of a clinic come in these: their file names may name a person and are not shown."""


def is_private(source: str, settings: SourceSettings) -> bool:
    """Whether names and patients of the source are keyed by the workspace's secret, its file names shown as hashes:
    a clinic's formats, unless the recipe says public, and where the recipe says private."""
    if settings.options.get("private", False):
        return True
    return settings.format in PRIVATE_FORMATS and source not in corpus() and not settings.options.get("public", False)


def handling(sources: Mapping[str, SourceSettings], readers: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Private source -> PIXELS, WORDS and FACES -> what was done about them. `readers`: source -> what read its pixels."""
    return {
        name: {PIXELS: _pixels(settings, readers.get(name, "")), WORDS: _words(settings), FACES: _faces(settings)}
        for name, settings in sorted(sources.items())
        if is_private(name, settings)
    }


def _pixels(settings: SourceSettings, reader: str) -> str:
    if settings.options.get("burned_in", "hold") == "allow":
        return "not searched: its owner lets all pass (burned_in: allow)"
    if settings.format == "nifti":
        return "not searched: slices of volumes"
    how = f"read by {reader}" if reader else "searched for rows of letters, nothing reads them"
    return f"{how}; held where found, until a person who looked says burned_in,no"


def _words(settings: SourceSettings) -> str:
    by = "by form, title and cue"
    if settings.deidentified or settings.options.get("reports") == "deidentified":
        return f"de-identified, its owner says; searched {by}; held where found"
    return f"searched {by}, and for words that may be names, in English, German and Spanish; held where found"


def _faces(settings: SourceSettings) -> str:
    if settings.format not in PRIVATE_FORMATS:
        return "not looked for: its pictures come one by one, outer slices too"
    if settings.options.get("defaced") is True:
        return "its owner says that none is left (defaced: true)"
    return "volumes and series of heads are held, until their owner says defaced,yes; single pictures, outer slices too, are not"
