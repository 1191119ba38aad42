"""Medical text without images: what the words of the questions mean, as short questions and answers."""

from collections.abc import Iterator
from pathlib import Path

from components.records.record import Provenance
from components.records.sample import Sample, Text
from components.records.vocabulary import Modality, Split, TaskGroup
from components.storage.atomic import read_json
from components.storage.keys import keyed_hash

SOURCE = "definitions"
FILE = Path(__file__).parent / "definitions.json"
LICENCE = "Apache-2.0"


def text_samples() -> Iterator[Sample]:
    """One training sample for each wording of each definition, in the order of their ids."""
    found = [
        _sample(term, question, answer)
        for term, entry in sorted(read_definitions().items())
        for question in entry["questions"]
        for answer in (entry["answer"],)
    ]
    yield from sorted(found, key=lambda sample: sample.id)


def read_definitions() -> dict[str, dict]:
    """Term -> {questions, answer}: the shipped file."""
    return read_json(FILE)  # type: ignore[return-value]


def _sample(term: str, question: str, answer: str) -> Sample:
    return Sample(
        id=f"{SOURCE}/{term.replace(' ', '-')}#text-{keyed_hash(question, digest_bytes=4)}",
        source=SOURCE,
        group=TaskGroup.TEXT,
        task="text",
        modality=Modality.TEXT,
        anatomy="",
        patient_key="",
        split=Split.TRAIN,
        pieces=(Text(text=question), Text(text=answer, supervised=True)),
        licence=LICENCE,
        provenance=Provenance(file=FILE.name, locator=term, method="written for this project"),
    )
