"""The DVC doors, on a real repository with trivial stages."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.storage import dvc, dvc_cache, dvc_remote, dvc_repository
from flows.run import send_rest

DVC = Path(sys.executable).parent / "dvc"


def run_all(workspace):
    return {name: dvc.reproduce_stage(workspace, name).ran for name in ("code", "make@one", "make@two", "join")}


def made(workspace, stage: str, path: str) -> str:
    """md5 of what the stage made."""
    return next(out["md5"] for out in dvc_repository.read_lock(workspace)[stage]["outs"] if out["path"] == path)


def test_stages_come_parents_first_and_the_code_stage_is_a_parent_of_what_reads_code_json(workspace):
    assert dvc.stage_graph(workspace) == {
        "code": set(),
        "make@one": {"code"},
        "make@two": {"code"},
        "join": {"make@one", "make@two"},
        "fail": {"join"},
    }


def test_an_unchanged_stage_is_skipped_and_a_changed_input_runs_it_again(workspace):
    assert run_all(workspace)["join"]
    assert run_all(workspace) == {"code": True, "make@one": False, "make@two": False, "join": False}
    changed = dvc.changed_stages(workspace)
    assert "code" not in changed and "join" not in changed
    (workspace.root / "raw" / "one").write_text("other")
    assert dvc.changed_stages(workspace)["make@one"] == "input raw/one modified"
    assert dvc.reproduce_stage(workspace, "make@one").ran


def test_a_missing_output_is_a_reason_in_plain_words(workspace):
    run_all(workspace)
    (workspace.root / "made" / "two").unlink()
    assert "output made/two missing" in dvc.changed_stages(workspace)["make@two"]


def test_a_failed_stage_names_its_exit_code_and_its_last_log_lines(workspace):
    run_all(workspace)
    workspace.logs.mkdir(parents=True)
    said = workspace.root / "said"
    said.write_text("\n".join(f"line {i}" for i in range(40)) + "\nsource x: 40 of 50 unreadable\n")
    hour_ago = time.time() - 3600
    os.utime(said, (hour_ago, hour_ago))  # the log's time too, as after a clock that was set back
    with pytest.raises(
        dvc.StageFailed, match=r"stage fail failed: exit code 3\n(.*\n)*  source x: 40 of 50 unreadable$"
    ) as caught:
        dvc.reproduce_stage(workspace, "fail")
    assert caught.value.exit_code == 3
    assert len(caught.value.log_lines) == dvc.LOG_LINES
    assert caught.value.__suppress_context__


def test_exit_75_is_an_interruption_and_not_a_failure(workspace):
    run_all(workspace)
    text = workspace.params.read_text()
    workspace.params.write_text(text.replace("code: 3", "code: 75"))
    with pytest.raises(dvc.StageInterrupted, match="fail"):
        dvc.reproduce_stage(workspace, "fail")


def test_an_unknown_stage_is_named(workspace):
    with pytest.raises(ValueError, match="no stage 'nothing'"):
        dvc.reproduce_stage(workspace, "nothing")


def test_the_lock_leads_to_the_bytes_in_the_cache(workspace):
    assert dvc_repository.read_lock(workspace) == {}
    run_all(workspace)
    assert dvc_cache.cache_path(workspace, made(workspace, "make@one", "made/one")).read_text() == "one\n"
    joined = made(workspace, "join", "joined")
    assert joined.endswith(".dir")
    assert set(dvc_cache.directory_entries(workspace, joined)) == {"one", "two"}


def test_collection_keeps_what_the_lock_and_what_versions_name_and_removes_the_rest(workspace):
    run_all(workspace)
    old = made(workspace, "join", "joined")
    (workspace.root / "raw" / "one").write_text("other")
    text = (workspace.root / "dvc.yaml").read_text()
    (workspace.root / "dvc.yaml").write_text(text.replace("echo ${key}", "echo new ${key}"))
    run_all(workspace)
    new = made(workspace, "join", "joined")
    assert new != old
    would = dvc_cache.collect(workspace, {old}, dry_run=True)
    assert would.objects == 0
    kept = dvc_cache.directory_entries(workspace, old)
    dvc_cache.collect(workspace, {old})
    assert all(dvc_cache.cache_path(workspace, md5).is_file() for md5 in kept.values())
    removed = dvc_cache.collect(workspace, set())
    assert removed.objects == 3 and removed.size_bytes > 0
    assert not dvc_cache.cache_path(workspace, old).exists()
    assert dvc_cache.cache_path(workspace, new).is_file()


def test_settings_are_ours_and_a_second_initialisation_changes_nothing(workspace):
    config = (workspace.root / ".dvc" / "config").read_text()
    assert "reflink,hardlink,symlink,copy" in config and "analytics" in config
    dvc_repository.ensure_initialised(workspace)
    assert (workspace.root / ".dvc" / "config").read_text() == config


def test_a_workspace_inside_a_git_tree_that_ignores_dvc_lock_still_works(workspace, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("dvc.lock\n")
    shutil.rmtree(workspace.root / ".dvc")
    dvc_repository.ensure_initialised(workspace)
    assert run_all(workspace)["join"]


def test_a_workspace_below_a_git_root_is_a_subdirectory_repository(workspace, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.rmtree(workspace.root / ".dvc")
    dvc_repository.ensure_initialised(workspace)
    assert run_all(workspace)["join"]
    assert (workspace.root / ".gitignore").is_file()


def test_the_interpreter_comes_first_on_the_path(workspace):
    os.environ["PATH"] = "/usr/bin:/bin"
    dvc.stage_graph(workspace)
    assert os.environ["PATH"].split(":")[0].endswith("bin")
    assert (Path(os.environ["PATH"].split(":")[0]) / "python").exists()


def test_the_log_of_an_earlier_run_is_not_shown_as_this_ones(workspace):
    run_all(workspace)
    workspace.logs.mkdir(parents=True)
    (workspace.logs / "fail.log").write_text("yesterday's trouble\n")
    os.utime(workspace.logs / "fail.log", (1_000_000, 1_000_000))
    with pytest.raises(dvc.StageFailed) as caught:
        dvc.reproduce_stage(workspace, "fail")
    assert caught.value.log_lines == []


def test_what_a_stage_made_goes_to_the_remote_and_an_unreachable_one_is_named(workspace, tmp_path):
    run_all(workspace)
    assert dvc_remote.push(workspace, "join") == 0, "there is no remote yet"
    remote = tmp_path / "remote"
    subprocess.run([DVC, "remote", "add", "--default", "store", remote], cwd=workspace.root, check=True, env=os.environ)
    assert dvc_remote.push(workspace, "make@one") == 1
    assert not dvc_remote.is_sent(workspace), "one stage is not all"
    assert dvc_remote.push(workspace) > 0 and dvc_remote.push(workspace) == 0
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    shutil.rmtree(workspace.root / "joined")
    subprocess.run([DVC, "pull", "--quiet"], cwd=workspace.root, check=True, env=os.environ)
    assert (workspace.root / "joined" / "two").read_text() == "two\n"
    shutil.rmtree(remote)
    remote.write_text("a file where the folder should be")
    with pytest.raises(ValueError, match=r"the DVC remote .*remote does not take the files"):
        dvc_remote.push(workspace)


def test_a_remote_that_is_set_or_changed_after_the_run_is_known_to_lack_what_the_run_made(workspace, tmp_path):
    run_all(workspace)
    assert dvc_remote.is_sent(workspace), "without a remote nothing is to be sent"
    for name in ("first", "second"):
        add = [DVC, "remote", "add", "--force", "--default", name, tmp_path / name]
        subprocess.run(add, cwd=workspace.root, check=True, env=os.environ)
        assert not dvc_remote.is_sent(workspace)
        assert send_rest(workspace) > 0
        assert dvc_remote.is_sent(workspace) and send_rest(workspace) == 0
        assert list((tmp_path / name).rglob("*.dir"))


@pytest.mark.parametrize("left", ["", '{"write": {"joi', "\0" * 30])
def test_half_a_list_of_readers_and_writers_heals(workspace, left):
    run_all(workspace)
    (workspace.root / ".dvc" / "tmp" / "rwlock").write_text(left)
    (workspace.root / "joined" / "two").unlink()
    assert dvc.reproduce_stage(workspace, "join").ran
    assert "fail" in dvc.changed_stages(workspace)


@pytest.mark.parametrize("name", ["dvc.lock", "dvc.yaml"])
def test_an_unsettled_merge_is_named_with_its_line_and_the_way_out(workspace, name):
    run_all(workspace)
    path = workspace.root / name
    whole = path.read_text()
    first, _, rest = whole.partition("\n")
    path.write_text(f"{first}\n<<<<<<< HEAD\n{rest}=======\n{rest}>>>>>>> theirs\n")
    said = rf"{name} holds git's conflict markers \(line 2\); take one side .*--ours {name}"
    for ask in (dvc.changed_stages, dvc.stage_graph, lambda w: dvc.reproduce_stage(w, "join")):
        with pytest.raises(ValueError, match=said):
            ask(workspace)
    path.write_text(whole)
    assert run_all(workspace)["join"] is False


def test_a_damaged_lock_file_is_named_and_the_advice_ends_in_the_same_state(workspace):
    run_all(workspace)
    before = made(workspace, "join", "joined")
    path = workspace.root / "dvc.lock"
    path.write_text(path.read_text()[:-40] + "\n  - [")
    with pytest.raises(ValueError, match=r"DVC cannot read a file of .*dvc\.lock.*without dvc\.lock the next run"):
        dvc.changed_stages(workspace)
    path.unlink()
    run_all(workspace)
    assert made(workspace, "join", "joined") == before


@pytest.mark.parametrize("link", ["hardlink", "copy"])
def test_an_output_that_was_edited_in_place_is_made_again_also_behind_a_link_into_the_cache(workspace, link):
    subprocess.run([DVC, "config", "cache.type", link], cwd=workspace.root, check=True, env=os.environ)
    run_all(workspace)
    md5 = made(workspace, "join", "joined")
    kept = dvc_cache.cache_path(workspace, dvc_cache.directory_entries(workspace, md5)["two"])
    for path in {workspace.root / "joined" / "two", kept}:
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.write(b"TWO")
        path.chmod(0o444)
    assert "join" in dvc.changed_stages(workspace)
    assert run_all(workspace)["join"]
    assert (workspace.root / "joined" / "two").read_text() == "two\n" and kept.read_text() == "two\n"
    assert made(workspace, "join", "joined") == md5
    assert "join" not in dvc.changed_stages(workspace)
