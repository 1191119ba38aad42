"""What the network reads and says in inference: prepared steps, caches, contexts, answers, scores."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from model.context import Context, prefill
from model.generation import generate_text, score_text
from model.packed import PackedSequence
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL
from tests.parity import golden
from tests.parity.comparison import STATES, Comparison, Stored
from tests.parity.conversations import add_vit, asked, blank_latent, branches_of, encode, questions, tokenizer

UNDERSTANDING_TOKENS = 15


def prepared_steps() -> Iterator[Comparison]:
    stored = Stored("inference.safetensors")
    for run, grids, starts in (("text", [(4, 4)], [0]), ("batch", [(3, 4), (2, 2)], [0, 0])):
        step, builder = f"{run}.vit_prefill", SequenceBuilder(golden.SPECIAL, golden.config())
        patches = stored[f"{step}.packed_vit_tokens"].split([rows * columns for rows, columns in grids])
        for own, grid, start in zip(patches, grids, starts, strict=True):
            builder.start_sample(start)
            builder.add_vit(own, grid)
            builder.end_sample()
        packed = builder.build()
        yield from _against(stored, step, packed)
        yield stored.against(f"{step}.packed_vit_token_indexes", packed.vit_token_index)
        yield stored.against(f"{step}.packed_vit_position_ids", packed.vit_position_ids)
        step, builder = f"{run}.prompt_prefill", SequenceBuilder(golden.SPECIAL, golden.config())
        for ids in questions(stored, run):
            builder.start_sample(1)
            builder.add_text(ids, supervised=False)
            builder.end_sample()
        packed = builder.build()
        yield stored.against(f"{step}.packed_text_ids", packed.text_ids)
        yield stored.against(f"{step}.packed_text_position_ids", packed.position_ids)
        yield Comparison(
            f"{step}.text_token_lens", list(packed.sample_lens), stored[f"{step}.text_token_lens"].tolist()
        )
    step, builder = "batch_t2i.latent", SequenceBuilder(golden.SPECIAL, golden.config())
    for start, (rows, columns) in ((6, (2, 3)), (12, (4, 2))):
        builder.start_sample(start)
        builder.add_latent(torch.zeros(rows * columns, 64), (rows, columns), target=True)
        builder.end_sample()
    packed = builder.build()
    yield from _against(stored, step, packed)
    yield stored.against(f"{step}.packed_vae_token_indexes", packed.latent_token_index)
    yield stored.against(f"{step}.packed_vae_position_ids", packed.latent_position_ids)


def caches() -> Iterator[Comparison]:
    stored, runs, model = (
        Stored("inference.safetensors", without_floor=STATES),
        golden.read("inference.json"),
        golden.network(),
    )
    (context,) = asked(stored, model, "text", with_text=False)
    yield from _cache(stored, "text.after_vit", [context])
    yield _places("text.after_vit", runs, [context])
    for run in ("text", "batch"):
        contexts = asked(stored, model, run)
        yield from _cache(stored, f"{run}.after_prompt", contexts)
        yield _places(f"{run}.after_prompt", runs, contexts)
    for run in ("t2i.global", "edit.text_channel"):
        yield from _cache(stored, f"{run}.ctx_main", [branches_of(model, runs[run]["inputs"])[0]])


def contexts() -> Iterator[Comparison]:
    model = golden.network()
    for case in golden.read("inference.json")["contexts"]:
        found = branches_of(model, [text.removeprefix("@") for text in case["inputs"]], latent_of=blank_latent)
        for name, context in zip(("main", "text", "image"), found, strict=True):
            wanted = (case["kv_lens"][name], case["ropes"][name])
            yield Comparison(f"{case['inputs']}, {name}", (context.num_tokens, context.position), wanted)


def answers() -> Iterator[Comparison]:
    stored, runs, model = (
        Stored("inference.safetensors", without_floor=STATES),
        golden.read("inference.json"),
        golden.network(),
    )
    for run in ("text", "batch", "textonly"):
        contexts, wanted = asked(stored, model, run), stored[f"{run}.greedy.tokens"]
        found, logits = _greedy(contexts, len(wanted))
        yield Comparison(f"{run}.greedy.tokens", found[:, :-1].T, wanted[1:])
        yield stored.against(f"{run}.greedy.logits", logits)
    # A stop on a token that is not the usual end marker, which closed the question before.
    (context,) = asked(stored, model, "text")
    prefill([context])
    context.special = replace(context.special, end=runs["text.greedy_stop"]["end_token_id"])
    (answer,) = generate_text([context], max_new_tokens=23)
    yield Comparison(
        "text.greedy_stop", [[296], *([token] for token in answer.ids)], runs["text.greedy_stop"]["tokens"]
    )
    yield from _understanding(model, runs["inferencer.understanding"])


def likelihoods() -> Iterator[Comparison]:
    """The stored logits say what each beginning of an answer, followed by the end marker, is worth."""
    stored, model = Stored("inference.safetensors"), golden.network()
    for run in ("text", "batch", "textonly"):
        tokens, logprobs = stored[f"{run}.greedy.tokens"], stored[f"{run}.greedy.logits"].log_softmax(-1)
        lengths, columns = (0, 1, 5, len(tokens) - 1), range(tokens.shape[1])
        options = [[tokens[1 : 1 + length, column].tolist() for length in lengths] for column in columns]
        found = score_text(asked(stored, model, run), options)
        for column in columns:
            steps = logprobs[:-1, column].gather(1, tokens[1:, column, None])[:, 0]
            for length, score in zip(lengths, found[column], strict=True):
                wanted = steps[:length].sum() + logprobs[length, column, golden.SPECIAL.end]
                name = f"{run} {column}, {length} tokens"
                yield Comparison(name, torch.tensor(score), wanted, STATES * (length + 1))


def _greedy(contexts: Sequence[Context], steps: int) -> tuple[Tensor, Tensor]:
    """(ids [b, steps], logits [steps, b, vocab]) of cached generation."""
    logits: list[Tensor] = []
    head = contexts[0].model.language_model.lm_head

    def hear(_head: nn.Module, _inputs: Any, output: Tensor) -> None:
        logits.append(output)

    handle = head.register_forward_hook(hear)
    answers = generate_text(contexts, max_new_tokens=steps)
    handle.remove()
    return torch.tensor([answer.ids for answer in answers]), torch.stack(logits)


def _understanding(model: UniMedVL, run: dict[str, Any]) -> Iterator[Comparison]:
    context = Context(model, golden.SPECIAL)
    image, question = run["input"]
    add_vit(context, image)
    context.add_text(encode(question))
    (answer,) = generate_text([context], max_new_tokens=UNDERSTANDING_TOKENS)
    yield Comparison("inferencer.understanding", tokenizer().decode(answer.ids), run["text"])


def _cache(stored: Stored, name: str, contexts: Sequence[Context]) -> Iterator[Comparison]:
    for layer in range(3):
        for kind in ("key", "value"):
            found = torch.cat([getattr(context, f"{kind}s")[layer].transpose(0, 1) for context in contexts])
            yield stored.against(f"{name}.{kind}.{layer}", found)


def _places(name: str, runs: dict[str, Any], contexts: Sequence[Context]) -> Comparison:
    found = ([context.num_tokens for context in contexts], [context.position for context in contexts])
    return Comparison(f"{name}.kv_lens and ropes", found, (runs[name]["kv_lens"], runs[name]["ropes"]))


def _against(stored: Stored, step: str, packed: PackedSequence) -> Iterator[Comparison]:
    yield stored.against(f"{step}.packed_text_ids", packed.text_ids)
    yield stored.against(f"{step}.packed_text_indexes", packed.text_token_index)
    yield stored.against(f"{step}.packed_position_ids", packed.position_ids)
    yield Comparison(f"{step}.packed_seqlens", list(packed.sample_lens), stored[f"{step}.packed_seqlens"].tolist())
