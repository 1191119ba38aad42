"""The plan of a run as a person reads it: which stages, and what each training will take."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.cli.output import bytes_text, console, note, print_json, seconds_text, table

if TYPE_CHECKING:
    from components.training.forecast.found import Forecast
    from flows.plan import Plan

REASON_WIDTH = 110


def show_plan(plan: "Plan", *, as_json: bool) -> None:
    """What will run and what it will take."""
    if as_json:
        print_json(plan.to_json())
        return
    for stage in plan.affected:
        note(f"  {stage:<28} {short_reason(plan.reasons.get(stage, 'reads what is made before it'))}")
    show_trainings(plan.trainings)
    if plan.affected:
        disk = bytes_text(plan.disk_bytes)
        note(
            f"{len(plan.affected)} of {len(plan.stages)} stages, about {seconds_text(plan.seconds)} and {disk} of disk"
        )
    elif not plan.judged:
        note(f"all stages are up to date; to register and judge, about {seconds_text(plan.seconds)}")
    else:
        note("all stages are up to date; closing what a killed run left open")


def show_trainings(trainings: Sequence["Forecast"]) -> None:
    """A table of what the stages of the curriculum take, one of a rank's memory, and how often each source is gone through."""
    if not trainings:
        return
    out = console(stderr=True)
    out.print()
    columns = ("train@", "#learns", "#frozen", "#steps", "#tokens", "#states", "#checkpoint", "#takes", "known from")
    out.print(table("Training", columns, [_work_row(one) for one in trainings]))
    columns = (
        "train@",
        "#weights",
        "#gradients",
        "#moments",
        "#average",
        "#gathered",
        "#activations",
        "#other",
        "#in all",
    )
    title = f"Memory of a rank at its fullest moment (there is {trainings[0].machine.words})"
    out.print(table(title, (*columns, "#ranks", "#in RAM"), [_memory_row(one) for one in trainings]))
    for one in trainings:
        out.print(_tokens_line(one), soft_wrap=True)
    for one in trainings:
        out.print(_epochs_line(one), soft_wrap=True)
    out.print()


def short_reason(reason: str) -> str:
    """DVC's reason in the width of a line: that something was never made says all."""
    return (
        "not made yet"
        if "output" in reason and "missing" in reason
        else textwrap.shorten(reason, REASON_WIDTH, placeholder=" …")
    )


def count_text(count: float) -> str:
    """640, 2.63 million, 14.6 billion."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{count / size:.3g} {word}"
    return f"{count:,.0f}".replace(",", " ")


def _work_row(one: "Forecast") -> list[str]:
    return [
        one.stage,
        count_text(one.trained),
        count_text(one.frozen),
        count_text(one.steps),
        count_text(one.tokens),
        bytes_text(one.states_bytes),
        bytes_text(one.output_bytes),
        seconds_text(one.time.seconds),
        "runs of this workspace" if one.time.is_measured else "an order of size",
    ]


def _memory_row(one: "Forecast") -> list[str]:
    memory = one.memory
    parts = (memory.weights, memory.gradients, memory.moments, memory.average, memory.gathered, memory.activations)
    sizes = [bytes_text(size) for size in (*parts, memory.autoencoder + memory.process, memory.total)]
    return [one.stage, *sizes, str(one.ranks), bytes_text(memory.host)]


def _tokens_line(one: "Forecast") -> str:
    forward, source = one.forward, "as the data set has them" if one.is_counted else "of usual samples"
    return (
        f"a forward of {one.stage}: {forward.all} tokens, {source}: {forward.text} text ({forward.labels} with a loss), "
        f"{forward.vit} ViT, {forward.latents} latent ({forward.targets} with a loss)"
    )


def _epochs_line(one: "Forecast") -> str:
    if one.epochs is None:
        return f"passes of {one.stage}: not known before the data set is assembled"
    return f"passes of {one.stage}: " + ", ".join(f"{source} {passes:.3g}" for source, passes in one.epochs.items())
