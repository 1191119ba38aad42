"""Whether a stage fits where it is to run, and which setting would make it fit: found by counting again with the setting."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from components.recipes.recipe import Recipe
from components.training.forecast.found import Machine, Memory
from components.training.forecast.memory import num_forwards
from components.training.forecast.tokens import largest_sample

MemoryOf = Callable[[Recipe], Memory]
"""A stage's memory under other settings."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another setting of the recipe."""

    words: str
    recipe: Recipe


def fits(recipe: Recipe, memory: Memory, machine: Machine) -> bool:
    """Whether there is room for all ranks, as far as this machine knows: on its cards, and in its RAM."""
    ranks = max(recipe.compute.workers, 1)
    if machine.kind == "cpu":
        return ranks * (memory.total + memory.host) <= machine.ram_bytes
    if machine.kind == "gpu":
        in_ram = ranks * (memory.process + memory.host)
        return ranks <= machine.gpus and memory.total <= machine.gpu_bytes and in_ram <= machine.ram_bytes
    return True


def what_would_fit(recipe: Recipe, stage: str, memory_of: MemoryOf, machine: Machine) -> list[str]:
    """Settings under which it fits: one alone where one does, else several together; empty where none of these do."""
    changes = [change for step in STEPS for change in step(recipe, stage, machine)]
    for change in changes:
        if fits(change.recipe, memory_of(change.recipe), machine):
            return [change.words]
    words = []
    for step in STEPS:
        possible = list(step(recipe, stage, machine))
        if not possible:
            continue
        best = min(possible, key=lambda change: memory_of(change.recipe).total)
        recipe, words = best.recipe, [*words, best.words]
        if fits(recipe, memory_of(recipe), machine):
            return words
    return []


def _checkpointing(recipe: Recipe, stage: str, machine: Machine) -> Iterator[Change]:
    if not recipe.compute.gradient_checkpointing:
        yield _changed(recipe, "compute", gradient_checkpointing=True)


def _workers(recipe: Recipe, stage: str, machine: Machine) -> Iterator[Change]:
    """The nearest numbers first; no more than a step has sequences, or the machine cards."""
    now, most = max(recipe.compute.workers, 1), recipe.training.sequences_per_step
    most = min(most, machine.gpus) if machine.kind == "gpu" else most
    for number in sorted(range(1, most + 1), key=lambda number: abs(number - now)):
        if number != now and number % recipe.compute.copies == 0:
            yield _changed(recipe, "compute", workers=number)


def _copies(recipe: Recipe, stage: str, machine: Machine) -> Iterator[Change]:
    if recipe.compute.copies > 1:
        yield _changed(recipe, "compute", copies=1)


def _sequences(recipe: Recipe, stage: str, machine: Machine) -> Iterator[Change]:
    """Fewer through the network together; or so many that a step is one forward, whose gradients are never whole."""
    now = recipe.training.sequences_per_forward
    for number in range(now - 1, 0, -1):
        yield _changed(recipe, "training", sequences_per_forward=number)
    if num_forwards(recipe) > 1:
        yield _changed(recipe, "training", sequences_per_forward=now * num_forwards(recipe))


def _offload(recipe: Recipe, stage: str, machine: Machine) -> Iterator[Change]:
    """What lies in RAM leaves room on a card; on a CPU it is the same memory."""
    if machine.kind == "gpu" and not recipe.compute.offload:
        yield _changed(recipe, "compute", offload=True)


def _precision(recipe: Recipe, stage: str, machine: Machine) -> Iterator[Change]:
    if recipe.compute.precision == "fp32":
        yield _changed(recipe, "compute", precision="bf16")


def _tokens(recipe: Recipe, stage: str, machine: Machine) -> Iterator[Change]:
    """Half the room, half of that, as long as the largest usual sample has a place."""
    own = recipe.curriculum[stage]
    tokens = own.room(recipe.training) // 2
    while tokens >= largest_sample(recipe, own):
        if own.tokens_per_sequence is None:
            yield _changed(recipe, "training", tokens_per_sequence=tokens)
        else:
            curriculum = {**recipe.curriculum, stage: replace(own, tokens_per_sequence=tokens)}
            words = f"curriculum.{stage}.tokens_per_sequence: {tokens}"
            yield Change(words, replace(recipe, curriculum=curriculum))
        tokens //= 2


STEPS = (_checkpointing, _workers, _copies, _sequences, _offload, _precision, _tokens)
"""Settings in the order in which they are tried: what costs the work least comes first."""


def _changed(recipe: Recipe, part: str, **values: object) -> Change:
    words = ", ".join(
        f"{part}.{key}: {str(value).lower() if value is True else value}" for key, value in values.items()
    )
    return Change(words, replace(recipe, **{part: replace(getattr(recipe, part), **values)}))  # type: ignore[arg-type]
