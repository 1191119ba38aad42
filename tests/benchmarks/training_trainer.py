"""The loop beside transformers' Trainer: the same texts, packed by us, padded by it, through decoders of one size."""

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from components.training.batches import MicroBatch
from components.training.loop import fit
from components.training.world import World
from model.packed import PackedSequence
from model.sequence_builder import SequenceBuilder
from tests.benchmarks import network
from tests.benchmarks.contest import Contest, rate
from tests.benchmarks.figures import Figure
from tests.benchmarks.peers import peer
from tests.benchmarks.training_loop import CPU, START, TURNS, Memory, Nothing, stage_of
from tests.components.training.memory import learner

PER_STEP = 8
SHORTEST, MIDDLE, LONGEST, SPREAD = 16, 120, 1024, 0.9
"""Tokens of a text: a logarithm that is normal, as lengths of answers beside reports are, cut at both ends."""


def beside_trainer(steps: int) -> Iterator[Figure]:
    """Ours with average and clipping, theirs as it comes; both AdamW in fp32, both as many texts a step."""
    if peer("accelerate") is None:
        return
    texts = _texts(PER_STEP * steps)
    for grouped in (False, True):
        yield _contest(texts, steps, grouped).run(TURNS)


def _texts(count: int) -> list[list[int]]:
    lengths = np.random.default_rng(0).lognormal(np.log(MIDDLE), SPREAD, count).clip(SHORTEST, LONGEST).astype(int)
    return [network.text(int(length), number) for number, length in enumerate(lengths)]


def _contest(texts: Sequence[list[int]], steps: int, grouped: bool) -> Contest:
    tokens = sum(map(len, texts))
    trains, padding = _trainer(texts, steps, grouped)
    return Contest(
        name=f"training.trainer{'_by_length' if grouped else ''}",
        peer_name=f"transformers.Trainer, {'batches of like lengths' if grouped else 'as it comes'}, {padding:.0%} padding",
        unit="tokens/s",
        goal=None if grouped else 1.5,
        ours=_ours(texts, steps, tokens),
        peer=lambda: rate(tokens, trains),
    )


class Several(Memory):
    """A feed of these steps in turn."""

    def __init__(self, sequences: Sequence[PackedSequence]) -> None:
        steps = [[MicroBatch(one, torch.zeros(0), torch.zeros(0, network.CONFIG.latent_dim))] for one in sequences]
        super().__init__(steps[0])
        self._steps = itertools.cycle(steps)

    def next_step(self) -> Sequence[MicroBatch]:
        return next(self._steps)


def _ours(texts: Sequence[list[int]], steps: int, tokens: int) -> Callable[[], float]:
    student = learner(network.CONFIG, World(), CPU)
    feed = Several([_packed(texts[at : at + PER_STEP]) for at in range(0, len(texts), PER_STEP)])

    def loop() -> None:
        assert fit(student, feed, stage_of(steps), START, hooks=[], keeper=Nothing(), should_stop=lambda: False)

    return lambda: rate(tokens, loop)


def _packed(texts: Sequence[list[int]]) -> PackedSequence:
    builder = SequenceBuilder(network.SPECIAL, network.CONFIG)
    for ids in texts:
        builder.start_sample()
        builder.add_text(ids, supervised=True)
        builder.end_sample()
    return builder.build()


def _trainer(texts: Sequence[list[int]], steps: int, grouped: bool) -> tuple[Callable[[], object], float]:
    """Trains once through the texts; and which share of what it computes is padding."""
    from transformers import PrinterCallback, Trainer, TrainingArguments

    seen, real = 0, 0

    def padded(rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        nonlocal seen, real
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(one) for one in ids], batch_first=True)
        seen, real = seen + mask.numel(), real + int(mask.sum())
        inputs = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
        return {"input_ids": inputs, "attention_mask": mask, "labels": inputs.masked_fill(mask == 0, -100)}

    rows = [{"input_ids": ids, "length": len(ids)} for ids in texts]
    model = network.peer_network()

    def train() -> None:
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=PER_STEP,
                max_steps=steps,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
                use_cpu=True,
                remove_unused_columns=False,
                train_sampling_strategy="group_by_length" if grouped else "random",
            )
            trainer = Trainer(model, settings, data_collator=padded, train_dataset=rows)  # type: ignore[arg-type]
            trainer.remove_callback(PrinterCallback)
            trainer.train()

    train()
    return train, 1 - real / seen
