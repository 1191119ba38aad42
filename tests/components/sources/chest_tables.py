"""Counting chest X-ray sets by another few lines than the adapters have."""

import csv
from collections import Counter

HEADS = "label-csv"


def bins(unreadable) -> Counter[str]:
    return Counter(item.reason for item in unreadable)


def table(path, encoding="utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as handle:
        return list(csv.DictReader(handle))


def listed(record, fact) -> set[str]:
    return set(record.facts.get(fact, "").split(";")) - {""}
