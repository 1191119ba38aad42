"""What a process puts down of its own time, and what whoever waited for it takes over."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.storage import spans
from components.storage.progress import Progress, progress_file
from components.storage.spans import lane, process_began, spending, take_over, taken, told


@pytest.fixture(autouse=True)
def nothing_put_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_spans", [])


def test_a_block_is_put_down_in_the_lane_of_its_thread_also_when_it_fails():
    begin = time.monotonic()
    with lane("judge"), pytest.raises(KeyError), spending("dvc"):
        raise KeyError
    with spending("mlflow"):
        time.sleep(0.01)
    first, second = taken()
    assert (first.kind, first.lane) == ("dvc", "judge") and (second.kind, second.lane) == ("mlflow", "")
    assert begin <= first.begin <= first.end <= second.begin and second.end - second.begin >= 0.01


def test_a_stages_spans_travel_in_its_last_line_and_those_of_an_earlier_run_are_left(tmp_path: Path):
    with spending("work"):
        pass
    progress = Progress.start(tmp_path, "validate@fundus")
    progress.finish("done", "0.1 s", spent=told())
    file, kept = progress_file(tmp_path, "validate@fundus"), taken()
    with lane("validate@fundus"):
        take_over(file, since=kept[0].begin + 1)
        assert taken() == kept
        take_over(file, since=kept[0].begin - 1)
    assert [(span.kind, span.lane) for span in taken()] == [("work", ""), ("work", "validate@fundus")]
    assert taken()[1].begin == pytest.approx(kept[0].begin, abs=1e-3)
    Progress.start(tmp_path, "validate@fundus")  # killed: it told nothing
    take_over(file, since=0.0)
    take_over(tmp_path / "nobody.jsonl", since=0.0)
    assert len(taken()) == 2


def test_imports_are_counted_once_however_deep_and_a_process_knows_when_it_began(tmp_path: Path):
    (tmp_path / "outer.py").write_text("import time\ntime.sleep(0.1)\nimport inner\n")
    (tmp_path / "inner.py").write_text("import time\ntime.sleep(0.1)\n")
    program = (
        "import json, sys, time; before = time.monotonic()\n"
        "from components.storage.spans import count_imports, process_began, told\n"
        "count_imports(); import outer\n"
        "print(json.dumps([told(), before - process_began()]))"
    )
    path = f"{Path.cwd()}:{tmp_path}"
    asked = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": path}, capture_output=True, check=True)
    waited, (found, age) = time.monotonic() - asked, json.loads(done.stdout)
    assert [kind for kind, _, _ in found] == ["imports"]
    assert found[0][2] - found[0][1] >= 0.2
    assert -0.02 <= age <= waited
    assert process_began() < asked
