"""Published weights and a start of three public networks become checkpoints of ours, bit by bit."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from components.weights.importing import listing, open_published, open_start, place_of, totals, write_incoming
from components.weights.tokenizer import MARKERS, TextTokenizer
from model.image_transform import patchify_pixels
from model.pretrained import linear_patches
from model.sequence_builder import SequenceBuilder
from model.weights import load_checkpoint, load_network
from tests.components.weights.conftest import PADDED_VOCABULARY, PUBLISHED_FORM, change_json, make_qwen2


@pytest.fixture
def start(qwen2, siglip, flux_vae, tmp_path):
    def make(**options):
        folder = tmp_path / "start"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        options = {"seed": 0, "max_latent_size": 6, **options}
        llm = options.pop("llm", qwen2)
        write_incoming(open_start(llm, siglip, flux_vae, **options), folder, {})
        return folder

    return make


def test_a_published_folder_is_imported_bit_by_bit(published, tmp_path):
    opened = open_published(published)
    assert opened.checkpoint.config == PUBLISHED_FORM
    (tmp_path / "ours").mkdir()
    said = []
    write_incoming(opened, tmp_path / "ours", {}, progress=lambda *told: said.append(told[:2]))
    for name in ("ema.safetensors", "ae.safetensors", "vocab.json", "merges.txt", "tokenizer_config.json"):
        assert (tmp_path / "ours" / name).read_bytes() == (published / name).read_bytes(), name
    assert said == [(done, len(listing(opened.checkpoint))) for done in range(1, len(said) + 1)]
    model, _, config = load_checkpoint(tmp_path / "ours")
    assert model.config == PUBLISHED_FORM and config["unimed"]["is_published_form"]
    assert TextTokenizer.load(tmp_path / "ours").encode("brain") == opened.tokenizer.encode("brain")


def test_a_listing_counts_what_would_be_written(published):
    rows = listing(open_published(published).checkpoint)
    files = [published / "ema.safetensors", published / "ae.safetensors"]
    stored = [load_file(file) for file in files]
    assert {(row["key"], tuple(row["shape"])) for row in rows} == {
        (key, tuple(value.shape)) for tensors in stored for key, value in tensors.items()
    }
    assert totals(rows) == {
        "tensors": sum(map(len, stored)),
        "network_parameters": sum(value.numel() for value in stored[0].values()),
        "bytes": sum(value.numel() * value.itemsize for tensors in stored for value in tensors.values()),
    }


def test_weights_that_do_not_fit_are_refused_before_anything_is_written(published):
    tensors = load_file(published / "ema.safetensors")
    tensors["connector.fc3.weight"] = tensors.pop("connector.fc1.weight")
    save_file(tensors, published / "ema.safetensors")
    with pytest.raises(ValueError, match=r"do not fit \(2\): missing connector.fc1.weight; extra connector.fc3.weight"):
        open_published(published)


def text_logits(folder: Path, ids: list[int]) -> torch.Tensor:
    """Logits at every place of a text between the markers 0 and 1."""
    model, _ = load_network(folder)
    special = TextTokenizer.load(folder).special
    builder = SequenceBuilder(special, model.config)
    builder.start_sample()
    builder.add_text(ids, supervised=True)
    builder.end_sample()
    packed = builder.build()
    with torch.no_grad():
        return model(packed, packed.latents, torch.zeros(0)).text_logits, packed.text_ids


def test_the_und_expert_says_what_qwen2_says(start, qwen2):
    from transformers import Qwen2ForCausalLM

    ours, ids = text_logits(start(qk_norm=False), [5, 90, 17, 250, 3])
    with torch.no_grad():
        theirs = Qwen2ForCausalLM.from_pretrained(qwen2)(ids[None]).logits[0]
    assert ours.shape == (6, PADDED_VOCABULARY)
    assert theirs.abs().max() > 1
    assert_close(ours, theirs[: len(ours)], atol=2e-5, rtol=1e-4)


def test_the_published_norms_of_queries_and_keys_begin_at_one_and_all_else_is_qwen2(start, qwen2):
    with_norms, without = (load_file(start(qk_norm=flag) / "ema.safetensors") for flag in (True, False))
    added = {key for key in with_norms if key not in without}
    assert {key.rsplit(".", 2)[1].removesuffix("_moe_gen") for key in added} == {"q_norm", "k_norm"}
    assert all(torch.equal(with_norms[key], torch.ones(8)) for key in added)
    assert all(torch.equal(with_norms[key], without[key]) for key in without)
    stored = {key: value for file in qwen2.glob("*.safetensors") for key, value in load_file(file).items()}
    assert len(stored) == 27
    assert all(torch.equal(value, with_norms[f"language_model.{key}"]) for key, value in stored.items())


def test_the_gen_expert_is_a_copy_and_the_first_velocity_is_zero(start):
    tensors = load_file(start() / "ema.safetensors")
    twins = [key for key in tensors if "_moe_gen" in key]
    assert len(twins) == 2 * 14 + 1
    assert all(torch.equal(tensors[key], tensors[key.replace("_moe_gen", "")]) for key in twins)
    assert not tensors["llm2vae.weight"].any() and not tensors["llm2vae.bias"].any()
    assert tensors["connector.fc1.weight"].any() and tensors["time_embedder.mlp.0.weight"].any()


def test_the_vit_gives_the_features_of_the_siglip_layers_it_keeps(start, siglip):
    from transformers import SiglipVisionModel

    model, _ = load_network(start())
    theirs = SiglipVisionModel.from_pretrained(siglip)
    image = torch.randn(3, 70, 70, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        states = theirs(image[None], output_hidden_states=True).hidden_states
        assert len(states) == 4
        expected = theirs.post_layernorm(states[-2])[0]
        found = model.vit_model(patchify_pixels(image, 14), torch.arange(25), [(5, 5)])
    assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_the_autoencoder_encodes_and_decodes_as_diffusers_does(start, flux_vae):
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    _, autoencoder, _ = load_checkpoint(start())
    theirs = AutoencoderKL.from_pretrained(flux_vae)
    image = torch.randn(1, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mean = theirs.encode(image).latent_dist.mean
        assert_close(autoencoder.encode(image).mean, mean, atol=1e-5, rtol=1e-5)
        latent = autoencoder.normalise(mean)
        assert_close(latent, (mean - 0.1159) * 0.3611, atol=1e-6, rtol=1e-5)
        assert_close(autoencoder.decode(latent), theirs.decode(mean).sample, atol=1e-5, rtol=1e-5)


def test_an_autoencoder_under_its_published_names_is_the_same_start(start, qwen2, siglip, tmp_path):
    first = start()
    folder = tmp_path / "flux"
    folder.mkdir()
    for name in ("ae.safetensors", "vae_config.json"):
        shutil.copyfile(first / name, folder / name)
    opened = open_start(qwen2, siglip, folder, seed=0, max_latent_size=6)
    other = tmp_path / "other"
    other.mkdir()
    write_incoming(opened, other, {})
    assert (other / "ae.safetensors").read_bytes() == (first / "ae.safetensors").read_bytes()
    assert (other / "ema.safetensors").read_bytes() == (first / "ema.safetensors").read_bytes()


def test_one_seed_gives_one_start(start):
    first, again, other = ((start(seed=seed) / "ema.safetensors").read_bytes() for seed in (0, 0, 1))
    assert first == again != other


def test_a_tokenizer_with_all_markers_keeps_the_padded_vocabulary(start, tokenizer):
    folder = start()
    assert load_file(folder / "ema.safetensors")["language_model.lm_head.weight"].shape[0] == PADDED_VOCABULARY
    assert TextTokenizer.load(folder).special == tokenizer.special


def without_markers(folder: Path, tokenizer: TextTokenizer, vocab_size: int) -> Path:
    """A Qwen2 folder whose tokenizer knows neither of the vision markers."""
    make_qwen2(folder, tokenizer)
    whole = json.loads((folder / "tokenizer.json").read_text())
    whole["added_tokens"] = [token for token in whole["added_tokens"] if token["content"] not in MARKERS[3:]]
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    for file in folder.glob("*.safetensors"):
        tensors = load_file(file)
        for key in ("model.embed_tokens.weight", "lm_head.weight"):
            if key in tensors:
                tensors[key] = tensors[key][:vocab_size].clone()
        save_file(tensors, file)
    change_json(folder / "config.json", vocab_size=vocab_size)
    return folder


def test_new_markers_get_new_rows_and_the_old_rows_stay(start, tokenizer, tmp_path):
    known = tokenizer.size - 2
    llm = without_markers(tmp_path / "llm", tokenizer, known)
    folder = start(llm=llm, qk_norm=False)
    loaded = TextTokenizer.load(folder)
    assert (loaded.size, loaded.special.image_start, loaded.special.image_end) == (known + 2, known, known + 1)
    tensors = load_file(folder / "ema.safetensors")
    stored = {key: value for file in llm.glob("*.safetensors") for key, value in load_file(file).items()}
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        found = tensors[f"language_model.{name}"]
        assert torch.equal(found[:known], stored[name])
        assert found[known:].shape == (2, 32) and 0.005 < found[known:].std() < 0.05
    from transformers import Qwen2ForCausalLM

    ours, ids = text_logits(folder, [5, 90, 17])
    with torch.no_grad():
        theirs = Qwen2ForCausalLM.from_pretrained(llm)(ids[None]).logits[0]
    assert_close(ours[:, :known], theirs[: len(ours)], atol=2e-5, rtol=1e-4)


def test_a_padded_vocabulary_is_cut_to_a_tokenizer_that_grew_as_the_published_trainer_does(start, tokenizer, tmp_path):
    llm = without_markers(tmp_path / "llm", tokenizer, PADDED_VOCABULARY)
    folder = start(llm=llm)
    found = load_file(folder / "ema.safetensors")["language_model.model.embed_tokens.weight"]
    stored = {key: value for file in llm.glob("*.safetensors") for key, value in load_file(file).items()}
    assert torch.equal(found, stored["model.embed_tokens.weight"][: tokenizer.size])


def test_tied_embeddings_become_a_head_of_their_own(start, tokenizer, tmp_path):
    llm = make_qwen2(tmp_path / "llm", tokenizer, tie_word_embeddings=True)
    tensors = load_file(start(llm=llm) / "ema.safetensors")
    assert torch.equal(tensors["language_model.lm_head.weight"], tensors["language_model.model.embed_tokens.weight"])


def test_the_linear_form_of_the_patch_convolution_is_the_published_one():
    golden = Path(__file__).parents[2] / "model" / "parity" / "vit.safetensors"
    stored = load_file(golden)
    assert torch.equal(linear_patches(stored["import.conv_kernel"]), stored["import.linear_weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "llama"}, r"model_type is 'llama', not 'qwen2'"),
        ({"use_sliding_window": True}, r"use_sliding_window is True, not False"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e6}}, r"rotary positions of type 'yarn'"),
        ({"num_hidden_layers": 3}, r"missing language_model.model.layers.2.self_attn.q_proj.weight"),
        ({"intermediate_size": 50}, r"has shape \(48, 32\), not \(50, 32\)"),
    ],
)
def test_another_kind_of_decoder_is_refused_with_what_differs(qwen2, siglip, flux_vae, tmp_path, change, message):
    llm = tmp_path / "llm"
    shutil.copytree(qwen2, llm)
    change_json(llm / "config.json", **change)
    with pytest.raises(ValueError, match=message):
        open_start(llm, siglip, flux_vae, seed=0)


def test_a_pickled_network_is_refused(siglip, flux_vae, tokenizer, tmp_path):
    llm = make_qwen2(tmp_path / "llm", tokenizer)
    for file in [*llm.glob("*.safetensors"), llm / "model.safetensors.index.json"]:
        file.unlink()
    (llm / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    with pytest.raises(FileNotFoundError, match=r"pytorch_model.bin and no safetensors"):
        open_start(llm, siglip, flux_vae, seed=0)


def test_a_name_lies_in_the_raw_data_and_a_path_where_it_says(tmp_path):
    assert place_of("published", tmp_path) == tmp_path / "data/raw/weights/published"
    assert place_of(str(tmp_path / "x"), None) == tmp_path / "x"
    with pytest.raises(ValueError, match=r"this is none; give a path such as ./published"):
        place_of("published", None)
    (tmp_path / "data/raw/weights/published").mkdir(parents=True)
    with pytest.raises(ValueError, match="exists already"):
        place_of("published", tmp_path)
