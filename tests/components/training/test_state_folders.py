"""What would resume a stage goes with the stage, and with no other."""

from pathlib import Path

from components.storage.workspace import Workspace
from components.training.state_folders import forget_states, state_folder


def test_the_folders_of_the_named_stages_go_but_for_the_one_to_keep(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    forget_states(workspace, ["unified"])  # nothing has run yet
    own, other, finer, start = (
        state_folder(workspace, stage, key)
        for stage, key in (("unified", "1a"), ("unified", "2b"), ("unified-fine", "1a"), ("start", "3c"))
    )
    latents = workspace.training_state / "latents"
    for folder in (own, other, finer, start, latents):
        folder.mkdir(parents=True)
        (folder / "manifest.json").touch()
    forget_states(workspace, ["unified"], keep=own)
    assert set(workspace.training_state.iterdir()) == {own, finer, start, latents}
    forget_states(workspace, ["unified", "start"])
    assert set(workspace.training_state.iterdir()) == {finer, latents}
