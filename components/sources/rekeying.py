"""The keys of a delivery's patients under other settings of its source. What the patients are called stays in here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from components.recipes.sources import PatientIds, SourceSettings
from components.records.record import Record
from components.records.vocabulary import Split
from components.sources.patients import person
from components.sources.private import is_private
from components.sources.table import items_of, opened, source_secret
from components.storage.keys import keyed_hash, patient_key, public_secret
from components.storage.secret import workspace_secret


def read_keys(
    folder: Path,
    source: str,
    settings: SourceSettings,
    changed: SourceSettings,
    *,
    private: Path,
    side: Callable[[Mapping[str, str]], Split | None] = lambda facts: None,
) -> Iterator[tuple[str, str, Split | None]]:
    """(patient key, key under the changed settings, side) of each record that can be read: the split that it was delivered
    for, else the side that its facts place it on, if any. Raises ValueError as `read_source` does."""
    plain = replace(settings, patients=None, patient_ids=PatientIds())
    delivery, read = opened(folder, source, plain, private)
    now, then = (_keyed(source, each, private) for each in (settings, changed))
    for item in items_of(delivery, read):
        if isinstance(item, Record):
            yield now(item.subject), then(item.subject), item.delivered_split or side(item.facts)


def _keyed(source: str, settings: SourceSettings, private: Path) -> Callable[[str], str]:
    """Patient's name as delivered -> the key under which validation writes the records."""
    namespace = settings.namespace(source)
    secret = source_secret(namespace, workspace_secret(private)) if is_private(source, settings) else b""

    def key(subject: str) -> str:
        name = person(subject, settings)
        return patient_key(public_secret(namespace), keyed_hash("patient", name, key=secret) if secret else name)

    return key
