"""Hugging Face's GPT-2 with our weights; needs transformers, a package of the extra `dev`."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel

PARTS = {
    "norm_1": "ln_1",
    "attention.queries_keys_values": "attn.c_attn",
    "attention.out": "attn.c_proj",
    "norm_2": "ln_2",
    "mlp.0": "mlp.c_fc",
    "mlp.2": "mlp.c_proj",
}


def as_hugging_face(ours):
    """Return a `GPT2LMHeadModel` that computes what a `GPT` does."""
    config = ours.config
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocabulary_size,
            n_positions=config.context,
            n_embd=config.width,
            n_layer=config.layers,
            n_head=config.heads,
            embd_pdrop=config.dropout,
            attn_pdrop=config.dropout,
            resid_pdrop=config.dropout,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    state = ours.state_dict()
    weights = {
        "transformer.wte.weight": state["tokens.weight"],
        "lm_head.weight": state["tokens.weight"],
        "transformer.wpe.weight": state["positions.weight"],
        "transformer.ln_f.weight": state["norm.weight"],
        "transformer.ln_f.bias": state["norm.bias"],
    }
    for layer in range(config.layers):
        for mine, other in PARTS.items():
            for kind in ("weight", "bias"):
                value = state[f"blocks.{layer}.{mine}.{kind}"]
                # Theirs multiplies by the matrix, ours by its transpose.
                weights[f"transformer.h.{layer}.{other}.{kind}"] = (
                    value.T if value.ndim > 1 else value
                )
    with torch.no_grad():
        theirs.load_state_dict(weights)
    return theirs.eval()
