"""How well captions are formed and how often they name what the image is."""

from collections import Counter
from collections.abc import Sequence

from components.evaluation.captions import EXACT, FACT_SCORERS, ROUGE, WELL_FORMED
from components.evaluation.metrics import Meter, Metric
from components.evaluation.predictions import GREY, PLAIN
from components.evaluation.scores import Score

_NAMES = {
    WELL_FORMED: "well_formed",
    EXACT: "exact",
    ROUGE: "rougel-google",
    **{scorer: f"{name}_accuracy" for name, scorer in FACT_SCORERS.items()},
}
_WHY = "captions are reported beside the pool, not in it"


def caption_metrics(scores: Sequence[Score], meter: Meter) -> list[Metric]:
    """Each score over all captions and per split, the most frequent value and a grey image beside it."""
    captions = [score for score in scores if score.benchmark == "caption"]
    metrics = []
    for scorer, name in _NAMES.items():
        of_scorer = [score for score in captions if score.scorer_id == scorer]
        for split in ("", *sorted({score.split for score in of_scorer})):
            chosen = [score for score in of_scorer if split in ("", score.split)]
            plain = [score for score in chosen if score.variant == PLAIN]
            if not plain:
                continue
            key = "/".join(part for part in ("caption", split, name) if part)
            control = _controls(scorer, plain, [score for score in chosen if score.variant == GREY])
            metrics.append(meter.mean(key, plain, control=control, why_not_gated=_WHY))
    return metrics


def _controls(scorer: str, plain: Sequence[Score], grey: Sequence[Score]) -> dict[str, float]:
    control = {}
    if grey:
        control["grey"] = sum(score.number for score in grey) / len(grey)
    if scorer == FACT_SCORERS["modality"]:
        control["majority"] = Counter(score.modality for score in plain).most_common(1)[0][1] / len(plain)
    if scorer == FACT_SCORERS["anatomy"]:
        control["majority"] = Counter(score.anatomy for score in plain).most_common(1)[0][1] / len(plain)
    return control
