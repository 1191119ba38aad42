"""Every stored set, in the order of the network: one line of the table and one test each."""

from functools import partial

from tests.parity import drawing_sets as drawing
from tests.parity import inference_sets as inference
from tests.parity import layout_sets as layout
from tests.parity import training_sets as training
from tests.parity.comparison import ParitySet

SETS = (
    ParitySet("keys", "names and shapes of the tiny network and autoencoder, whole and without a side", layout.keys),
    ParitySet("keys published", "names and shapes of the 14.6 B network and autoencoder", layout.keys_published),
    ParitySet("tables", "position table, timestep features, shift, rotary, RMSNorm, patches", layout.fixed_tables),
    ParitySet("position ids", "2-D ids of image grids, counted and interpolated", layout.position_ids),
    ParitySet(
        "packing",
        "ten samples laid out by our builder, also interpolated",
        layout.packing,
        "no padding sample: the flex variant is compared without it",
    ),
    ParitySet(
        "packing video",
        "frames of one split, as target and as condition; mask, one noise level",
        layout.packing_video,
        "no padding sample; our recipes have no video, the builder has",
    ),
    ParitySet("masks", "who attends to whom: the batch and 12 random layouts", layout.masks),
    ParitySet("transforms", "sizes of 62 shapes x 4 counts under 9 presets", layout.transforms),
    ParitySet(
        "pixels",
        "resized pixels, alpha on white",
        layout.pixels,
        "grey of 16 bits is windowed, not clipped to white as published",
    ),
    ParitySet(
        "tokenizer",
        "token ids and texts, markers",
        layout.token_ids,
        "a marker spelled in a text is text; compared with that protection off",
    ),
    ParitySet(
        "sampler",
        "lengths of sampled rows, label weights",
        layout.sampler,
        "which row comes when is our planner's, keyed by sample, not by Python's generator",
    ),
    ParitySet("vit", "features of three images, layer by layer", training.vit),
    ParitySet(
        "vae",
        "moments, latents, pictures; the training batch encoded",
        training.autoencoder,
        "padded images are fed together as recorded; ours encodes each alone",
    ),
    ParitySet("training mot", "states of every layer, logits, velocities, losses", training.forward_mot),
    ParitySet("training moe", "the same with shared attention", partial(training.forward_of, "moe")),
    ParitySet("training dense", "the same with one expert", partial(training.forward_of, "dense")),
    ParitySet("training no qk norm", "losses without the norm of q and k", training.forward_without_qk_norm),
    ParitySet("training shift 3", "noise levels, velocities, losses", training.forward_shifted),
    ParitySet("gradients", "all 137 trained weights, and their norm", training.gradients),
    ParitySet(
        "freeze und",
        "gradients of the generation side alone",
        training.freeze_und,
        "a frozen weight has no gradient; published: zeros",
    ),
    ParitySet("bf16 training", "states, logits, velocities in bfloat16", training.bfloat16, "orders of magnitude"),
    ParitySet(
        "optimizer",
        "weights and average over three steps, clipped",
        training.optimizer,
        "fed the recorded rates: the published warm-up begins with a step at rate 0",
    ),
    ParitySet("prepared steps", "ids, places, positions of inference steps", inference.prepared_steps),
    ParitySet("caches", "keys and values after image, question, condition", inference.caches),
    ParitySet("contexts", "lengths and positions of the three contexts of 7 inputs", inference.contexts),
    ParitySet("answers", "greedy ids and logits, alone and batched; stop; text", inference.answers),
    ParitySet("likelihoods", "scores of answers, from the stored logits", inference.likelihoods),
    ParitySet("noise levels", "four grids of inference", drawing.noise_levels),
    ParitySet("t2i", "x and velocities of every step, every renorm", partial(drawing.drawings, drawing.T2I_RUNS)),
    ParitySet(
        "edit",
        "the same with two guidances, interval, two images",
        partial(drawing.drawings, drawing.EDIT_RUNS),
        "an image branch that nothing reads is skipped",
    ),
    ParitySet(
        "t2i taylorseer",
        "the same with states continued from earlier steps",
        partial(drawing.drawings, ("t2i.taylorseer",)),
    ),
    ParitySet(
        "t2i batch",
        "two prompts, two sizes in one pack",
        drawing.drawing_batch,
        "global renorm is per image: published, it mixes the samples of a batch",
    ),
    ParitySet("pictures", "condition latents, decoded pictures (levels of 255)", drawing.pictures),
    ParitySet("bf16 inference", "caches and trajectories in bfloat16", drawing.bfloat16, "orders of magnitude"),
)
