from dataclasses import replace
from pathlib import Path

import pytest

from components.recipes.recipe import read_recipe
from components.recipes.shipped import SHIPPED, read_shipped, shipped_graph, shipped_recipe
from components.recipes.training import SideRange
from components.storage.yaml_files import dump_yaml, load_yaml, parse_yaml


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = shipped_recipe("tiny")
    assert old in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new))
    return path


def test_the_14b_recipe_states_the_published_curriculum():
    recipe = read_shipped("unimedvl-14b")
    assert [stage.steps for stage in recipe.curriculum.values()] == [85_000, 120_000, 70_000]
    assert [stage.learning_rate for stage in recipe.curriculum.values()] == [5e-5, 2.5e-5, 1e-5]
    assert recipe.curriculum["foundation"].mixture == {"text": 5, "t2i": 25, "i2t": 75, "interleaved": 0}
    assert [stage.room(recipe.training) for stage in recipe.curriculum.values()] == [18_500, 20_000, 27_000]
    assert {stage.vit_side.max_pixels for stage in recipe.curriculum.values()} == {2_007_040}
    words, edits = recipe.evaluation.drawing.of_words(), recipe.evaluation.drawing.of_edits()
    assert (words.text_guidance, words.image_guidance, words.guidance_interval, words.renorm) == (
        4,
        1,
        (0.4, 1),
        "global",
    )
    assert (edits.text_guidance, edits.image_guidance, edits.guidance_interval) == (4, 2, (0, 1))
    assert edits.renorm == "text_channel" and (words.grid_points, edits.grid_points) == (50, 50)
    assert recipe.model.is_published_form


def test_the_repository_is_a_tiny_workspace():
    root = Path(__file__).parents[3]
    assert (root / "params.yaml").read_text() == shipped_recipe("tiny")
    assert (root / "dvc.yaml").read_text() == shipped_graph()


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path):
    path = edited(tmp_path, "noised_copies:", "noised_copys:")
    with pytest.raises(
        ValueError, match=r"params.yaml: unknown key 'training.noised_copys'; did you mean 'noised_copies'\?"
    ):
        read_recipe(path)


def test_an_unknown_key_of_a_side_that_may_be_left_out_is_refused_too(tmp_path):
    path = edited(tmp_path, "    pixel_patch: 4", "    pixel_patches: 4")
    with pytest.raises(ValueError, match=r"unknown key 'model.vae.pixel_patches'; did you mean 'pixel_patch'\?"):
        read_recipe(path)


@pytest.mark.parametrize("side", ["vit", "vae"])
def test_a_recipe_trains_both_sides(tmp_path, side):
    values = parse_yaml(shipped_recipe("tiny"), "tiny")
    values["model"][side] = None
    path = tmp_path / "params.yaml"
    path.write_text(dump_yaml(values))
    with pytest.raises(ValueError, match=rf"model.{side} is null, but a recipe trains and evaluates both sides"):
        read_recipe(path)


def test_everything_wrong_is_listed_at_once(tmp_path):
    path = edited(tmp_path, "  threads: 2", "  threads: two")
    path.write_text(path.read_text().replace("stop_above: 0.5", "stop_above: 7"))
    with pytest.raises(ValueError) as caught:
        read_recipe(path)
    assert "compute.threads" in str(caught.value) and "validation.stop_above must be in (0, 1], got 7" in str(
        caught.value
    )


def test_a_stage_cannot_come_before_its_parent(tmp_path):
    path = edited(tmp_path, "parent: foundation", "parent: unified")
    with pytest.raises(ValueError, match=r"curriculum.instruction.parent is 'unified', not an earlier stage"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("experts", "scale", "message"),
    [
        ("moe", 0.0, r"curriculum.unified.freeze_und needs .*llm.experts is 'moe', set it to mot$"),
        ("mot", 0.1, r"freeze_und freezes the ViT too, but vit_learning_rate_scale is 0.1; set it to 0$"),
    ],
)
def test_freezing_the_und_side_is_refused_where_it_could_not_be_kept(tmp_path, experts, scale, message):
    values = parse_yaml(shipped_recipe("tiny"), "tiny")
    values["model"]["llm"]["experts"] = experts
    values["curriculum"]["unified"] |= {"freeze_und": True, "vit_learning_rate_scale": scale}
    path = tmp_path / "params.yaml"
    path.write_text(dump_yaml(values))
    with pytest.raises(ValueError, match=message):
        read_recipe(path)


def test_yaml_is_read_as_dvc_reads_it(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("rate: 5e-5\nflag: on\n")
    assert load_yaml(path) == {"rate": 5e-5, "flag": "on"}


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: [1,\n")
    with pytest.raises(ValueError, match=r"x.yaml is not YAML"):
        load_yaml(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_no_key_is_invisible_to_dvcs_run_cache(name):
    """A map entry called size or nfiles is not seen by DVC's run-cache (dvc issue 10296)."""

    def keys(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    assert not {"size", "nfiles"} & set(keys(parse_yaml(shipped_recipe(name), name)))


def test_an_unknown_key_inside_a_list_is_found_as_anywhere_else(tmp_path):
    path = tmp_path / "params.yaml"
    text = shipped_recipe("tiny")
    path.write_text(text + "  rules: [{floor: control/image}, {not_worse: answers/*, margn: 0.1}]\n")
    with pytest.raises(ValueError, match=r"unknown key 'gate.rules.1.margn'; did you mean 'margin'\?"):
        read_recipe(path)


def test_rules_of_the_gate_are_read_from_the_recipe(tmp_path):
    path = tmp_path / "params.yaml"
    text = shipped_recipe("tiny")
    path.write_text(text + "  rules: [{not_worse: 'answers/*', margin: 0.05}]\n  retired: {stain: no longer made}\n")
    gate = read_recipe(path).gate
    assert [(rule.ask, rule.rows, rule.margin) for rule in gate.rules] == [("not_worse", "answers/*", 0.05)]
    assert gate.retired == {"stain": "no longer made"}


@pytest.mark.parametrize(
    ("source", "sha256", "message"),
    [
        ("shipped:tiny-1", "", r"start.source 'shipped:tiny-1' needs .* start.sha256 of 64 hexadecimal digits, got ''"),
        ("shipped:../weights", "0" * 64, r"needs a name of lower case letters, digits and dashes"),
        ("train", "0" * 64, r"start.sha256 belongs to a shipped start, but start.source is 'train'; remove it"),
    ],
)
def test_a_start_of_ours_is_named_with_its_hash(tmp_path, source, sha256, message):
    values = parse_yaml(shipped_recipe("tiny-scratch"), "tiny-scratch")
    values["start"] |= {"source": source, "sha256": sha256}
    path = tmp_path / "params.yaml"
    path.write_text(dump_yaml(values))
    with pytest.raises(ValueError, match=message):
        read_recipe(path)


def test_what_an_edit_leaves_out_is_as_in_drawings_from_words():
    drawing = read_shipped("tiny").evaluation.drawing
    plain = replace(drawing, guidance_interval=(0.2, 0.9), renorm="channel", renorm_min=0.3, grid_points=7)
    own = replace(plain, edit_guidance_interval=(0.0, 1.0), edit_renorm_min=0.0, edit_grid_points=9)
    assert plain.of_edits() == replace(plain, text_guidance=plain.edit_guidance)
    found = own.of_edits()
    assert (found.guidance_interval, found.renorm, found.renorm_min, found.grid_points) == ((0, 1), "channel", 0.0, 9)
    assert own.of_words().guidance_interval == (0.2, 0.9)
    assert own.one_step().of_edits().grid_points == own.one_step().of_words().grid_points == 2


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"edit_grid_points": 1}, "drawing.edit_grid_points must be at least 2"),
        ({"edit_guidance_interval": (0.5, 0.5)}, "drawing.edit_guidance_interval must satisfy"),
        ({"edit_timestep_shift": 0.0}, "drawing.edit_timestep_shift must be above 0"),
        ({"renorm_min": 1.5}, "drawing.renorm_min must be from 0 to 1"),
        ({"edit_renorm_min": -0.1}, "drawing.edit_renorm_min must be from 0 to 1"),
        ({"side": 8}, "drawing.side must be at least 16 pixels, got 8"),
    ],
)
def test_numbers_of_drawing_outside_their_range_are_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        replace(read_shipped("tiny").evaluation.drawing, **numbers)


def test_a_drawing_of_a_size_that_the_network_never_learns_is_refused():
    recipe = read_shipped("unimedvl-14b")
    larger = replace(recipe.evaluation, drawing=replace(recipe.evaluation.drawing, side=2048))
    with pytest.raises(ValueError, match=r"drawing.side is 2048, outside of curriculum.unified.vae_side, 32 to 1024"):
        replace(recipe, evaluation=larger)


def test_a_stage_has_the_room_of_training_or_its_own():
    recipe = read_shipped("tiny")
    stage = recipe.curriculum["unified"]
    assert stage.room(recipe.training) == recipe.training.tokens_per_sequence
    assert replace(stage, tokens_per_sequence=77).room(recipe.training) == 77
    with pytest.raises(ValueError, match="tokens_per_sequence must be at least 1, got 0"):
        replace(stage, tokens_per_sequence=0)


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"min": 64, "max": 32}, "1 <= min <= max, got min 64, max 32"),
        ({"min": 64, "max": 128, "max_pixels": 4095}, "max_pixels is 4095, less than a square of the shortest side 64"),
    ],
)
def test_sides_that_no_image_can_have_are_refused(sides, message):
    with pytest.raises(ValueError, match=message):
        SideRange(**sides)
