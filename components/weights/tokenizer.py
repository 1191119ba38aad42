"""Byte-level BPE in the form of Qwen2's: trained here for small recipes, read from any published folder.

Text is always data: `<|im_end|>` in a report is split into plain pieces and can never end a turn.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from components.records.sample import Clinical, Text
from components.storage.atomic import read_json, write_json, write_text
from model.packed import SpecialTokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.models import Model

MARKERS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>")
"""Padding, then the four that the packed sequence uses. They come after the learned entries, as in Qwen2."""

FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")

_KNOWN_TEXTS = 100_000

# Where Qwen2 cuts text before it merges: contractions, words with their leading sign, single digits, signs, blanks.
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, slots=True)
class TextTokenizer:
    """Texts to token ids and back."""

    backend: "Tokenizer"
    special: SpecialTokens
    _known: dict[str, list[int]] = field(default_factory=dict, compare=False, repr=False)
    """Texts seen before: templates repeat, and every visit of a sample asks again."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The tokenizer of a checkpoint folder; raises ValueError when its files or markers are missing."""
        return cls.of(_from_files(folder), str(folder))

    @classmethod
    def load_with_markers(cls, folder: Path) -> tuple[Self, list[str]]:
        """The tokenizer of any Qwen2 folder, and which of the four markers had to be given new ids at its end."""
        from tokenizers import AddedToken

        backend = _from_files(folder)
        new = [name for name in MARKERS[1:] if backend.token_to_id(name) is None]
        backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in new])
        return cls.of(backend, str(folder)), new

    @classmethod
    def of(cls, backend: "Tokenizer", where: str = "tokenizer") -> Self:
        """Wraps a backend; raises ValueError when it lacks one of the four markers."""
        ids = {name: backend.token_to_id(name) for name in MARKERS[1:]}
        missing = [name for name, number in ids.items() if number is None]
        if missing:
            raise ValueError(f"{where}: the tokenizer lacks {', '.join(missing)}; a Qwen2 tokenizer has them")
        backend.encode_special_tokens = True
        backend.no_truncation()
        backend.no_padding()
        return cls(backend, SpecialTokens(*(int(number) for number in ids.values() if number is not None)))

    @property
    def size(self) -> int:
        """Number of ids, markers included: the network's vocabulary must be at least this."""
        return self.backend.get_vocab_size(with_added_tokens=True)

    def check_fits(self, vocab_size: int) -> None:
        """Raises ValueError when it can say ids that a network of this vocabulary has no row for."""
        if self.size > vocab_size:
            raise ValueError(
                f"the tokenizer has {self.size} ids, the network's vocabulary {vocab_size}; raise model.llm.vocab_size"
            )

    def encode(self, text: str) -> list[int]:
        """Token ids of the text alone: no marker is added, and none that the text spells out is recognised."""
        ids = self._known.get(text)
        if ids is None:
            if len(self._known) >= _KNOWN_TEXTS:
                self._known.clear()
            ids = self._known[text] = self.backend.encode(text, add_special_tokens=False).ids
        return list(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids; markers and ids without a token are left out, broken bytes become U+FFFD."""
        return self.backend.decode([number for number in ids if number < self.size], skip_special_tokens=True)


def text_of(piece: Text | Clinical) -> str:
    """The words of a text or of a rendered clinical record."""
    return piece.text if isinstance(piece, Text) else piece.render()


def train_tokenizer(texts: Iterable[str], *, vocabulary: int) -> TextTokenizer:
    """A byte-level BPE of at most `vocabulary` entries, markers included, learned from the distinct texts in order."""
    from tokenizers import models, pre_tokenizers, trainers

    if vocabulary < 256 + len(MARKERS):
        raise ValueError(f"start.vocabulary is {vocabulary}; bytes and markers alone need {256 + len(MARKERS)}")
    backend = _empty(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(MARKERS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(sorted(set(texts)), trainer)
    _add_markers(backend)
    return TextTokenizer.of(backend)


def save_tokenizer(tokenizer: TextTokenizer, folder: Path) -> None:
    """Writes the four files under which public code finds a Qwen2 tokenizer."""
    whole = json.loads(tokenizer.backend.to_str())
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in whole["model"]["merges"]]
    added = {str(token["id"]): {k: v for k, v in token.items() if k != "id"} for token in whole["added_tokens"]}
    write_text(folder / "tokenizer.json", json.dumps(whole, ensure_ascii=False, indent=2) + "\n")
    write_text(folder / "vocab.json", json.dumps(whole["model"]["vocab"], ensure_ascii=False) + "\n")
    write_text(folder / "merges.txt", "".join(line + "\n" for line in ["#version: 0.2", *merges]))
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "added_tokens_decoder": added,
            "additional_special_tokens": list(MARKERS[1:]),
            "add_prefix_space": False,
            "bos_token": None,
            "clean_up_tokenization_spaces": False,
            "eos_token": MARKERS[0],
            "errors": "replace",
            "pad_token": MARKERS[0],
            "split_special_tokens": False,
            "unk_token": None,
        },
    )


def copy_tokenizer(parent: Path, folder: Path) -> None:
    """Copies the tokenizer's files that the parent checkpoint has."""
    for name in FILES:
        if (parent / name).is_file():
            shutil.copyfile(parent / name, folder / name)


def _empty(model: "Model") -> "Tokenizer":
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers

    backend = Tokenizer(model)
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return backend


def _add_markers(backend: "Tokenizer") -> None:
    from tokenizers import AddedToken

    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in MARKERS])


def _from_files(folder: Path) -> "Tokenizer":
    from tokenizers import Tokenizer

    if (folder / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    missing = [name for name in FILES[1:] if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} holds no tokenizer.json and lacks {', '.join(missing)}; copy the tokenizer there")
    return _from_slow_files(folder)


def _from_slow_files(folder: Path) -> "Tokenizer":
    from tokenizers import AddedToken, models

    vocabulary, merges = models.BPE.read_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    backend = _empty(models.BPE(vocab=vocabulary, merges=merges))
    config = read_json(folder / "tokenizer_config.json")
    added = config.get("added_tokens_decoder", {}) if isinstance(config, dict) else {}
    tokens = sorted(((int(number), entry) for number, entry in added.items()), key=lambda pair: pair[0])
    for number, entry in tokens:
        token = AddedToken(entry["content"], special=bool(entry.get("special")), normalized=False)
        (backend.add_special_tokens if token.special else backend.add_tokens)([token])
        if backend.token_to_id(entry["content"]) != number:
            raise ValueError(
                f"{folder}: {entry['content']} should have id {number} but gets "
                f"{backend.token_to_id(entry['content'])}; vocab.json and tokenizer_config.json do not belong together"
            )
    return backend
