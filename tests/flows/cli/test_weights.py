"""`unimed weights`: public weights in, ours out, without a workspace where none is needed."""

import json
from pathlib import Path

import pytest

from model.weights import read_config
from tests.components.weights.conftest import (  # noqa: F401
    PUBLISHED_FORM,
    flux_vae,
    published,
    qwen2,
    siglip,
    tokenizer,
)
from tests.flows.cli.test_command_line import root, run  # noqa: F401


@pytest.fixture
def unimed(monkeypatch, capsys):
    return lambda *arguments: run(monkeypatch, capsys, *arguments)


def test_weights_go_in_under_a_name_and_out_again_bit_by_bit(unimed, root, published, tmp_path):  # noqa: F811
    code, out, _ = unimed("weights", "import", str(published))
    assert code == 0
    assert "Next: `start: {source: data/raw/weights/published}`" in out
    ours = root / "data/raw/weights/published"
    assert read_config(ours)[0] == PUBLISHED_FORM
    code, out, _ = unimed("weights", "export", str(ours), str(tmp_path / "out"), "--json")
    told = json.loads(out)
    assert code == 0 and told["exported"] and "vae_config.json" in told["departures"][0]
    for name in ("ema.safetensors", "ae.safetensors", "vocab.json", "merges.txt"):
        assert (tmp_path / "out" / name).read_bytes() == (published / name).read_bytes(), name


def test_a_dry_run_lists_keys_and_sizes_and_writes_nothing(unimed, root, published, tmp_path):  # noqa: F811
    before = sorted(root.rglob("*"))
    code, out, _ = unimed("weights", "import", str(published), "--json", "--dry-run", "--dtype", "float32")
    told = json.loads(out)
    assert code == 0 and not told["imported"] and len(told["keys"]) == told["tensors"]
    assert {"file": "ema.safetensors", "key": "llm2vae.bias", "shape": [16], "dtype": "float32", "bytes": 64} in told[
        "keys"
    ]
    code, out, _ = unimed("weights", "export", str(published), str(tmp_path / "out"), "--dry-run")
    assert code == 0 and "language_model.model.norm_moe_gen.weight" in out and "would write" in out
    assert sorted(root.rglob("*")) == before and not (tmp_path / "out").exists()


def test_three_networks_make_a_start(unimed, tmp_path, qwen2, siglip, flux_vae, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    folders = ("--llm", str(qwen2), "--vit", str(siglip), "--vae", str(flux_vae))
    code, out, _ = unimed("weights", "import", *folders, "--into", "./start", "--dtype", "bfloat16", "--json")
    told = json.loads(out)
    assert code == 0 and (told["vocabulary"], told["new_tokens"]) == (330, [])
    assert (tmp_path / "start" / "ema.safetensors").stat().st_size < 2.2 * told["network_parameters"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "what to import? give SOURCE, or --llm, --vit and --vae"),
        (("x", "--llm", "y"), "give either SOURCE or"),
        (("--llm", "y"), "a start of three networks needs --vit, --vae too"),
        (("nowhere",), "there is no folder"),
        (("nowhere", "--dtype", "int8"), "--dtype is 'int8'; known: stored, bfloat16, float32"),
    ],
)
def test_what_cannot_be_imported_is_said_in_one_line_with_exit_2(unimed, root, arguments, message):  # noqa: F811
    code, _, err = unimed("weights", "import", *arguments)
    assert code == 2 and message in err
    assert err.strip().count("\n") <= 1


def test_weights_that_do_not_fit_leave_nothing_behind(unimed, root: Path, published):  # noqa: F811
    (published / "ae.safetensors").unlink()
    code, _, err = unimed("weights", "import", str(published), "--into", "broken")
    assert code == 2 and "has no ae.safetensors" in err
    assert not (root / "data/raw/weights/broken").exists()
