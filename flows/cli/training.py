"""`unimed retrain`: the main job."""

import shlex
import sys
import time
from typing import Annotated, Any

import typer

from flows.cli.errors import Failed, StartAgain, kept_traceback
from flows.cli.output import AsJson, DryRun, note, print_json, working
from flows.cli.plan_screen import show_plan

PROMOTE = ("gate", "approve", "never")


def add_to(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("retrain", epilog="Example: unimed retrain --promote approve")(retrain)


def retrain(
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="tiny, tiny-scratch, tiny-start, small or unimedvl-14b; refused when params.yaml is another one.",
        ),
    ] = "",
    switch: Annotated[
        bool, typer.Option("--switch", help="With --recipe: replace params.yaml by that recipe.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="An experiment: this recipe key, other value; never promoted. May be given several times.",
        ),
    ] = None,
    promote: Annotated[
        str, typer.Option("--promote", help="gate: the measured rule decides; approve: a person does; never.")
    ] = "gate",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Bring everything up to date: raw data in, a judged and perhaps promoted model version out.

    Only what changed is done again. Ctrl-C stops within seconds; the same command goes on.
    First comes what will run and what training takes: memory, disk, time. What does not fit is refused.
    """
    from components.recipes.recipe import read_recipe
    from components.storage.spans import count_imports, process_began
    from components.storage.workspace import find_workspace
    from flows.session import session

    begun = process_began()
    count_imports()
    check_promote(promote)
    workspace = find_workspace()
    if settings and recipe:
        raise ValueError("--recipe and --set exclude each other: an experiment starts from the recipe in force")
    if dry_run:
        show_dry(workspace, recipe, settings or [], promote, switch=switch, as_json=as_json)
        return
    if recipe:
        from flows.switching import use_recipe

        if changed := use_recipe(workspace, recipe, switch=switch):
            note("\n".join(changed))
            note(f"params.yaml is now the recipe {recipe}")
    if settings:
        from flows.experiment import make_experiment

        workspace = make_experiment(workspace, settings)
        promote = "never"
        note(f"experiment in {workspace.root}; it is registered without an alias and never promoted")
    numbers = read_recipe(workspace.params)
    with session(workspace, "retrain") as held:
        if held.ended_leftovers:
            note(f"ended {held.ended_leftovers} processes that a killed run had left behind")
        plan = look(workspace, numbers, promote)
        from flows.run import check_room, is_settled, send_rest

        if plan.nothing_to_do and is_settled(workspace):
            if sent := send_rest(workspace):
                note(f"sent {sent} files to the DVC remote, which did not have them yet")
            say_nothing_to_do(workspace, plan, begun, as_json=as_json)
            return
        show_plan(plan, as_json=False)
        check_room(workspace, plan)
        state = run_with_display(held, plan, promote)
    finish(workspace, state, begun, as_json=as_json)


def show_dry(workspace: Any, recipe: str, settings: list[str], promote: str, *, switch: bool, as_json: bool) -> None:
    """Say what a run would do; nothing on the disk changes. Raises ValueError where it would be refused."""
    from flows.dry import dry_plan
    from flows.run import check_room, is_settled

    with working("looking at raw data, recipe and code"):
        plan = dry_plan(workspace, promote, recipe=recipe, settings=settings, switch=switch)
    if plan.nothing_to_do and is_settled(workspace) and not as_json:
        note(plan.why_nothing)
    else:
        show_plan(plan, as_json=as_json)
    check_room(workspace, plan)


def check_promote(value: str) -> None:
    """Raise ValueError for a word that --promote does not know."""
    from components.recipes.nearest import nearest

    if value not in PROMOTE:
        raise ValueError(f"unknown --promote {value!r}{nearest(value, PROMOTE)}")


def look(workspace: Any, recipe: Any, promote: str) -> Any:
    """Deliver what is missing of the raw data and find out what there is to do."""
    from components.storage.spans import spending
    from flows.plan import make_plan
    from flows.run import prepare

    with working("looking at raw data, recipe and code"), spending("looking"):
        reports = prepare(workspace, recipe)
        plan = make_plan(workspace, recipe, promote)
    for line in reports:
        note(line)
    return plan


def run_with_display(held: Any, plan: Any, promote: str) -> Any:
    """Run the flow under the live display and return its final state."""
    from flows.cli.display import Display
    from flows.run import run

    with Display(held.workspace):
        return run(held, plan, promote)


def say_nothing_to_do(workspace: Any, plan: Any, begun: float, *, as_json: bool) -> None:
    """The short end of a run that had nothing to do."""
    from components.registry.summary import champion_summary

    if as_json:
        print_json({"state": "nothing-to-do", "message": plan.why_nothing, "ran": [], **champion_summary(workspace)})
        return
    print(plan.why_nothing + ".")
    champion = champion_summary(workspace)["champion"]
    if champion:
        print(f'champion: version {champion["version"]}. Change a file or a number, or try: unimed ask IMAGE "…"')
    note(f"({time.monotonic() - begun:.1f} s)")


def finish(workspace: Any, state: Any, begun: float, *, as_json: bool) -> None:
    """Show how the flow ended; raises StartAgain, or what a stage raised."""
    if state.name == "Interrupted":
        raise StartAgain(f"{state.message}: unimed {shlex.join(sys.argv[1:]) or 'retrain'}")
    if not state.is_completed():
        try:
            state.result()
        except ValueError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:400]
            raise Failed(f"{type(error).__name__}: {said}; {kept_traceback(error)}") from error
        raise Failed(f"the flow ended as {state.name}: {state.message}")
    from flows.cli.last_screen import collect, show

    summary = collect(workspace, state.result(), begun)
    if as_json:
        print_json(summary)
    else:
        show(summary)
