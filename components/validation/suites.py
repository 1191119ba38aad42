"""The expectation suite that every source's records must meet, run by Great Expectations on metadata only.

Each expectation carries the reason under which its failing rows are quarantined. A cheap SUMMARY pass comes first; the
failing rows are asked for only of expectations that failed (the cost is per failing row).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.recipes.validation import ValidationSettings
from components.records.record import Record
from components.records.vocabulary import Modality
from components.validation.texts import LONGEST_ANSWER, LONGEST_PROMPT, text_columns
from components.validation.vocabulary import ALWAYS_COLOUR, ANATOMIES, FACTS, NEVER_COLOUR, unknown_words

if TYPE_CHECKING:
    import pandas

SUITE = "unimed.records@1"
DUPLICATE_ID = "duplicate id"
"""The reason that no decision overrules: nobody could say which of the records was meant."""
OUR_WORDS = ("empty_texts", "identifiers", "leaked")
"""Columns that say something of a text and nothing out of it."""
_LOWEST_DEVIATION = 1.0
"""Grey levels: an image that varies less shows nothing."""
_MOST_CLIPPED = 0.9
"""Share of white in what is not black. Photographs, scans and figures of 2 293 real images have 0.45 at most."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One record that breaks one expectation."""

    id: str
    reason: str
    detail: str
    expectation: str


def table(records: Iterable[Record]) -> "pandas.DataFrame":
    """The metadata frame that the suite looks at: one row per record, one column per fact, no image bytes."""
    import pandas

    rows = []
    for number, record in enumerate(records):
        image = record.image
        colour = "yes" if image and image.colour else "no"
        refused = (
            *(NEVER_COLOUR if image and image.colour else ()),
            *(ALWAYS_COLOUR if image is None or image.grey else ()),
        )
        rows.append(
            {
                "row": number,
                "id": record.id,
                "is_private": record.is_private,
                "modality": record.modality.value,
                "anatomy": record.anatomy,
                "subject": record.subject or None,
                "licence": record.licence or None,
                "image_fits_modality": (image is not None) == (record.modality is not Modality.TEXT),
                "side": min(image.width, image.height) if image else None,
                "pixels": image.width * image.height if image else None,
                "deviation": image.deviation if image else None,
                "clipped": image.clipped if image else None,
                "unknown_words": unknown_words(record.facts, record.targets),
                "colour_agrees": record.facts.get("colour", colour) == colour,
                "colour_fits_modality": record.modality.value not in refused,
                **text_columns(record),
                **{name: record.facts.get(name) for name in FACTS},
            }
        )
    columns = list(rows[0]) if rows else ["row", "id"]
    frame = pandas.DataFrame(rows, columns=columns)
    for name in ("id", "modality", "anatomy", "subject", "licence", "unknown_words", *FACTS):
        if name in frame:
            frame[name] = frame[name].astype(object)
            frame.loc[frame[name].isna(), name] = None
    return frame


def expectations(settings: ValidationSettings) -> list[Any]:
    """The suite's expectations in the order in which their reasons count: a record has the first one that it breaks."""
    import great_expectations.expectations as gxe

    def meta(reason: str, fix: str) -> dict[str, str]:
        return {"reason": reason, "fix": fix}

    labels = "correct labels.csv"
    return [
        gxe.ExpectColumnValuesToNotBeNull(column="id", meta=meta("no identity", "the adapter must name it")),
        gxe.ExpectColumnValuesToBeUnique(column="id", meta=meta(DUPLICATE_ID, "deliver each file once")),
        gxe.ExpectColumnValuesToNotBeNull(column="subject", meta=meta("no subject", "name the patient in labels.csv")),
        gxe.ExpectColumnValuesToNotBeNull(column="licence", meta=meta("no licence", "name it in labels.csv")),
        gxe.ExpectColumnValuesToBeInSet(
            column="modality",
            value_set=[m.value for m in Modality],
            meta=meta("mislabelled", labels),
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="image_fits_modality",
            value_set=[True],
            meta=meta("mislabelled", "modality text is for records without an image, and only for them"),
        ),
        gxe.ExpectColumnValuesToBeInSet(column="anatomy", value_set=list(ANATOMIES), meta=meta("mislabelled", labels)),
        *(
            gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(values), meta=meta("mislabelled", labels))
            for name, values in FACTS.items()
        ),
        gxe.ExpectColumnValuesToBeInSet(column="unknown_words", value_set=[""], meta=meta("mislabelled", labels)),
        gxe.ExpectColumnValuesToBeBetween(
            column="side",
            min_value=settings.min_side,
            meta=meta("too small", "lower validation.min_side or remove the file"),
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="pixels",
            max_value=settings.max_pixels,
            meta=meta("too large", "raise validation.max_pixels or scale the image"),
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="deviation", min_value=_LOWEST_DEVIATION, meta=meta("blank image", "deliver it again or remove it")
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="clipped",
            max_value=_MOST_CLIPPED,
            meta=meta("clipped image", "widen the window that it was made with; a mask is no image of its own"),
        ),
        # After size and blankness: the colours of an image that shows nothing say nothing about its labels.
        gxe.ExpectColumnValuesToBeInSet(
            column="colour_agrees", value_set=[True], meta=meta("mislabelled", "colour is not what the pixels show")
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="colour_fits_modality",
            value_set=[True],
            meta=meta("mislabelled", "its colours are not those of its modality; correct labels.csv"),
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="says_something", value_set=[True], meta=meta("empty text", "a record of text alone needs a turn")
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="empty_texts", value_set=[""], meta=meta("empty text", "deliver the text or leave the row out")
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="marker", value_set=[""], meta=meta("special token", "take the marker out of the text")
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="identifiers", value_set=[""], meta=meta("identifier in text", "take it out of the text")
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="leaked", value_set=[""], meta=meta("leaked answer", "take the answer out of the question")
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="boilerplate", value_set=[""], meta=meta("boilerplate", "this is no answer about the image")
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="prompt_characters", max_value=LONGEST_PROMPT, meta=meta("too long", "shorten the question")
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="answer_characters", max_value=LONGEST_ANSWER, meta=meta("too long", "shorten the answer")
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="answer_is_option",
            value_set=[True],
            meta=meta("bad options", "a choice has two different options or more and its answer is one of them"),
        ),
    ]


def open_batches(**place: Any) -> tuple[Any, Any]:
    """(context, batch definition of a whole frame) of Great Expectations, in memory or in a folder. The first to import it,
    so that it calls nobody."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    context = gx.get_context(**place)
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("records").add_dataframe_asset("records")
    return context, asset.add_batch_definition_whole_dataframe("all")


def run_suite(frame: "pandas.DataFrame", settings: ValidationSettings) -> list[Failure]:
    """Every (record, broken expectation) of the frame, in suite order, then row order. An empty frame breaks nothing."""
    if frame.empty:
        return []
    _, whole = open_batches(mode="ephemeral")
    import great_expectations as gx

    batch = whole.get_batch({"dataframe": frame})
    suite = expectations(settings)
    # All at once: each call of its own hashes the whole frame again.
    summaries = batch.validate(gx.ExpectationSuite(name=SUITE, expectations=suite), result_format="SUMMARY").results
    failures = []
    for expectation, summary in zip(suite, summaries, strict=True):
        if summary.success:
            continue
        if summary.exception_info and summary.exception_info.get("raised_exception"):
            raise ValueError(f"suite {SUITE}: {_name(expectation)} could not run: {summary.exception_info}")
        complete = batch.validate(
            expectation, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["row"]}
        )
        failures += [
            Failure(
                id=str(frame["id"].iloc[int(found["row"])]),
                reason=expectation.meta["reason"],
                detail=_detail(
                    expectation,
                    _plain(found.get(expectation.column)),
                    bool(frame["is_private"].iloc[int(found["row"])]),
                ),
                expectation=_name(expectation),
            )
            for found in complete.result["unexpected_index_list"]
        ]
    return failures


def _detail(expectation: Any, value: Any, is_private: bool) -> str:
    """The value and the fix; of a claim that does not hold the fix alone, which says what is wrong. Words of a private
    source are not repeated, only what we say of them."""
    fix = expectation.meta["fix"]
    if is_private and isinstance(value, str) and expectation.column not in OUR_WORDS:
        return f"{expectation.column} is not repeated here; {fix}"
    return fix if isinstance(value, bool) else f"{expectation.column} is {value!r}; {fix}"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _name(expectation: Any) -> str:
    return f"{expectation.expectation_type}({expectation.column})"
