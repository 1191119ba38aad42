"""The order in which the flow names the stages; a test holds it to DVC's graph."""

from components.recipes.recipe import Recipe


def stage_order(recipe: Recipe) -> list[tuple[str, ...]]:
    """Groups of stages, parents first; the stages of a group read nothing of each other and run side by side."""
    return [
        ("code",),
        tuple(f"validate@{source}" for source in recipe.sources),
        *((name,) for name in ("admit", "assemble", "judge", "start")),
        *((f"train@{name}",) for name in recipe.curriculum),
        ("predict",),
        ("evaluate",),
    ]


def stage_list(recipe: Recipe) -> list[str]:
    """The same, flat."""
    return [stage for group in stage_order(recipe) for stage in group]
