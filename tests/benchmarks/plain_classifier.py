"""What a person would write by hand: `python plain_classifier.py FOLDER`, with train.jsonl, test.jsonl and settings.

Tunes a sentence encoder in full with a linear head, and writes for every test row whether its label was right.
"""

import json
import math
import random
import sys
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

LR, HEAD_LR, BATCH, SCALE = 2e-4, 5e-3, 32, 20.0


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def vectors(model: torch.nn.Module, tokenizer: AutoTokenizer, texts: list[str]) -> torch.Tensor:
    given = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
    states, mask = model(**given).last_hidden_state, given["attention_mask"].unsqueeze(-1)
    return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)


def main(folder: Path) -> None:
    given = json.loads((folder / "settings.json").read_text())
    torch.set_num_threads(given["threads"])
    torch.manual_seed(given["seed"])
    train, test = rows(folder / "train.jsonl"), rows(folder / "test.jsonl")
    labels = sorted({row["label"] for row in train})
    tokenizer = AutoTokenizer.from_pretrained(given["model"])
    model = AutoModel.from_pretrained(given["model"])
    head = torch.nn.Linear(model.config.hidden_size, len(labels))
    optimizer = torch.optim.AdamW(
        [{"params": model.parameters(), "lr": LR}, {"params": head.parameters(), "lr": HEAD_LR}]
    )
    steps = given["epochs"] * math.ceil(len(train) / BATCH)
    pace = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps))
    )
    model.train()
    for _ in range(given["epochs"]):
        random.shuffle(train)
        for start in range(0, len(train), BATCH):
            batch = train[start : start + BATCH]
            logits = head(SCALE * vectors(model, tokenizer, [row["text"] for row in batch]))
            wanted = torch.tensor([labels.index(row["label"]) for row in batch])
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, wanted).backward()
            optimizer.step()
            pace.step()
    model.eval()
    right: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(test), 100):
            batch = test[start : start + 100]
            answers = head(SCALE * vectors(model, tokenizer, [row["text"] for row in batch])).argmax(-1)
            right += [int(labels[answer] == row["label"]) for answer, row in zip(answers.tolist(), batch, strict=True)]
    (folder / "right.json").write_text(json.dumps(right))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
