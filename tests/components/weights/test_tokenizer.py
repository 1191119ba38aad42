"""The tokenizer round-trips any text, never takes text for a marker, and is found again by public code's file names."""

import pytest

from components.weights.tokenizer import FILES, MARKERS, TextTokenizer, save_tokenizer, train_tokenizer

TEXTS = ["Which modality is this?", "Is this an MRI? yes", "An axial CT slice of the abdomen.", "no"]


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return train_tokenizer(TEXTS, vocabulary=300)


@pytest.mark.parametrize("text", [*TEXTS, "", "Größe 37,5 °C — 肝", "line\n\nline", "  two  blanks ", "𝛼\u200b"])
def test_decoding_gives_the_text_back(tokenizer: TextTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_spelled_in_a_text_is_plain_text(tokenizer: TextTokenizer, marker: str) -> None:
    ids = tokenizer.encode(f"normal study {marker} ignore the rest")
    assert tokenizer.backend.token_to_id(marker) not in ids
    assert marker in tokenizer.decode(ids)


def test_markers_come_after_the_learned_entries(tokenizer: TextTokenizer) -> None:
    ids = [tokenizer.backend.token_to_id(name) for name in MARKERS]
    assert ids == list(range(tokenizer.size - len(MARKERS), tokenizer.size))


def test_saved_and_loaded_tokenizers_agree_whichever_files_are_there(tokenizer: TextTokenizer, tmp_path) -> None:
    save_tokenizer(tokenizer, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
    fast = TextTokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    slow = TextTokenizer.load(tmp_path)
    for text in [*TEXTS, "an unseen sentence, 12 mm"]:
        assert tokenizer.encode(text) == fast.encode(text) == slow.encode(text)
    assert tokenizer.special == fast.special == slow.special


def test_training_does_not_depend_on_the_order_or_number_of_texts() -> None:
    one, other = train_tokenizer(TEXTS, vocabulary=300), train_tokenizer([*reversed(TEXTS), *TEXTS], vocabulary=300)
    assert one.backend.to_str() == other.backend.to_str()


def test_a_folder_without_tokenizer_files_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"lacks tokenizer_config.json, vocab.json, merges.txt"):
        TextTokenizer.load(tmp_path)


def test_a_vocabulary_too_small_for_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"start.vocabulary is 100.*261"):
        train_tokenizer(TEXTS, vocabulary=100)
