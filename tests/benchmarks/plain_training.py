"""What a person would write by hand: `python plain_training.py FOLDER`, with corpus.jsonl, tickets.jsonl and settings.

Pre-trains a small Llama, then tunes it with LoRA, both with nothing but the libraries.
"""

import json
import sys
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pretrain(folder: Path, given: dict) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer")
    torch.manual_seed(7)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), tie_word_embeddings=True, **given["sizes"]))
    stream: list[int] = []
    for ids in tokenizer([row["text"] for row in rows(folder / "corpus.jsonl")], add_special_tokens=False)["input_ids"]:
        stream += [*ids, tokenizer.eos_token_id]
    context, batch, steps = given["context"], given["batch"], given["steps"]
    blocks = torch.tensor(stream[: len(stream) // context * context]).view(-1, context)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01, betas=(0.9, 0.95))
    for step in range(steps):
        chosen = blocks[torch.randint(len(blocks), (batch,))]
        loss = model(input_ids=chosen, labels=chosen).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1.0, (step + 1) / 40, (steps - step) / (0.25 * steps))
        optimizer.step()
        optimizer.zero_grad()
    return model, tokenizer


def tune(folder: Path, given: dict, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    conversations = [
        {
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "completion": [{"role": "assistant", "content": row["completion"]}],
        }
        for row in rows(folder / "tickets.jsonl")
    ]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(folder / "out"),
            max_steps=given["tuning_steps"],
            per_device_train_batch_size=16,
            learning_rate=2e-3,
            warmup_steps=10,
            lr_scheduler_type="cosine",
            completion_only_loss=True,
            use_cpu=True,
            bf16=False,
            report_to=[],
            save_strategy="no",
        ),
        train_dataset=Dataset.from_list(conversations),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train()
    trainer.model.merge_and_unload().save_pretrained(folder / "tuned")
    tokenizer.save_pretrained(folder / "tuned")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    settings = json.loads((place / "settings.json").read_text())
    torch.set_num_threads(settings["threads"])
    tune(place, settings, *pretrain(place, settings))
