"""Taking what is shown of a patient out of the places where decisions keep it: cached predictions, judgements, pages."""

import shutil
from collections.abc import Collection

from components.assembly.benchmark.exam import read_exam
from components.registry.catalogue import all_versions
from components.registry.decision_page.publishing import publish_page
from components.registry.decisions import read_log
from components.registry.judgement import forget_shown
from components.registry.tracking import connect
from components.storage.workspace import Workspace


def forget_items(workspace: Workspace, items: Collection[str]) -> list[int]:
    """Remove the items' images and words from every judgement and page, here and on MLflow, and what was predicted of
    earlier exams, which nobody reads any more; returns the versions whose page is another now."""
    present = read_exam(workspace.exam).id[:16]
    for folder in (workspace.private / "gate").glob("*/*"):
        if folder.name != present:
            shutil.rmtree(folder)
    changed = forget_shown(workspace, items)
    if changed:
        tracking, log = connect(workspace), read_log(workspace)
        for version in all_versions(tracking):
            if version.number in changed:
                publish_page(workspace, tracking, version, log)
    return changed
