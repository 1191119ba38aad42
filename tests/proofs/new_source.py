"""`make prove ONLY=new_source`: ten steps instead of the recipe's are said to have added nothing; then the default corpus's
champion gets one new source, and the run that takes it in, in which it has a weight, learns to answer its questions without
forgetting others.

The source is a hologram of a living cell out of scikit-image (CC0), cut into tiles: microscopy, of which the default corpus and
the start that it trains from show nothing. Tiles left of the cell's middle train, those right of it are held out; it is one cell
all the same, so the figure says that a run takes a new kind of image in, not how well it knows that kind.
"""

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from skimage import data

from components.evaluation.decision_table import Row, Table, decision_table
from components.evaluation.endpoints import ANSWERS
from components.evaluation.exam import scores_folder
from components.evaluation.gain import NOTHING
from components.recipes.recipe import read_recipe
from components.registry.rules import failed
from components.registry.verdict import Facts, verdict
from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from tests.fixtures.micro import run_unimed
from tests.proofs.outcome import FAILED, PASSED

SOURCE, MODALITY = "cells", "microscopy"
SIDE = 66
"""Pixels of a tile; one beside the other."""
MIDDLE, BETWEEN = 426, 16
"""Column of the cell's middle, and how wide a strip around it is on neither side."""
LEARNT = "left"
POINTS = 0.20
"""What the new source's questions must gain."""
WEIGHT = 6.0
"""Times its share that the new source is drawn: by itself it would be shown a quarter of its questions."""
FEW = {"foundation": 3, "instruction": 3, "unified": 4}
"""Steps of a run that can teach nothing."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="a finished one, which goes on; without it one is made")
    parser.add_argument("--only", choices=("few", "source"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unimed-new-source-") as folder:
        workspace = Workspace((arguments.workspace or Path(folder) / "w").absolute())
        if not arguments.workspace:
            run_unimed("init", str(workspace.root))
            run_unimed("retrain", cwd=workspace.root)
        few = arguments.only == "source" or few_steps(workspace)
        if arguments.only == "few":
            return PASSED if few else FAILED
        before = champion(workspace)
        lay_tiles(Path(folder) / SOURCE)
        run_unimed(
            "data", "add", SOURCE, "--path", str(Path(folder) / SOURCE), "--format", "images", cwd=workspace.root
        )
        take_in(workspace)
        said = json.loads(run_unimed("retrain", "--promote", "approve", "--json", cwd=workspace.root))
        return PASSED if judge(workspace, before, said["weights_sha256"]) and few else FAILED


def few_steps(workspace: Workspace) -> bool:
    """Whether the report of a run of a few steps says that it added nothing; the recipe is as before afterwards."""
    kept = workspace.params.read_text()
    params = load_yaml(workspace.params)
    for stage, steps in FEW.items():
        params["curriculum"][stage] |= {"steps": steps, "warmup_steps": 0}
    workspace.params.write_text(dump_yaml(params))
    run_unimed("retrain", "--promote", "never", cwd=workspace.root)
    said = json.loads((workspace.evaluation / "scores" / "gain.json").read_text())["said"]
    print(f"{sum(FEW.values())} steps: {said}", flush=True)
    workspace.params.write_text(kept)
    return said.startswith(NOTHING)


def lay_tiles(folder: Path) -> None:
    """The tiles as files, with what the files do not say."""
    picture = data.cell()
    rows = [("*", "modality", MODALITY), ("*", "anatomy", "unknown"), ("*", "licence", "CC0 (scikit-image)")]
    for side, left in tiles(picture.shape[1]):
        (folder / side).mkdir(parents=True, exist_ok=True)
        for top in range(0, picture.shape[0] - SIDE + 1, SIDE):
            tile = picture[top : top + SIDE, left : left + SIDE]
            Image.fromarray(tile).save(folder / side / f"{left:03}-{top:03}.png")
    rows += [(f"{side}/", "subject", f"cell-{side}") for side in (LEARNT, "right")]
    with (folder / "labels.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([("file", "fact", "value"), *rows])


def tiles(width: int) -> Iterator[tuple[str, int]]:
    """(side, left edge) of each column of tiles: away from the middle, so that both sides have their part of the cell."""
    yield from ((LEARNT, left) for left in range(MIDDLE - BETWEEN // 2 - SIDE, -1, -SIDE))
    yield from (("right", left) for left in range(MIDDLE + BETWEEN // 2, width - SIDE + 1, SIDE))


def take_in(workspace: Workspace) -> None:
    """Name the right side's tiles for the exam, and give the source a weight."""
    params = load_yaml(workspace.params)
    params["assembly"]["splits"]["test"][SOURCE] = ["cell-right"]
    params["training"]["source_weight"] = {SOURCE: WEIGHT}
    workspace.params.write_text(dump_yaml(params))


def champion(workspace: Workspace) -> str:
    """The weights' sha256 of the champion."""
    versions = json.loads(run_unimed("models", "--json", cwd=workspace.root))
    (found,) = (version["weights_sha256"] for version in versions if "champion" in version["aliases"])
    return found


def judge(workspace: Workspace, before: str, after: str) -> bool:
    """Whether the new source's questions gained and nothing else lost: the gate's comparison of the champion and the version that knows the new source, on the exam that has its questions."""
    recipe = read_recipe(workspace.params)
    sides = [scores_folder(workspace, recipe, weights) for weights in (after, before)]
    table = decision_table(*sides, cluster=recipe.gate.cluster, demonstrative=recipe.gate.demonstrative)
    new = table.row(f"{ANSWERS} source={SOURCE}")
    worse = [one for one in failed(verdict(table, recipe.gate, Facts()).ruled) if one.ask != "floor"]
    show(table)
    for one in worse:
        print(one.why)
    if new is None or new.champion is None or new.difference is None:
        print(f"the exam asks nothing about {SOURCE}")
        return False
    print(
        f"{SOURCE}: {new.champion:.3f} before, {new.challenger:.3f} after, {new.difference:+.3f} on {new.items} questions "
        f"about {new.units} images; of the rest {len(worse)} rows worse"
    )
    return new.difference >= POINTS and not worse


def show(table: Table) -> None:
    """The rows of answers and drawings, both sides."""

    def line(row: Row) -> str:
        apart = "" if row.low is None else f" ({row.low:+.3f} to {row.high:+.3f})"
        return f"{row.name:44} {row.champion!s:>8} {row.challenger!s:>8} {row.difference!s:>8}{apart}"

    for row in table.rows:
        if row.kind == "capability" or f"source={SOURCE}" in row.subgroup:
            print(line(row))


if __name__ == "__main__":
    sys.exit(main())
