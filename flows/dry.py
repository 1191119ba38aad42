"""What a retrain would do, found out without a change to a file: for `--dry-run`."""

from collections.abc import Sequence

from components.recipes.reading import read_dataclass
from components.recipes.recipe import Recipe, read_recipe
from components.storage.home import check_home, read_home
from components.storage.marks import Kept, edited
from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml
from flows.graph import check_graph
from flows.order import stage_list
from flows.plan import Plan, plan_of, stands, with_descendants

FIRST = "not made yet"
OTHER_RECIPE = "another recipe; what comes out the same is taken from the cache"
EXPERIMENT = "an experiment of its own; what comes out the same is taken from the cache"
_MAKES_DATA = ("sources.", "validation.", "assembly.", "seed")


def dry_plan(workspace: Workspace, promote: str, *, recipe: str, settings: Sequence[str], switch: bool) -> Plan:
    """The plan of `retrain` with these options.

    Raises ValueError for what a run would refuse before it makes its plan, but for what it would have to write first: raw
    data that are not delivered yet, a start that is not laid.
    """
    from components.recipes.shipped import read_shipped
    from components.sources.table import check_namespaces

    if read_home(workspace) is not None:
        check_home(workspace)
    is_other = bool(recipe) and not _is_recipe(workspace, recipe, switch=switch)
    numbers = read_shipped(recipe) if is_other else read_recipe(workspace.params)
    check_namespaces(numbers.sources)
    check_graph(workspace)
    if settings:
        keeps_data = not any(setting.startswith(_MAKES_DATA) for setting in settings)
        return _as_new(workspace, _changed(workspace, settings), EXPERIMENT, has_data=keeps_data)
    if is_other:
        return _as_new(workspace, numbers, OTHER_RECIPE, has_data=False)
    return look_ahead(workspace, numbers, promote)


def look_ahead(workspace: Workspace, recipe: Recipe, promote: str) -> Plan:
    """What `make_plan` finds, by reading alone."""
    from components.registry.summary import already_judged
    from components.sources.code_file import present_code
    from components.storage.dvc import stage_graph, stages_to_change
    from components.storage.dvc_repository import is_initialised

    if not is_initialised(workspace):
        return _as_new(workspace, recipe, FIRST, has_data=False)
    reasons = stages_to_change(workspace, present_code(workspace))
    for kept in edited(workspace):
        if not kept.in_cache:
            reasons.setdefault(_reader(recipe, workspace, kept), f"{kept.path.name} was edited in place")
    affected = with_descendants(stage_list(recipe), reasons, stage_graph(workspace, looks=True) if reasons else {})
    judged = not affected and stands(already_judged(workspace), promote)
    return plan_of(workspace, recipe, reasons, affected, judged=judged)


def _as_new(workspace: Workspace, recipe: Recipe, reason: str, *, has_data: bool) -> Plan:
    stages = [stage for stage in stage_list(recipe) if stage != "code"]
    return plan_of(workspace, recipe, dict.fromkeys(stages, reason), stages, judged=False, has_data=has_data)


def _changed(workspace: Workspace, settings: Sequence[str]) -> Recipe:
    from flows.experiment import changed_params

    return read_dataclass(Recipe, changed_params(load_yaml(workspace.params), settings), "--set")


def _is_recipe(workspace: Workspace, name: str, *, switch: bool) -> bool:
    """Whether params.yaml is this recipe; raises ValueError with the difference where it is not and nobody said --switch."""
    from flows.switching import use_recipe

    try:
        use_recipe(workspace, name, switch=False)
    except ValueError:
        if not switch:
            raise
        return False
    return True


def _reader(recipe: Recipe, workspace: Workspace, kept: Kept) -> str:
    """The stage that makes the file again, or of kept raw data the one that reads it."""
    sources = {f"validate@{name}": workspace.root / settings.path for name, settings in recipe.sources.items()}
    return next((stage for stage, folder in sources.items() if kept.path.is_relative_to(folder)), kept.stage)
