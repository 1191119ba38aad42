"""German words made of several that are known, and what looks like one and is a name: Katzenbeißer, Friedlinde."""

from functools import lru_cache

from components.sources.names.lexicon import List, is_in, vocabulary, words

_JOINTS = ("", "s", "es", "n", "en", "er", "e", "ens", "ns", "o")
_SHORT_TAILS = frozenset(words("arm ohr tee rad weg hof ort art akt bad bau eis rat tag tod typ uhr zug"))
_PREFIXES = words(
    "ab an auf aus be bei durch ein ent er fehl fort ge gegen her hin hinter miss mit nach neben rück teil über um un unter ur ver vor"
    " weg wieder zer zu zusammen zwischen"
)
_LONG_TAIL = 6
"""Letters of a noun from which a word that ends in it is a compound, whatever stands before; of medicine, one less."""
_NAME_ENDS = words(
    "mann berg burg bach stein feld hof bauer meier meyer maier mayer müller schmidt schmid schmied schmitt huber hauser baum"
    " wald haus thal tal dorf horst rich hardt hart brecht helm schneider schuster jäger fischer vogel vogt wolf fuchs hahn haas"
    " hase koch becker bäcker gruber hofer steiner berger bacher felder waldner kamp brink brock busch hagen heim hausen weiler"
    " stetter städter reuter reuther reiter ritter richter schulze schulte knecht wurst brot bier kraut rübe korn mehl sack topf"
    " kessel nagel eisen gold silber pfennig heller taler gulden schatz freund lieb gott teufel engel himmel sommer winter herbst"
    " acker wiese garten gärtner brunn brunnen born sand stern licht blum rose linde lind eiche birke buche tanne apfel hirsch bär"
    " adler falk specht fink spatz lerche gans käfer weiß schwarz braun rot roth traud traut trud hild hilde gard gund gunde mund"
    " fried friede bert berta win wig ger mar hard olf ulf reich schott rath scheid scheidt kirch hoff inger länder lander inski owski leben rode roth rott hain hauer macher schläger"
)
"""Of German compounds: behind what is not of medicine they make names as often as nouns."""


@lru_cache(maxsize=2**16)
def is_compound(small: str) -> bool:
    """Whether it is a German word made of several that are known, the last a noun and nothing that names end in."""
    if any(_is_plain_noun(small[at:]) for at in range(3, len(small) - _LONG_TAIL + 2)):
        return True
    return any(_is_tail(small[at:]) and _is_head(small[:at], small[at:]) for at in range(len(small) - 3, 1, -1))


@lru_cache(maxsize=2**16)
def is_medical_compound(small: str) -> bool:
    """Whether it is of medicine, or its last part, or its first behind which a known word stands: Randwinkelerguss."""
    return _is_part_of_medicine(small) or any(
        (_is_part_of_medicine(small[at:]) and len(small) - at > 3 and not _is_stone_of_a_name(small[:at], small[at:]))
        or (any(map(_is_part_of_medicine, _stems(small[:at]))) and _is_tail(small[at:]) and not _ends_names(small[at:]))
        for at in range(3, len(small) - 2)
    )


def ends_like_a_surname(small: str) -> bool:
    """Whether at least three letters stand before what surnames end in: Beckstein, Holzapfel."""
    return any(small.endswith(end) and len(small) - len(end) > 2 for end in _NAME_ENDS if len(end) > 3)


def _is_stone_of_a_name(head: str, tail: str) -> bool:
    """Whether names end in what medicine ends in, too, and what stands before is not of medicine: Beckstein, no Gallenstein."""
    return _ends_names(tail) and not any(map(_is_medical, (head, *_stems(head)))) and not _is_part_of_medicine(head)


@lru_cache(maxsize=2**16)
def _is_plain_noun(tail: str) -> bool:
    """Whether it is a noun, and neither a name nor what names end in."""
    noun = tail.capitalize()
    if is_in(List.MEDICAL, noun) or tail in vocabulary()["heads_de"]:
        return True
    is_known = len(tail) >= _LONG_TAIL and is_in(List.DE, noun) and not is_in(List.GERMAN_NAME, noun)
    return is_known and not _ends_names(tail)


def _is_medical(word: str) -> bool:
    return is_in(List.MEDICAL, word) or is_in(List.MEDICAL, word.capitalize())


def _is_part_of_medicine(word: str) -> bool:
    """Whether it is of medicine by list, or an ordinary word of reports, declined or not."""
    known = vocabulary()["heads_de"]
    return is_in(List.MEDICAL, word.capitalize()) or any(
        word.removesuffix(end) in known for end in ("", "en", "er", "es", "e", "n", "s") if word.endswith(end)
    )


@lru_cache(maxsize=2**16)
def _ends_names(tail: str) -> bool:
    """Whether surnames and first names end so: in a name, as whoever does something (Schweinsteiger), in a genitive too."""
    bare = tail.removesuffix("s")
    if tail in _NAME_ENDS or bare in _NAME_ENDS:
        return True
    first = next((bare.removesuffix(end) for end in _NAME_ENDS if bare.endswith(end)), "")
    if len(first) > 2 and any(is_in(List.DE, word) for word in (first, first.capitalize())):
        return True
    stem = bare.removesuffix("er")
    return stem != bare and len(stem) > 2 and is_in(List.DE, f"{stem}en")


def _is_tail(tail: str) -> bool:
    if len(tail) < 4:
        return tail in _SHORT_TAILS
    noun = tail.capitalize()
    return any(is_in(name, word) for name in (List.DE, List.MEDICAL) for word in (noun, tail)) or (
        len(tail) > 6 and is_compound(tail)
    )


def _is_head(head: str, tail: str) -> bool:
    if head in _PREFIXES or _is_medical_head(head):
        return True
    return not _ends_names(tail) and any(
        any(is_in(List.DE, word) for word in (stem, stem.capitalize(), (stem + "e").capitalize()))
        or (len(stem) > 6 and is_compound(stem))
        for stem in _stems(head)
    )


def _is_medical_head(head: str) -> bool:
    return any(_is_medical(stem) or is_in(List.MEDICAL, stem + "e") for stem in _stems(head))


def _stems(head: str) -> list[str]:
    """The head without each joint that it may end in."""
    stems = [head.removesuffix(joint) for joint in _JOINTS if not joint or head.endswith(joint)]
    return [stem for stem in stems if len(stem) > 2]
