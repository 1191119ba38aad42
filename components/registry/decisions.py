"""The decision log: who let which version become champion, when and why. Each entry holds the hash of the one before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from components.registry.database import decisions_table, transaction
from components.registry.identity import chain_of, registry_of
from components.registry.lease import Lease, LeaseLost
from components.storage.keys import digest
from components.storage.workspace import Workspace

Action = Literal["register", "hold", "refuse", "promote", "approve", "rollback", "withdraw", "approvers"]
"""`register`: noted and not judged, as was asked. `hold`: waits for a person. `approve`: the first of two people's words;
the last one's is the `promote`. `rollback` gives the title to an earlier version and withdraws the one in
`evidence["from"]`. `withdraw`: a person took the version back, or it is gone from the registry (`evidence["gone"]`).
`approvers`: how many people a promotion needs from now on; about no version."""

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What is decided about a version, by whom and why."""

    action: Action
    version: int | None
    weights_sha256: str
    who: str
    why: str
    evidence: Mapping[str, Any]
    """The numbers the decision rests on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision(Ruling):
    """A ruling in its place: one entry of the log."""

    sequence: int
    at: str
    """UTC, ISO 8601; entries are ordered by sequence, never by time."""
    champion_before: int | None
    previous_hash: str

    @property
    def hash(self) -> str:
        """sha256 of the entry's canonical JSON, the previous entry's hash included."""
        return hashlib.sha256(self.body().encode()).hexdigest()

    @property
    def promoted(self) -> bool:
        """Whether the version became champion by this decision."""
        return self.action in ("promote", "rollback")

    @property
    def champion_after(self) -> int | None:
        """The champion once this decision is carried out."""
        if self.promoted:
            return self.version
        return None if self.action == "withdraw" and self.version == self.champion_before else self.champion_before

    @property
    def actor(self) -> Literal["gate", "person", "registry"]:
        """The gate, the registry, or a person."""
        return "gate" if self.who == "gate" else "registry" if self.who == "registry" else "person"

    @property
    def withdraws(self) -> int | None:
        """The version that no longer is to be promoted by a rule."""
        if self.action == "withdraw":
            return self.version
        return self.evidence.get("from") if self.action == "rollback" else None

    @property
    def is_gone(self) -> bool:
        """Whether the version was deleted from the registry: its weights may be registered and judged again."""
        return self.action == "withdraw" and self.who == "registry"

    @property
    def judged_against(self) -> int | None:
        """The champion beside which the gate judged: another may hold the title by the time the entry is written."""
        return self.evidence.get("champion", self.champion_before)

    @property
    def judged_only(self) -> bool:
        """Whether the version passed and nobody was to be promoted: how older releases meant a hold that asked for that."""
        return self.action == "hold" and self.evidence.get("asked") == "never" and self.code == "approval asked"

    @property
    def code(self) -> str:
        """Why a hold holds; where an older release wrote it, from the verdict's outcome."""
        verdict = self.evidence.get("gate")
        if self.action != "hold" or not isinstance(verdict, Mapping):
            return ""
        code, outcome = verdict.get("code"), verdict.get("outcome")
        return str(code or (outcome if outcome in ("inconclusive", "incomparable") else "approval asked"))

    @property
    def losses(self) -> tuple[str, ...]:
        """`lost:NAME` for each class, source or modality that the gate found lost: whoever approves names them."""
        verdict = self.evidence.get("gate")
        return tuple(f"lost:{name}" for name in verdict.get("lost", ())) if isinstance(verdict, Mapping) else ()

    @property
    def evidence_sha256(self) -> str:
        """Hash of what the decision rests on: two people who approve have seen the same."""
        return digest([self.weights_sha256, dict(self.evidence)])

    def body(self) -> str:
        """Canonical JSON of the entry."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, allow_nan=False)

    def to_json(self) -> dict[str, Any]:
        """The entry with its hash, as scripts read it."""
        return {**asdict(self), "hash": self.hash, "promoted": self.promoted}

    @classmethod
    def from_body(cls, body: str | Mapping[str, Any]) -> "Decision":
        """The entry that `body` or `to_json` wrote."""
        value = dict(json.loads(body) if isinstance(body, str) else body)
        value.pop("hash", None)
        value.pop("promoted", None)
        return cls(**value)


class BrokenLog(ValueError):
    """The log was changed after it was written."""


def read_log(workspace: Workspace) -> list[Decision]:
    """Every decision about this registry, oldest first; raises BrokenLog, naming the entry, if the chain is broken."""
    from sqlalchemy import select

    table = decisions_table()
    chain = chain_of(workspace)
    with transaction(workspace) as connection:
        rows = connection.execute(
            select(table.c.sequence, table.c.body, table.c.hash)
            .where(table.c.registry == chain)
            .order_by(table.c.sequence)
        ).all()
    log: list[Decision] = []
    previous = GENESIS
    for place, (sequence, body, written) in enumerate(rows, start=1):
        entry = Decision.from_body(body)
        if entry.sequence != sequence or sequence != place or entry.previous_hash != previous or entry.hash != written:
            raise BrokenLog(
                f"decision log entry {sequence} (version {entry.version}, {entry.action}) does not fit the one before: "
                "the log was edited or entries are missing; restore the database from a backup before promoting"
            )
        log.append(entry)
        previous = entry.hash
    return log


def append(lease: Lease, log: list[Decision], ruling: Ruling) -> Decision:
    """Write the next entry after `log`, as read. Raises ValueError when somebody else wrote one meanwhile, LeaseLost when
    the session ended before it was written; one that ended after that has written it."""
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    decision = next_entry(log, ruling)
    row = {
        "registry": registry_of(lease.workspace).chain,
        "sequence": decision.sequence,
        "body": decision.body(),
        "hash": decision.hash,
    }
    try:
        with lease.transaction() as connection:
            connection.execute(insert(decisions_table()).values(row))
    except LeaseLost as error:
        # A session that ends while it commits has perhaps done so: the log knows.
        if decision not in read_log(lease.workspace):
            raise LeaseLost(f"{error}: nothing was decided; the same command tries again") from None
    except IntegrityError:
        raise ValueError(
            f"decision {decision.sequence} was written by somebody else meanwhile; look at `unimed models`, then decide again"
        ) from None
    return decision


def next_entry(log: list[Decision], ruling: Ruling) -> Decision:
    """The ruling as the entry that would follow the log now; nothing is written."""
    return Decision(
        sequence=len(log) + 1,
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        champion_before=champion_of(log),
        previous_hash=log[-1].hash if log else GENESIS,
        **asdict(ruling),
    )


def champion_of(log: list[Decision]) -> int | None:
    """The champion as the log has it."""
    return log[-1].champion_after if log else None


def decision_about(log: list[Decision], version: int) -> Decision | None:
    """The newest decision about this version, a rollback that withdrew it included; one of two voices decides nothing."""
    about = (entry for entry in reversed(log) if version in (entry.version, entry.withdraws))
    return next((entry for entry in about if entry.action != "approve"), None)
