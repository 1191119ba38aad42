"""Sets that were lent under an agreement: what may not go to a remote that others may read."""

from collections.abc import Mapping

from components.recipes.sources import SourceSettings

LENT_FORMATS = ("chexpert", "mimic-cxr", "padchest", "vindr-cxr")
"""Formats of sets that nobody may pass on. Their option `share: true` says that every reader of the remote signed."""


def check_sharing(sources: Mapping[str, SourceSettings], remote: str) -> None:
    """Raise ValueError, naming every source of a lent set whose settings do not let it go to the remote."""
    lent = [
        f"{name} ({settings.format})"
        for name, settings in sorted(sources.items())
        if settings.format in LENT_FORMATS and not settings.options.get("share", False)
    ]
    if remote and lent:
        raise ValueError(
            f"the DVC remote {remote} would get what may not be passed on: {', '.join(lent)}; where everybody who reads it "
            "signed the set's agreement, set sources.<name>.options.share to true, else `dvc remote default --unset`"
        )
