"""The plan as a person and a program read it."""

import json
from dataclasses import replace

from components.recipes.shipped import read_shipped
from components.training.forecast.forecast import forecast
from components.training.forecast.found import Machine
from flows.cli.plan_screen import count_text, show_plan
from flows.plan import Plan
from tests.frozen_interface import PLAN_KEYS

MACHINE = Machine(kind="gpu", ram_bytes=2 * 10**12, gpus=8, gpu_bytes=85 * 10**9)


def plan() -> Plan:
    found = forecast(read_shipped("unimedvl-14b"), "unified", MACHINE)
    return Plan(
        stages=("train@foundation", "train@unified"),
        reasons={"train@unified": "output checkpoints/unified missing"},
        affected=("train@unified",),
        judged=False,
        seconds=3661.0,
        disk_bytes=10**9,
        trainings=(replace(found, epochs={"fundus": 2.5}),),
    )


def test_counts_are_read_at_a_glance() -> None:
    assert [count_text(n) for n in (640, 144_489, 2_630_000, 14_575_018_464, 1.8e12)] == [
        *("640", "144 489", "2.63 million", "14.6 billion", "1.8 trillion")
    ]


def test_a_person_reads_what_each_training_takes(capsys) -> None:
    show_plan(plan(), as_json=False)
    said = capsys.readouterr().err
    for words in (
        "14.2 billion",
        "8 GPUs of 85.0 GB",
        "an order of size",
        "passes of unified: fundus 2.5",
        "1 h 01 min",
    ):
        assert words in said, words
    assert "not made yet" in said


def test_a_program_reads_the_frozen_fields(capsys) -> None:
    show_plan(plan(), as_json=True)
    said = json.loads(capsys.readouterr().out)
    training = said["training"][0]
    assert set(said) == set(PLAN_KEYS)
    assert {f"training.{key}" for key in training} | {
        f"training.{key}.{inner}"
        for key in ("parameters", "bytes_per_rank", "forward_tokens", "machine", "disk")
        for inner in training[key]
    } == set(PLAN_KEYS["training"])
    sizes = training["bytes_per_rank"]
    parts = sum(size for part, size in sizes.items() if part not in ("total", "host", "offloaded"))
    assert sizes["total"] + sizes["host"] == parts
