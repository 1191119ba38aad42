"""The closed vocabularies that records, samples and metrics speak."""

from enum import StrEnum


class Modality(StrEnum):
    """How an image was made. The value is the plain word used in questions and answers."""

    MRI = "MRI"
    CT = "CT"
    XRAY = "X-ray"
    ULTRASOUND = "ultrasound"
    FUNDUS = "fundus photography"
    HISTOPATHOLOGY = "histopathology"
    NUCLEAR = "nuclear medicine"
    OCT = "OCT"
    ENDOSCOPY = "endoscopy"
    DERMOSCOPY = "dermoscopy"
    PHOTOGRAPH = "clinical photography"
    MICROSCOPY = "microscopy"
    """Of what is not stained tissue."""
    UNKNOWN = "unknown"
    """An image whose source does not say how it was made; nothing is asked or told about that."""
    TEXT = "text"
    """No image at all."""


PROJECTIONS = ("mammography", "angiography", "fluoroscopy", "dental radiography", "panoramic radiography")
"""Kinds of X-ray images that have a word of their own: the fact `projection`."""


class TurnKind(StrEnum):
    """What a turn of a source's own conversation is."""

    OPEN = "open"
    CLOSED = "closed"
    CHOICE = "choice"
    BOXES = "boxes"
    """The answer is where things are: [left, top, right, bottom] each, in thousandths of the record's image."""
    CAPTION = "caption"
    REPORT = "report"
    DRAWING = "drawing"
    """The prompt asks for a picture: the target `output` where the record has one, else the record's own image."""


MICRONS = "microns_per_pixel"
FREE_FACTS = ("comparison", "description", "hospital", MICRONS)
"""Facts that hold a sentence, or are the same wherever they are given."""


class TaskGroup(StrEnum):
    """The curriculum's four groups of tasks; a mixture gives one weight to each."""

    TEXT = "text"
    T2I = "t2i"
    I2T = "i2t"
    INTERLEAVED = "interleaved"


class Split(StrEnum):
    """On which side a record stands. `guard` records separate a slab from its neighbours and are filtered."""

    TRAIN = "train"
    VAL = "val"
    """Of patients that are kept from training, to choose on."""
    WITHIN_VAL = "within-val"
    """The same within one subject: a slab of slices."""
    TEST = "test"
    WITHIN_SUBJECT = "within-subject"
    """A slab of slices that is held out within one subject."""
    GUARD = "guard"


VALIDATION = (Split.VAL, Split.WITHIN_VAL)
"""What numbers, pools and thresholds are chosen on."""
HELD_OUT = (Split.TEST, Split.WITHIN_SUBJECT)
"""What is neither trained on nor chosen on: the exam's."""
WITHIN = (Split.WITHIN_VAL, Split.WITHIN_SUBJECT)
"""Slices of a subject whose other slices train: they say nothing of other people."""


class Bin(StrEnum):
    """Where a raw record ends: exactly one of these."""

    KEPT = "kept"
    FILTERED = "filtered"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    CONTAMINATING = "contaminating"
    HELDOUT = "heldout"


class ImageRole(StrEnum):
    """What the network does with an image of a conversation."""

    UNDERSTAND = "understand"
    """ViT tokens."""
    CONDITION = "condition"
    """Clean VAE latents and ViT tokens."""
    TARGET = "target"
    """Noised VAE latents: the thing to draw."""
