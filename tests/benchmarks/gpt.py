"""How fast the language model is trained and sampled, at the laptop preset on one CPU core.

Compared are: cached sampling with nanoGPT's sampler, which computes the whole window for each
token; sampling and training with Hugging Face's GPT-2 of the same size, weights, dropout, batch
and optimizer; training in bfloat16 with float32; 64 sequences at once with 256; and training with
the machine's own largest matrix product. Each process of the experiment has one thread, and so
has this one. All sides are timed in turn, in processor seconds, so that other work on the machine
counts little; the best of several rounds each, after one round that warms up.
"""

from dataclasses import replace
from time import process_time

import torch
import torch.nn.functional as F

from collapse_lib.gpt import GPT, PRESETS, data, sample
from collapse_lib.gpt.train import Training, optimizer
from tests.gpt_reference import as_hugging_face

ROUNDS = 4
SEQUENCES = 64
STEPS = 10


def seconds(function, rounds=3):
    """Return the best time of several calls."""
    times = []
    for _ in range(rounds):
        start = process_time()
        function()
        times.append(process_time() - start)
    return min(times)


def alternately(*functions, rounds=ROUNDS):
    """Return the best time of each function, all of them called in turn."""
    for function in functions:
        function()
    times = [[seconds(function, 1) for function in functions] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


@torch.inference_mode()
def sample_uncached(model, prompts, length, generator):
    """Sample as nanoGPT does: read the last T tokens for each one that is drawn."""
    text = prompts
    for _ in range(length):
        window = text[:, -model.config.context :]
        p = F.linear(model.hidden(window)[:, -1], model.tokens.weight).softmax(-1)
        text = torch.cat([text, torch.multinomial(p, 1, generator=generator)], dim=1)
    return text[:, prompts.shape[1] :]


def compare_with_recomputing(model):
    """Time a text of a sixth of a sequence of the experiment."""
    prompts = torch.zeros((SEQUENCES, 1), dtype=torch.int64)
    length = 3 * model.config.context
    generator = torch.Generator().manual_seed(0)
    return alternately(
        lambda: sample(model, prompts, length, generator),
        lambda: sample_uncached(model, prompts, length, generator),
        rounds=2,
    )


def compare_sequences_at_once(model):
    """Time the same text in blocks of 64 and of 256."""
    prompts = torch.zeros((256, 1), dtype=torch.int64)
    return alternately(
        lambda: sample(model, prompts, 128, 0, 64), lambda: sample(model, prompts, 128, 0, 256)
    )


def compare_precisions(preset, corpus):
    """Time steps in bfloat16 and in float32."""
    runs = [
        Training(preset.model, replace(preset.training, precision=precision), corpus, seed=0)
        for precision in ("bfloat16", "float32")
    ]
    return alternately(*(lambda run=run: [run.step() for _ in range(STEPS)] for run in runs))


def compare_sampling(model, theirs):
    """Time a text of one context, which is as far as Hugging Face goes with a cache."""
    prompts = torch.zeros((SEQUENCES, 1), dtype=torch.int64)
    length = model.config.context - 1
    generator = torch.Generator().manual_seed(0)
    options = {"do_sample": True, "top_k": 0, "use_cache": True, "pad_token_id": 0}
    options |= {"max_new_tokens": length, "min_new_tokens": length}
    mask = torch.ones_like(prompts)
    return alternately(
        lambda: sample(model, prompts, length, generator),
        lambda: theirs.generate(prompts, attention_mask=mask, **options),
    )


def compare_training(preset, corpus, theirs):
    """Time steps on batches from the same corpus with the same optimizer."""
    run = Training(preset.model, preset.training, corpus, seed=0)
    batches = torch.Generator().manual_seed(0)
    adam = optimizer(theirs, preset.training)
    theirs.train()

    def our_steps():
        for _ in range(STEPS):
            run.step()

    def their_steps():
        for _ in range(STEPS):
            inputs, targets = data.batch(
                corpus, preset.training.batch_size, preset.model.context, batches
            )
            logits = theirs(inputs).logits
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), preset.training.clip)
            adam.step()

    return alternately(our_steps, their_steps)


def operations(config):
    """Return the floating-point operations of the matrix products of one trained token.

    Two for each weight of a matrix in the forward pass and four in the backward pass;
    likewise for scores and weighted values, of which a causal model needs half.
    """
    weights = 12 * config.layers * config.width**2 + config.vocabulary_size * config.width
    attention = config.layers * config.width * config.context  # 2 products of T C / 2 each
    return 6 * (weights + attention)


def peak():
    """Return the operations per second of a large matrix product."""
    size = 2048
    matrix = torch.randn(size, size)
    return 2 * size**3 / seconds(lambda: matrix @ matrix, rounds=5)


def main():
    torch.set_num_threads(1)
    preset = PRESETS["laptop"]
    model = GPT(preset.model, torch.Generator().manual_seed(0)).eval()
    theirs = as_hugging_face(model)
    corpus = torch.randint(65, (64, 1024), generator=torch.Generator().manual_seed(0))
    print("                                        other [s]  ours [s]   ratio  aim")

    def row(name, ours, other, aim):
        print(f"{name:39} {other:9.3f} {ours:9.3f} {other / ours:7.2f} {aim:4}")

    row("sampling / nanoGPT's, no cache", *compare_with_recomputing(model), 20)
    row("sampling / Hugging Face", *compare_sampling(model, theirs), 1.3)
    row("sampling 64 at once / 256 at once", *compare_sequences_at_once(model), "")
    ours, other = compare_training(preset, corpus, theirs)
    row("training / Hugging Face", ours, other, 1.2)
    row("training in bfloat16 / in float32", *compare_precisions(preset, corpus), "")
    tokens = STEPS * preset.training.batch_size * preset.model.context
    best, reached = peak(), operations(preset.model) * tokens / ours
    print(
        f"training: {tokens / ours:,.0f} tokens a second, {reached / 1e9:.0f} of the"
        f" {best / 1e9:.0f} Gflop/s of a large matrix product: {reached / best:.0%}"
    )


if __name__ == "__main__":
    main()
