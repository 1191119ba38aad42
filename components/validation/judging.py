"""From an adapter's records to kept rows, quarantine rows, accounting and verdict: all of `validate` but the files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.recipes.validation import ValidationSettings
from components.records.accounting import Account
from components.records.record import LeftOut, Record, Unreadable
from components.records.vocabulary import Bin
from components.validation.decisions import CuratorDecision
from components.validation.drift import distances, not_compared, sentences
from components.validation.profile import profile
from components.validation.spool import Held, Rows, Spool
from components.validation.suites import DUPLICATE_ID, SUITE, Failure, run_suite, table

if TYPE_CHECKING:
    import pandas

READING = "unimed.reading@1"
"""The suite that a file fails which no record could be made of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A source's delivery, judged."""

    rows: Sequence[dict[str, object]]
    """Of the kept records, by id, in RECORD_SCHEMA's columns; their images are read when a row is asked for."""
    frame: Callable[[], "pandas.DataFrame"] = field(compare=False)
    """Makes again what the suite looked at: a row for each record that could be read."""
    quarantine: list[dict[str, str]]
    refused_patients: list[str]
    """Keys of the patients that have records in quarantine and none that was kept, sorted."""
    left_out: list[dict[str, str]]
    """What is none of the source's records by nature: filtered."""
    accounting: dict[str, object]
    """The seven numbers and reasons, and `verdict`."""
    profile: dict[str, object]


def judge(
    source: str,
    items: Iterable[Record | Unreadable],
    settings: ValidationSettings,
    *,
    decisions: Mapping[str, CuratorDecision],
    accepted: Mapping[str, object],
    patients: str | None = None,
    seen: Callable[[int], None] = lambda count: None,
) -> Judged:
    """Every item in exactly one of kept, quarantined and filtered, and whether the source may go on. `seen` hears the count;
    `patients` is the namespace of the source's patients, its name where none is given."""
    spool = Spool(patients or source)
    records: list[Held] = []
    quarantine: list[dict[str, str]] = []
    left_out: list[dict[str, str]] = []
    unread: list[Unreadable] = []
    for count, item in enumerate(items, start=1):
        seen(count)
        if isinstance(item, LeftOut):
            left_out.append({name: getattr(item, name) for name in ("id", "source", "file", "reason", "detail")})
            continue
        if isinstance(item, Unreadable):
            quarantine.append(_unreadable_row(item))
            unread += [item] if item.is_rest else []
            continue
        records.append(spool.hold(item))
    # Sorted before the suite, so that a duplicate id and every file come out the same in any order of reading.
    records.sort(key=lambda held: (held.record.id, held.record.provenance.file, held.record.provenance.locator))

    def frame() -> "pandas.DataFrame":
        return table(held.record for held in records)

    broken = _first_failures(run_suite(frame(), settings))
    kept, refused = [], set[str]()
    for held in records:
        row = _verdict_on(held.record, broken.get(held.record.id), decisions.get(held.record.id))
        if row is None:
            kept.append(held)
        else:
            quarantine.append(row)
            refused.add(spool.patient_key(held.record))
    refused -= {spool.patient_key(held.record) for held in kept} if refused else set()
    quarantine.sort(key=lambda row: (row["id"], row["file"], row["locator"]))
    left_out.sort(key=lambda row: (row["id"], row["file"]))
    found = profile([held.record for held in kept])
    account = Account(source=source)
    for _ in kept:
        account.count(Bin.KEPT)
    for row in quarantine:
        account.count(Bin.QUARANTINED, row["reason"])
    for row in left_out:
        account.count(Bin.FILTERED, row["reason"])
    far = {name: d for name, d in distances(found, accepted).items() if d > settings.hold_above}
    doubted = int(found.get("shared_ids", 0))  # type: ignore[call-overload]
    if doubted <= int(accepted.get("shared_ids", 0)):  # type: ignore[call-overload]
        doubted = 0
    verdict = _verdict(source, account, settings, quarantine, unread, sentences(far, found, accepted), doubted)
    _say_what_is_not_compared(verdict, source, not_compared(found, accepted))
    return Judged(
        rows=Rows(spool, kept),
        frame=frame,
        quarantine=quarantine,
        refused_patients=sorted(refused),
        left_out=left_out,
        accounting={**account.to_json(), "verdict": verdict},
        profile=found,
    )


def _first_failures(failures: list[Failure]) -> dict[str, Failure]:
    first: dict[str, Failure] = {}
    for failure in failures:
        first.setdefault(failure.id, failure)
    return first


def _verdict_on(record: Record, failure: Failure | None, decision: CuratorDecision | None) -> dict[str, str] | None:
    """The quarantine row of a record, or None when it is kept."""
    if decision is not None and decision.decision == "reject":
        detail = f"rejected by {decision.by}: {decision.reason}"
        return _row(record, reason="rejected", detail=detail, suite="review", expectation="not rejected")
    overruled = decision is not None and failure is not None and failure.reason != DUPLICATE_ID
    if failure is None or overruled:
        return None
    return _row(record, reason=failure.reason, detail=failure.detail, suite=SUITE, expectation=failure.expectation)


def _verdict(
    source: str,
    account: Account,
    settings: ValidationSettings,
    quarantine: list[dict[str, str]],
    unread: list[Unreadable],
    drifted: list[str],
    doubted: int,
) -> dict[str, object]:
    bad, judged = account.bins[Bin.QUARANTINED], account.raw - account.bins[Bin.FILTERED]
    share = bad / judged if judged else 0.0
    verdict, message, suite = "accept", f"{account.bins[Bin.KEPT]} of {account.raw} records kept", SUITE
    if account.raw == 0:
        verdict, message, suite = "stop", "the folder holds no record; deliver files or remove the source", READING
    elif judged == 0:
        verdict, suite = "stop", READING
        message = f"all {account.raw} records are left out: {'; '.join(sorted(account.reasons))}; deliver images"
    elif unread:
        first = min(unread, key=lambda item: item.id)
        verdict, suite = "stop", READING
        message = (
            f"{first.file.removesuffix(':rest')} is not read to its end: {first.reason}, {first.detail}. "
            "Nobody knows how many records follow: mend the file or take it out of the delivery"
        )
    elif share > settings.stop_above:
        suite, worst = _worst(quarantine)
        verdict = "stop"
        message = (
            f"{bad} of {judged} records quarantined ({share:.1%}), the limit is {settings.stop_above:.1%}; "
            f"most often: {worst}. Mend the delivery, see `unimed data check {source}`, or raise sources.{source}.stop_above"
        )
    elif doubted:
        verdict, suite = "hold", READING
        message = (
            f"{doubted} of its patient ids stand for more than one person: name, date of birth or sex differ under one id. "
            f"Mend the ids, give `subject` in labels.csv, or, where they are right, `unimed data accept {source}`"
        )
    elif drifted:
        verdict = "hold"
        message = (
            f"{'; '.join(drifted)}. The limit is {settings.hold_above:.2f} (sources.{source}.hold_above, else validation.hold_above); "
            f"look at it with `unimed data review {source}`, then `unimed data accept {source}`"
        )
    return {
        "verdict": verdict,
        "suite": suite,
        "quarantined_share": round(share, 6),
        "limit": settings.stop_above,
        "message": message,
    }


def _say_what_is_not_compared(verdict: dict[str, object], source: str, columns: Sequence[str]) -> None:
    """Let an accepting verdict say which columns an older release filled otherwise."""
    if verdict["verdict"] == "accept" and columns:
        verdict["message"] = (
            f"{verdict['message']}; the accepted delivery was described by an older release, so that these were not "
            f"compared: {', '.join(columns)} (`unimed data accept {source}` describes it anew)"
        )


def _worst(quarantine: list[dict[str, str]]) -> tuple[str, str]:
    from collections import Counter

    (suite, reason), count = sorted(
        Counter((row["suite"], row["reason"]) for row in quarantine).items(), key=lambda item: (-item[1], item[0])
    )[0]
    return suite, f"{reason} ({count})"


def _row(record: Record, *, reason: str, detail: str, suite: str, expectation: str) -> dict[str, str]:
    return {
        "id": record.id,
        "source": record.source,
        "file": record.provenance.file,
        "locator": record.provenance.locator,
        "reason": reason,
        "detail": detail,
        "suite": suite,
        "expectation": expectation,
    }


def _unreadable_row(item: Unreadable) -> dict[str, str]:
    return {
        "id": item.id,
        "source": item.source,
        "file": item.file,
        "locator": "",
        "reason": item.reason,
        "detail": item.detail,
        "suite": READING,
        "expectation": "readable",
    }
