"""Plots of the evaluation report as inline SVG, the same bytes for the same numbers."""

import io
import re
from collections.abc import Sequence

from markupsafe import Markup

from components.evaluation.vqa_metrics import VqaGroup

_POOL, _REST, _MAJORITY = "#0b6e4f", "#8a8a8a", "#c1440e"


def forest(groups: Sequence[VqaGroup]) -> Markup:
    """Accuracy with interval of every group against its majority; the pool's members in colour. Empty without groups."""
    if not groups:
        return Markup("")
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    ordered = sorted(groups, key=lambda group: (group.in_pool, group.split, group.question_type, group.form))
    with matplotlib.rc_context({"svg.hashsalt": "unimed", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(8, 1 + 0.2 * len(ordered)))
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for place, group in enumerate(ordered):
            colour = _POOL if group.in_pool else _REST
            axes.plot([group.accuracy.low, group.accuracy.high], [place, place], color=colour, linewidth=2)
            axes.plot([group.accuracy.value], [place], "o", color=colour, markersize=4)
            axes.plot([group.majority], [place], "|", color=_MAJORITY, markersize=9, markeredgewidth=2)
        axes.set_yticks(range(len(ordered)), [f"{group.name} (n {group.accuracy.n})" for group in ordered])
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-1, len(ordered))
        axes.set_xlabel("accuracy, 95 % interval; upright mark: majority answer; green: in the pool")
        axes.grid(axis="x", color="#dddddd", linewidth=0.5)
        figure.tight_layout()
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    return Markup(re.sub(r"\A.*?(?=<svg)", "", svg, flags=re.DOTALL))
