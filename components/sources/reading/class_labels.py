"""The class that a source gives an image, as a question with choices: what every set of labelled images shares."""

from collections.abc import Sequence

from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.storage.keys import keyed_hash

CHOICES = 4


def class_turn(prompt: str, label: str, classes: Sequence[str], image: str) -> Turn:
    """The question `prompt` with the image's class and up to three others to choose from, the same on every machine.

    Which ones, and their order, follow from `image`, the name of the image.
    """
    others = sorted((name for name in classes if name != label), key=lambda name: keyed_hash("option", image, name))
    options = sorted([label, *others[: CHOICES - 1]], key=lambda name: keyed_hash("order", image, name))
    return Turn(prompt=prompt, answer=label, kind=TurnKind.CHOICE, options=tuple(options))
