"""What is exported is what public code opens, and comes back bit by bit."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from components.weights.exporting import check_target, departures, export, open_for_export
from components.weights.importing import open_published, open_start, write_incoming
from components.weights.tokenizer import MARKERS, copy_tokenizer
from model.config import ModelConfig
from model.published import flux_vae_config
from model.unimedvl import UniMedVL
from model.weights import load_network
from tests.components.evaluation.material import make_checkpoint
from tests.components.weights.conftest import PUBLISHED_FORM


@pytest.fixture
def exported(published, tmp_path):
    export(open_for_export(published), tmp_path / "exported", dtype="stored")
    return tmp_path / "exported"


def test_export_then_import_is_bit_equal(exported, published, tmp_path):
    (tmp_path / "again").mkdir()
    write_incoming(open_published(exported), tmp_path / "again", {})
    for name in sorted(path.name for path in exported.iterdir()):
        assert (tmp_path / "again" / name).read_bytes() == (exported / name).read_bytes(), name
    for name in ("ema.safetensors", "ae.safetensors"):
        assert (exported / name).read_bytes() == (published / name).read_bytes(), name


def test_the_folder_holds_the_published_files(exported):
    assert {path.name for path in exported.iterdir()} == {
        "ae.safetensors",
        "config.json",
        "ema.safetensors",
        "llm_config.json",
        "merges.txt",
        "tokenizer.json",
        "tokenizer_config.json",
        "vae_config.json",
        "vit_config.json",
        "vocab.json",
    }
    assert json.loads((exported / "vit_config.json").read_text())["num_hidden_layers"] == 3, "one more than run"


def test_transformers_reads_the_tokenizer_as_we_do(exported, tokenizer):
    from transformers import Qwen2Tokenizer

    theirs = Qwen2Tokenizer.from_pretrained(exported)
    text = "A CT image of the brain: 12 slices, naïve."
    assert theirs(text)["input_ids"] == tokenizer.encode(text)
    special = tokenizer.special
    ids = [special.start, special.end, special.image_start, special.image_end]
    assert theirs.convert_tokens_to_ids(list(MARKERS[1:])) == ids
    assert set(MARKERS[1:]) <= set(theirs.all_special_tokens)


def test_transformers_reads_decoder_and_vit_configs_with_their_weights(exported):
    """Public code builds Qwen2 and SigLIP from the two json files: their shapes must be those of the weights."""
    from transformers import Qwen2Config, Qwen2ForCausalLM, SiglipVisionConfig, SiglipVisionModel

    tensors = load_file(exported / "ema.safetensors")
    with torch.device("meta"):
        llm = Qwen2ForCausalLM(Qwen2Config.from_json_file(exported / "llm_config.json")).state_dict()
        vit = SiglipVisionModel(SiglipVisionConfig.from_json_file(exported / "vit_config.json")).state_dict()
    assert all(tensors[f"language_model.{key}"].shape == value.shape for key, value in llm.items())
    named = {key: f"vit_model.vision_model.{key.removeprefix('vision_model.')}" for key in vit}
    shared = [key for key, name in named.items() if name in tensors and "patch_embedding.weight" not in key]
    assert len(shared) > 30 and all(tensors[named[key]].shape == vit[key].shape for key in shared)


def test_another_dtype_halves_the_files(published, tmp_path, qwen2, siglip, flux_vae):
    (tmp_path / "start").mkdir()
    write_incoming(open_start(qwen2, siglip, flux_vae, seed=0, max_latent_size=6), tmp_path / "start", {})
    export(open_for_export(tmp_path / "start"), tmp_path / "half", dtype="bfloat16")
    half, whole = (load_file(tmp_path / name / "ema.safetensors") for name in ("half", "start"))
    assert all(torch.equal(half[key], whole[key].to(torch.bfloat16)) for key in whole)


def test_a_network_that_public_code_cannot_hold_is_refused(tmp_path):
    folder = make_checkpoint(tmp_path / "ours")
    with pytest.raises(ValueError, match=r"no network that public code can hold: model.vit.stem is .*pixel_patch is 4"):
        open_for_export(folder)


def test_what_public_code_must_be_told_is_said():
    assert len(departures(PUBLISHED_FORM)) == 1
    assert "vae_config.json" in departures(PUBLISHED_FORM)[0]
    published: ModelConfig = replace(PUBLISHED_FORM, vae=flux_vae_config())
    assert departures(published) == []
    assert "qk_norm" in departures(replace(published, llm=replace(published.llm, qk_norm=False)))[0]
    assert "visual_und=False" in departures(replace(published, vit=None))[0]
    assert "visual_gen=False" in departures(replace(PUBLISHED_FORM, vae=None))[0]


def test_a_network_without_a_generation_side_is_exported_and_imported_without_one(published, tmp_path):
    network = load_network(published)[0]
    answers = UniMedVL(replace(network.config, vae=None))
    answers.load_state_dict(
        {name: value for name, value in network.state_dict().items() if name in answers.state_dict()}
    )
    (tmp_path / "answers").mkdir()
    copy_tokenizer(published, tmp_path / "answers")
    answers.save_pretrained(tmp_path / "answers")
    export(open_for_export(tmp_path / "answers"), tmp_path / "exported", dtype="stored")
    assert not {"ae.safetensors", "vae_config.json"} & {path.name for path in (tmp_path / "exported").iterdir()}
    (tmp_path / "exported" / "config.json").unlink()
    again = open_published(tmp_path / "exported").checkpoint
    assert again.config.vae is None and not again.autoencoder
    assert set(again.network) == set(answers.state_dict())


def test_a_folder_with_something_in_it_is_not_written_over(published, tmp_path):
    with pytest.raises(ValueError, match="exists already"):
        check_target(published)
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty")
    shutil.rmtree(tmp_path / "empty")
    check_target(tmp_path / "empty")
