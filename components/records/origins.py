"""Who says a fact: a file's header, the labels beside it, a text, the geometry of a volume, the pixels, or a program."""

from collections.abc import Mapping

HEADER, LABEL, TEXT, GEOMETRY, PIXELS, TOOL = "header", "label", "text", "geometry", "pixels", "tool"
"""`label` is what a person or a set's table says; `tool` what a program found in an image or a report."""
_USUAL = {
    "colour": PIXELS,
    "plane": GEOMETRY,
    "level": GEOMETRY,
    "window": HEADER,
    "projection": HEADER,
    "comparison": TEXT,
}
FOUND_BY_TOOL = {"findings": TOOL, "absent_findings": TOOL}
"""Of findings that a program read out of reports."""


def origins(facts: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Fact -> its origin: what its adapter tells of it, else where facts of that name come from."""
    return {name: told.get(name) or _USUAL.get(name, LABEL) for name in facts}


def with_origins(facts: Mapping[str, str], known: Mapping[str, str]) -> str:
    """The facts as a line for a person, each with its origin; without one where it is not known."""
    return ", ".join(
        f"{name} {value}" + (f" ({known[name]})" if known.get(name) else "") for name, value in sorted(facts.items())
    )
