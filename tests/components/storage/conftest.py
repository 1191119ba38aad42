"""A real small workspace: three trivial stages under real DVC."""

import os

import pytest

from components.storage.dvc_repository import ensure_initialised
from components.storage.workspace import Workspace

PIPELINE = """\
stages:
  code:
    cmd: test -f code.json || echo '{"a":1}' > code.json
    always_changed: true
    outs:
      - code.json:
          cache: false
  make:
    foreach: ${sources}
    do:
      cmd: mkdir -p made && echo ${key} > made/${key}
      deps:
        - ${item.path}
      params:
        - code.json:
            - a
      outs:
        - made/${key}
  join:
    cmd: mkdir -p joined && cp made/one made/two joined/
    deps:
      - made
    outs:
      - joined
  fail:
    cmd: sh -c 'cp -p said .unimed/logs/fail.log; exit ${code}'
    deps:
      - joined
"""


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    """An initialised workspace named with a space and an umlaut; the current directory and environment come back."""
    root = tmp_path / "wörk space"
    (root / "raw").mkdir(parents=True)
    for name in ("one", "two"):
        (root / "raw" / name).write_text(name)
    (root / "params.yaml").write_text("sources:\n  one: {path: raw/one}\n  two: {path: raw/two}\ncode: 3\n")
    (root / "dvc.yaml").write_text(PIPELINE)
    monkeypatch.chdir(root)
    for name in ("PATH", "SHELL"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("UNIMED_WORKSPACE", raising=False)
    monkeypatch.setenv("UNIMED_WORKSPACE", str(root))
    made = Workspace(root)
    ensure_initialised(made)
    return made
