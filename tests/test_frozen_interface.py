"""Commands, recipe keys, version tags and fields that programs print, frozen: changing one is a decision, made by changing this list."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from components.recipes.recipe import Recipe
from tests.benchmarks.figures import FIELDS

ROOT = Path(__file__).parents[1]

COMMANDS = {
    "approve": ["--accept", "--dry-run", "--evidence", "--json", "--why", "version"],
    "ask": ["--image", "--json", "--model", "image", "question"],
    "compare": ["--json", "a", "b"],
    "data accept": ["--json", "--why", "source"],
    "data add": ["--dry-run", "--format", "--json", "--keep", "--path", "--patients", "name"],
    "data check": ["--data-docs", "--format", "--json", "--limit", "--path", "name"],
    "data export": ["--json", "--split", "folder"],
    "data list": ["--json"],
    "data patients": ["--dry-run", "--issuer", "--json", "--namespace", "--strip-zeros", "name"],
    "data remove": ["--dry-run", "--json", "--patient", "--why", "name"],
    "data review": ["--accept", "--json", "--reject", "--why", "source"],
    "data show": ["--image", "--json", "identity"],
    "data stats": ["--json"],
    "data texts": ["--json", "--out", "source"],
    "doctor": ["--copy", "--json", "--repair"],
    "down": [],
    "draw": ["--json", "--model", "--out", "--seed", "words"],
    "evaluate": ["--json", "model"],
    "edit": ["--json", "--model", "--out", "--seed", "image", "words"],
    "gate": ["--dry-run", "--json", "--version"],
    "gc": ["--dry-run", "--json"],
    "init": ["--dry-run", "--json", "--recipe", "folder"],
    "lineage": ["--json", "version"],
    "logs": ["--follow", "--lines", "stage"],
    "models": ["--json"],
    "promote": ["--dry-run", "--json", "--why", "version"],
    "registry approvers": ["--json", "--why", "count"],
    "registry backup": ["--json", "folder"],
    "registry log": ["--json"],
    "registry restore": ["--force", "--json", "folder"],
    "registry settle": ["--json", "--why", "what"],
    "retrain": ["--dry-run", "--json", "--promote", "--recipe", "--set", "--switch"],
    "rollback": ["--dry-run", "--json", "--why"],
    "schedule": ["--cron", "--dry-run", "--json", "--name", "--pool", "--promote", "--timezone"],
    "schedules": ["--dry-run", "--json", "action", "name"],
    "status": ["--json"],
    "up": ["--detach", "--json"],
    "verify": ["--json", "version"],
    "weights export": ["--dry-run", "--dtype", "--json", "target", "what"],
    "weights import": [
        *("--dry-run", "--dtype", "--into", "--json", "--llm", "--qk-norm", "--seed", "--vae", "--vit", "source"),
    ],
    "weights pack": ["--into", "--json", "name"],
    "withdraw": ["--dry-run", "--json", "--why", "version"],
}

RECIPE_KEYS = {
    "assembly.alignment.keep",
    "assembly.alignment.scorer",
    "assembly.benchmark_captions",
    "assembly.benchmark_drawings",
    "assembly.benchmark_edits",
    "assembly.benchmark_items",
    "assembly.caption_characters",
    "assembly.caption_samples",
    "assembly.captions_per_record",
    "assembly.drawing_samples",
    "assembly.drawings_per_record",
    "assembly.edit_samples",
    "assembly.edits",
    "assembly.edits_per_record",
    "assembly.excluded_patients",
    "assembly.image_side",
    "assembly.licences.refuse",
    "assembly.max_shard_bytes",
    "assembly.most_per_image",
    "assembly.most_per_patient",
    "assembly.question_turns",
    "assembly.question_turns_per_record",
    "assembly.questions.*.forms",
    "assembly.questions.*.weight",
    "assembly.splits.by",
    "assembly.splits.slabs.*.guard",
    "assembly.splits.slabs.*.high",
    "assembly.splits.slabs.*.low",
    "assembly.splits.slabs.*.plane",
    "assembly.splits.slabs.*.source",
    "assembly.splits.slabs.*.split",
    "assembly.splits.slabs.*.subject",
    "assembly.splits.test",
    "assembly.splits.test_share",
    "assembly.splits.val",
    "assembly.splits.val_share",
    "assembly.square",
    "assembly.super_resolution_factor",
    "assembly.turns_per_sample",
    "compute.attention",
    "compute.copies",
    "compute.gradient_checkpointing",
    "compute.grace_seconds",
    "compute.hang_seconds",
    "compute.loaders",
    "compute.missing_workers",
    "compute.offload",
    "compute.placement",
    "compute.precision",
    "compute.save_seconds",
    "compute.threads",
    "compute.wait_seconds",
    "compute.worker_gpu",
    "compute.worker_memory_bytes",
    "compute.workers",
    "curriculum.*.final_learning_rate",
    "curriculum.*.freeze_und",
    "curriculum.*.learning_rate",
    "curriculum.*.mixture",
    "curriculum.*.parent",
    "curriculum.*.steps",
    "curriculum.*.tokens_per_sequence",
    "curriculum.*.vae_side.max",
    "curriculum.*.vae_side.max_pixels",
    "curriculum.*.vae_side.min",
    "curriculum.*.vit_learning_rate_scale",
    "curriculum.*.vit_side.max",
    "curriculum.*.vit_side.max_pixels",
    "curriculum.*.vit_side.min",
    "curriculum.*.warmup_steps",
    "evaluation.answer_tokens",
    "evaluation.batch",
    "evaluation.caption_tokens",
    "evaluation.drawing.edit_grid_points",
    "evaluation.drawing.edit_guidance",
    "evaluation.drawing.edit_guidance_interval",
    "evaluation.drawing.edit_renorm",
    "evaluation.drawing.edit_renorm_min",
    "evaluation.drawing.edit_timestep_shift",
    "evaluation.drawing.edits",
    "evaluation.drawing.grid_points",
    "evaluation.drawing.guidance_interval",
    "evaluation.drawing.image_guidance",
    "evaluation.drawing.renorm",
    "evaluation.drawing.renorm_min",
    "evaluation.drawing.side",
    "evaluation.drawing.text_guidance",
    "evaluation.drawing.timestep_shift",
    "evaluation.judge.batch",
    "evaluation.judge.learning_rate",
    "evaluation.judge.steps",
    "evaluation.min_items",
    "evaluation.pool.*.form",
    "evaluation.pool.*.question_type",
    "evaluation.pool.*.split",
    "evaluation.resamples",
    "gate.cluster",
    "gate.demonstrative",
    "gate.kind",
    "gate.margin",
    "gate.retired",
    "gate.rules.*.at_least",
    "gate.rules.*.better",
    "gate.rules.*.floor",
    "gate.rules.*.margin",
    "gate.rules.*.no_harm",
    "gate.rules.*.not_worse",
    "gate.safety",
    "model.interpolate_positions",
    "model.latent_patch",
    "model.llm.experts",
    "model.llm.hidden_size",
    "model.llm.intermediate_size",
    "model.llm.num_heads",
    "model.llm.num_kv_heads",
    "model.llm.num_layers",
    "model.llm.qk_norm",
    "model.llm.rms_norm_eps",
    "model.llm.rope_theta",
    "model.llm.vocab_size",
    "model.max_latent_size",
    "model.residual_velocity",
    "model.vae.block_out_channels",
    "model.vae.latent_channels",
    "model.vae.latents_mean",
    "model.vae.latents_std",
    "model.vae.layers_per_block",
    "model.vae.norm_num_groups",
    "model.vae.pixel_patch",
    "model.vit.hidden_size",
    "model.vit.image_size",
    "model.vit.intermediate_size",
    "model.vit.layer_norm_eps",
    "model.vit.num_heads",
    "model.vit.num_layers",
    "model.vit.patch_size",
    "model.vit.stem",
    "model.vit_max_patches_per_side",
    "recipe",
    "registry.model",
    "seed",
    "sources.*.date_order",
    "sources.*.deidentified",
    "sources.*.format",
    "sources.*.hold_above",
    "sources.*.options",
    "sources.*.path",
    "sources.*.patient_ids.issuer",
    "sources.*.patient_ids.strip_zeros",
    "sources.*.patients",
    "sources.*.stop_above",
    "start.autoencoder.batch",
    "start.autoencoder.crop",
    "start.autoencoder.ema_decay",
    "start.autoencoder.kl_weight",
    "start.autoencoder.l1_weight",
    "start.autoencoder.learning_rate",
    "start.autoencoder.steps",
    "start.gen_key_equals_query",
    "start.image_side",
    "start.residual_scale",
    "start.sha256",
    "start.source",
    "start.vision.batch",
    "start.vision.fact_weights",
    "start.vision.learning_rate",
    "start.vision.steps",
    "start.vocabulary",
    "training.augment",
    "training.dropout.text",
    "training.dropout.vae",
    "training.dropout.vit",
    "training.edits_from_noise",
    "training.loss_weights.image",
    "training.loss_weights.text",
    "training.noised_copies",
    "training.optimizer.betas",
    "training.optimizer.ema_decay",
    "training.optimizer.eps",
    "training.optimizer.max_grad_norm",
    "training.optimizer.weight_decay",
    "training.save_every",
    "training.sequences_per_forward",
    "training.sequences_per_step",
    "training.source_power",
    "training.source_weight",
    "training.timestep_shift",
    "training.tokens_per_sequence",
    "training.turn_edits",
    "validation.hold_above",
    "validation.max_pixels",
    "validation.min_side",
    "validation.stop_above",
}

VERSION_TAGS = {
    "unimed.dataset_id",
    "unimed.decided_at",
    "unimed.decided_by",
    "unimed.decision",
    "unimed.decision_why",
    "unimed.ended",
    "unimed.evaluation_sha256",
    "unimed.git_commit",
    "unimed.git_dirty",
    "unimed.lock_entry",
    "unimed.lock_sha256",
    "unimed.log_head",
    "unimed.package",
    "unimed.parent_version",
    "unimed.processor",
    "unimed.recipe",
    "unimed.recipe_sha256",
    "unimed.registry",
    "unimed.retrain_run",
    "unimed.run_key",
    "unimed.stage",
    "unimed.state",
    "unimed.threads",
    "unimed.torch",
    "unimed.weights_sha256",
    "unimed.workspace",
    "unimed.workspace_id",
}

METRIC_KEYS = {
    *("caption/empty_rate", "caption/truncated_rate", "vqa/empty_rate", "vqa/truncated_rate"),
    *("vqa/abstained_rate", "vqa/unparsed_rate", "vqa/anatomy_macro_accuracy", "vqa/modality_macro_accuracy"),
    *(f"vqa/pool/{name}" for name in ("accuracy", "majority", "margin", "margin_low", "image_gain", "image_gain_low")),
    *(f"vqa/{form}/accuracy" for form in ("choice", "closed", "open")),
    *(f"vqa/SPLIT/TYPE/FORM/{name}" for name in ("accuracy", "likelihood_accuracy", "image_gain", "detail_gain")),
    *(
        f"caption/{part}{name}"
        for part in ("", "SPLIT/")
        for name in ("anatomy_accuracy", "exact", "modality_accuracy", "plane_accuracy", "rougel-google", "well_formed")
    ),
    *(f"t2i/{name}" for name in ("chance", "recognised", "recognised_known", "recognised_macro", "recognised_real")),
    *("t2i/recognised_reconstruction", "t2i/MODALITY/recognised"),
    *(
        f"EDIT/{part}{name}"
        for part in ("", "SPLIT/")
        for name in ("gain_over_mean_image", "gain_over_mean_image_one_step")
    ),
    *(
        f"EDIT/{part}{score}{control}"
        for part in ("", "SPLIT/")
        for score in ("psnr", "ssim")
        for control in ("", "_bicubic", "_ceiling", "_copy", "_mean_image", "_one_step")
    ),
}
"""Keys of evaluation.json and metrics.json; words in capitals stand for names that data and recipe choose."""


def metric_shape(key: str) -> str:
    """The key as METRIC_KEYS writes it."""
    benchmark, *middle, name = key.split("/")
    if benchmark == "vqa":
        middle = middle if len(middle) < 3 else ["SPLIT", "TYPE", "FORM"]
    elif benchmark == "t2i":
        middle = ["MODALITY"] * len(middle)
    else:
        middle = ["SPLIT"] * len(middle)
    first = benchmark if benchmark in ("vqa", "caption", "t2i") else "EDIT"
    return "/".join([first, *middle, name])


def commands() -> dict[str, set[str]]:
    """Command -> its options and arguments, as the command line itself knows them."""
    from typer.main import get_command

    from flows.cli.main import app

    found: dict[str, set[str]] = {}

    def walk(command: Any, name: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found[name] = {max(parameter.opts, key=len) for parameter in command.params} - {"--help"}
            return
        for key, value in inner.items():
            walk(value, f"{name} {key}".strip())

    walk(get_command(app), "")
    return found


def recipe_keys(kind: Any, prefix: str = "") -> set[str]:
    """Dotted keys of a recipe; `*` stands for the names that a recipe chooses itself."""
    if get_origin(kind) is UnionType:
        arguments = [argument for argument in get_args(kind) if argument is not NoneType]
        return set().union(*(recipe_keys(argument, prefix) for argument in arguments))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return set().union(*(recipe_keys(hints[f.name], f"{prefix}.{f.name}".strip(".")) for f in fields(kind)))
    inner = [argument for argument in get_args(kind) if is_dataclass(argument)]
    return recipe_keys(inner[-1], f"{prefix}.*") if inner else {prefix}


def version_tags() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "components" / "registry").glob("*.py"))
    return set(re.findall(r'"(unimed\.[a-z_0-9]+)"', text))


PLAN_KEYS = {
    **dict.fromkeys(
        ("stages", "reasons", "affected", "judged", "expected_seconds", "expected_disk_bytes"), frozenset[str]()
    ),
    "training": {
        *(f"training.{key}" for key in ("stage", "parameters", "ranks", "bytes_per_rank", "forward_tokens", "machine")),
        *(f"training.{key}" for key in ("fits", "would_fit", "disk", "steps", "tokens", "epochs", "seconds")),
        "training.seconds_are_measured",
        *(f"training.parameters.{key}" for key in ("trained", "frozen")),
        *(f"training.bytes_per_rank.{key}" for key in ("weights", "gradients", "moments", "average", "gathered")),
        *(
            f"training.bytes_per_rank.{key}"
            for key in ("activations", "autoencoder", "process", "state_copy", "offloaded", "total", "host")
        ),
        *(f"training.forward_tokens.{key}" for key in ("text", "labels", "vit", "latents", "targets", "is_counted")),
        *(f"training.machine.{key}" for key in ("kind", "ram_bytes", "gpus", "gpu_bytes")),
        *(f"training.disk.{key}" for key in ("state", "states", "output")),
    },
}
"""Fields of `retrain --dry-run --json`, and of each stage of the curriculum in it (held by tests/flows/cli/test_plan_screen.py)."""


def test_commands_and_their_options_are_the_frozen_ones():
    assert {name: sorted(options) for name, options in commands().items()} == {
        k: sorted(v) for k, v in COMMANDS.items()
    }


def test_recipe_keys_are_the_frozen_ones():
    assert sorted(recipe_keys(Recipe)) == sorted(RECIPE_KEYS)


def test_version_tags_are_the_frozen_ones():
    assert sorted(version_tags()) == sorted(VERSION_TAGS)


def test_fields_of_a_benchmarks_figure_are_the_frozen_ones():
    assert FIELDS == ("name", "value", "unit", "peer", "peer_value", "ratio", "goal", "met")
