"""What is trained beside a generating model, adapters, virtual tokens or a prefix, and how it becomes part of it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, PromptTuningInit, TaskType
from torch import nn
from transformers import BitsAndBytesConfig

from tools.contract import Candidate
from tools.errors import Defect, UserFault
from tools.training import generation, machine, prefix
from tools.training.generation import Message

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

PARITY = 1e-3  # largest difference of a logit between adapters and merged model, in 32 bit
_SHOWN = 12  # names of layers in a sentence


def config_of(params: "FinetuneParameters", model: Any, tokenizer: Any) -> Any:
    """What peft adds to the model; None where every weight is trained. Raises `UserFault` for unknown layers."""
    if params.adapts:
        return LoraConfig(
            r=params.rank,
            lora_alpha=params.alpha or 2 * params.rank,
            target_modules=_targets(params.targets, model),
            lora_dropout=params.dropout,
            use_rslora=params.rslora,
            use_dora=params.dora,
            task_type=TaskType.CAUSAL_LM,
        )
    if params.method == "prompt_tuning":
        return PromptTuningConfig(
            task_type=TaskType.CAUSAL_LM,
            num_virtual_tokens=params.virtual_tokens,
            prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB,
        )
    if params.method == "prefix_tuning":
        return PrefixTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=params.virtual_tokens)
    return None


def _targets(wanted: tuple[str, ...], model: Any) -> str | list[str]:
    if not wanted:
        return "all-linear"
    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not model.get_output_embeddings()
    ]
    unknown = [end for end in wanted if not any(name == end or name.endswith(f".{end}") for name in linear)]
    if unknown:
        known = ", ".join(sorted({name.rpartition(".")[2] for name in linear})[:_SHOWN])
        raise UserFault(f"targets: the model has no linear layer called {', '.join(unknown)}; it has {known}.")
    return list(wanted)


def require_gpu(candidate: Candidate) -> None:
    """Raises `UserFault` where torch finds no GPU."""
    if not torch.cuda.is_available():
        raise UserFault(machine.NEEDS_GPU.format(model=candidate.name))


def four_bits() -> Any:
    """NF4 with double quantization, computing in bfloat16 (Dettmers et al. 2023, section 3). Not seen on a GPU yet."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def merge(adapted: Any, tokenizer: Any, prompts: list[str]) -> tuple[Any, float]:
    """The model with its adapters merged in, and the largest difference of a logit that made. `adapted` is used up."""
    adapted.eval()
    batch = _batch(tokenizer, prompts, adapted)
    kept = batch["attention_mask"].bool()
    with torch.inference_mode():
        before = adapted(**batch).logits[kept]
        merged = adapted.merge_and_unload().eval()
        after = merged(**batch).logits[kept]
    return merged, _alike(before, after, "Merging the adapters")


def bake(adapted: Any, tokenizer: Any, conversations: list[list[Message]]) -> tuple[Any, float]:
    """Write learnt virtual tokens into vocabulary and chat template, so that any program can use the model.

    They become the first tokens of every conversation, which is where training put them. The output layer gets rows
    of its own for them, copies of the padding token's, so that none is ever the likeliest.
    """
    adapted.eval()
    base = adapted.get_base_model().eval()
    learnt = adapted.get_prompt_embedding_to_save(adapter_name="default")
    ids = [generation.encode(tokenizer, conversation) for conversation in conversations]
    with torch.inference_mode():
        before = torch.stack([_last(adapted, row) for row in ids])
    names = [f"<|virtual-{number}|>" for number in range(len(learnt))]
    tokenizer.add_special_tokens({"additional_special_tokens": names}, replace_extra_special_tokens=False)
    tokenizer.chat_template = "{{- '" + "".join(names) + "' -}}" + tokenizer.chat_template
    _extend(base, learnt, tokenizer)
    ids = [generation.encode(tokenizer, conversation) for conversation in conversations]
    with torch.inference_mode():
        after = torch.stack([_last(base, row) for row in ids])
    return base, _alike(before, after[:, : before.shape[1]], "Writing the virtual tokens into the model")


def keep_prefix(adapted: Any, tokenizer: Any, conversations: list[list[Message]], folder: Path) -> tuple[Any, float]:
    """Write a learnt prefix beside the model, and answer with it as a loaded model does."""
    adapted.eval()
    adapted.save_pretrained(folder)
    base = adapted.get_base_model().eval()
    ids = [generation.encode(tokenizer, conversation) for conversation in conversations]
    with torch.inference_mode():
        before = torch.stack([_last(adapted, row) for row in ids])
        prefix.attach(base, folder)
        after = torch.stack([_last(base, row) for row in ids])
    return base, _alike(before, after, "Keeping the prefix beside the model")


def _extend(model: Any, learnt: Any, tokenizer: Any) -> None:
    """Embeddings and output rows for the tokens that were added at the end of the vocabulary."""
    with torch.no_grad():
        embeddings = model.get_input_embeddings().weight[: len(tokenizer) - len(learnt)]
        head = model.get_output_embeddings().weight[: len(tokenizer) - len(learnt)]
        copies = head[tokenizer.pad_token_id].expand(len(learnt), -1)
        inputs = nn.Embedding(len(tokenizer), head.shape[1], dtype=head.dtype, device=head.device)
        inputs.weight.copy_(torch.cat([embeddings, learnt.to(embeddings)]))
        outputs = nn.Linear(head.shape[1], len(tokenizer), bias=False, dtype=head.dtype, device=head.device)
        outputs.weight.copy_(torch.cat([head, copies]))
    model.config.tie_word_embeddings = False
    model.config.vocab_size = len(tokenizer)
    model.set_input_embeddings(inputs)
    model.set_output_embeddings(outputs)


def _batch(tokenizer: Any, prompts: list[str], model: Any) -> Any:
    batch = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    batch.pop("token_type_ids", None)
    return batch


def _last(model: Any, ids: list[int]) -> torch.Tensor:
    row = torch.tensor([ids], device=model.device)
    last: torch.Tensor = model(input_ids=row, attention_mask=torch.ones_like(row)).logits[0, -1].float()
    return last


def _alike(before: torch.Tensor, after: torch.Tensor, what: str) -> float:
    gap = float((before - after).abs().max())
    if not math.isfinite(gap) or gap > max(PARITY, PARITY * float(before.abs().max())):
        raise Defect(f"{what} changed the model's answers (a logit by {gap:.2g}).")
    return gap
