"""Makes components/sources/names/words.bloom of Debian's spelling dictionaries, which keep case.

    apt-get download hunspell-en-us hunspell-en-gb hunspell-de-de hunspell-es hunspell-en-med hunspell-de-med hunspell-tools
    for package in *.deb; do dpkg-deb -x "$package" dictionaries; done
    python infra/make_word_lists.py dictionaries

`components/sources/names/LICENCES.md` says who made them and under which licences.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from components.sources.names.lexicon import Bloom, List, folded

OUT = Path(__file__).parents[1] / "components" / "sources" / "names" / "words.bloom"
_UNDECLINED = ("", "S")
"""Flags of a German noun that has a genitive at most: in that dictionary nearly always a name."""


def main(root: Path) -> int:
    """Writes the filter; prints how many words each list has."""
    hunspell, unmunch = root / "usr/share/hunspell", root / "usr/bin/unmunch"
    english = {word for code in ("en_US", "en_GB") for word in _forms(unmunch, hunspell, code)}
    spanish = set(_forms(unmunch, hunspell, "es_ES"))
    german = set(_forms(unmunch, hunspell, "de_DE"))
    capitals = {
        word for code in ("en_US", "en_GB", "es_ES") for word, _ in _entries(hunspell / f"{code}.dic") if word.istitle()
    }
    undeclined = {word for word, flags in _entries(hunspell / "de_DE.dic") if word.istitle() and flags in _UNDECLINED}
    latin = {word for word, _ in _entries(hunspell / "en_med_glut.dic")}
    medicine = {word for word, _ in _entries(hunspell / "de_med.dic", "latin-1")}
    nouns = german - undeclined
    # Names in the medical lists stand there for what is called after somebody.
    named = {word for word in undeclined | (capitals - nouns) if word.lower() not in latin}
    lists: dict[List, Iterable[str]] = {
        List.EN: (word for word in english if word.islower()),
        List.ES: (word for word in spanish if word.islower()),
        List.DE: nouns,
        List.MEDICAL: {word for word in latin if word.islower()} | (medicine - named),
        List.EPONYM: {word for word in latin if word.istitle()} | (medicine & named),
        List.NAME: (word for word in capitals if word.lower() not in latin),
        List.GERMAN_NAME: undeclined & named,
    }
    keys = {f"{name} {folded(word)}" for name, words in lists.items() for word in words if word.isalpha()}
    for name in List:
        print(f"{name.name.lower():12} {sum(key.startswith(f'{name} ') for key in keys):9,}")
    OUT.write_bytes(Bloom.of(keys).bits)
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")
    return 0


def _entries(path: Path, encoding: str = "utf-8-sig") -> Iterator[tuple[str, str]]:
    """(word, flags) of each entry; the first line is their number."""
    for line in path.read_text(encoding=encoding).splitlines()[1:]:
        word, _, flags = line.split("\t")[0].strip().partition("/")
        yield word, flags


def _forms(unmunch: Path, hunspell: Path, code: str) -> Iterator[str]:
    """Every form of every entry."""
    command = [str(unmunch), str(hunspell / f"{code}.dic"), str(hunspell / f"{code}.aff")]
    said = subprocess.run(command, capture_output=True, check=True, timeout=600).stdout
    yield from (word for word in said.decode("utf-8", "replace").split() if word.isalpha())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
