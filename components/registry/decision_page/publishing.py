"""A decision's page where people look for it: in the workspace, beside the version's run, linked from its description."""

from collections.abc import Sequence
from dataclasses import asdict

from components.registry.catalogue import Version
from components.registry.decision_page.page import write_page
from components.registry.decisions import Decision
from components.registry.judgement import kept_judgements, read_judgement
from components.registry.openings import openings
from components.registry.tracking import Tracking
from components.storage.workspace import Workspace

FOLDER = "decisions"


def publish_page(
    workspace: Workspace,
    tracking: Tracking,
    version: Version,
    log: Sequence[Decision],
) -> None:
    """Write the version's page anew, with every opening of its exam, and link it; nothing where the version was judged
    elsewhere, or never."""
    if version.number not in kept_judgements(workspace):
        return
    judgement = read_judgement(workspace, version.number)
    opened = [asdict(one) for one in openings(workspace, judgement.table.exam)]
    path = write_page(workspace, judgement, log, opened)
    place = f"`{path.relative_to(workspace.root)}` of the workspace"
    if version.run_id:
        tracking.client.log_artifact(version.run_id, str(path), FOLDER)
        experiment = tracking.client.get_run(version.run_id).info.experiment_id
        link = f"#/experiments/{experiment}/runs/{version.run_id}/artifacts/{FOLDER}/{path.name}"
        place = f"[the decision's page]({link}) ({place})"
    said = f"{log[-1].action} by {log[-1].who}: {place}"
    tracking.client.update_model_version(tracking.model, str(version.number), description=said)
