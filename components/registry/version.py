"""A registered version as every command knows it."""

from collections.abc import Mapping
from dataclasses import dataclass

CHAMPION, CHALLENGER = "champion", "challenger"
"""The aliases that decisions move."""
_LONGEST_NUMBER = 9
"""Digits; a database counts no further."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A registered, evaluated model."""

    number: int
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    run_id: str
    source: str
    created_at_ms: int

    @property
    def weights_sha256(self) -> str:
        return self.tags["unimed.weights_sha256"]

    @property
    def dataset_id(self) -> str:
        return self.tags["unimed.dataset_id"]

    @property
    def evaluation_sha256(self) -> str:
        return self.tags["unimed.evaluation_sha256"]

    @property
    def is_ours(self) -> bool:
        """Whether it was registered here; another's version under the same model has no such tag."""
        return "unimed.weights_sha256" in self.tags

    def is_called(self, name: str) -> bool:
        """Whether the name is its number or one of its aliases."""
        return self.number == int(name) if is_number(name) else name in self.aliases


def is_number(name: str) -> bool:
    """Whether the name can be a version's number."""
    return name.isdecimal() and len(name) <= _LONGEST_NUMBER
