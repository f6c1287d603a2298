"""Trains the reader: whether a passage carries a written sentence, and whether it answers a question.

    python -m tools.training.reader PAIRS ENCODER TARGET

The lower layers of a packaged BERT encoder read the two texts apart and stay as they are; the upper ones read both
together with low-rank corrections (Hu et al. 2021), in the manner of PreTTR (MacAvaney et al. 2020); a head compares
each token of the claim with what it attends to in the passage (Parikh et al. 2016). What was learnt is a few megabytes
of safetensors, of which `knowledge.reader_graph` makes an ONNX graph.
"""

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

LOWER = 3  # layers that read the two texts apart
RANK = 16
SCALE = 2.0  # of a correction
WIDTH = 128
TASKS = ("supports", "answers")
CLAIM_TOKENS, PASSAGE_TOKENS = 64, 160
SHARPNESS = 10.0  # at the start, of the attention from the claim to the passage
MASKED = -1e4
_DROPPED = 0.2
_SMOOTH = 0.02  # of the labels
_BATCH = 32
_BUCKET = 16  # batches sorted by length together
_CORRECTIONS_RATE, _HEAD_RATE = 5e-4, 5e-4
_WARM = 0.1  # share of the steps
_CORRECTED = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
              "intermediate.dense", "output.dense")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence or question, a passage, and whether the passage carries or answers it."""

    task: str
    text: str
    passage: str
    holds: bool


class Corrected(nn.Module):
    """A frozen linear layer with a low-rank correction."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.randn(RANK, base.in_features) * base.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, RANK))

    def forward(self, x: Tensor) -> Tensor:
        corrected: Tensor = self.base(x) + SCALE * (x @ self.down.T @ self.up.T)
        return corrected


class Reader(nn.Module):
    """The upper layers and the head. Its `learnt` weights are what is kept."""

    def __init__(self, upper: nn.ModuleList, size: int) -> None:
        super().__init__()
        self.upper = upper
        for layer in upper:
            layer.requires_grad_(False)
            for path in _CORRECTED:
                owner, _, name = path.rpartition(".")
                parent = layer.get_submodule(owner)
                setattr(parent, name, Corrected(getattr(parent, name)))
        self.kinds = nn.Parameter(torch.zeros(len(TASKS), 2, size))  # added to the tokens of the two texts
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS))
        self.compared = nn.Linear(4 * size + 1, WIDTH)
        self.pooled = nn.Linear(2 * WIDTH + 2 * size, WIDTH)
        self.verdicts = nn.Linear(WIDTH, len(TASKS))
        self.dropout = nn.Dropout(_DROPPED)

    def forward(self, claim: Tensor, claim_mask: Tensor, passage: Tensor, passage_mask: Tensor, task: Tensor) -> Tensor:
        """Logits, [batch], from the lower layers' states of the two texts, [batch, tokens, size]."""
        kinds = self.kinds[task]
        x = torch.cat([claim + kinds[:, :1], passage + kinds[:, 1:]], 1)
        mask = torch.cat([claim_mask, passage_mask], 1)
        bias = torch.zeros(mask.shape).masked_fill(~mask, -1e9)[:, None, None]
        for layer in self.upper:
            out = layer(x, bias)
            x = out[0] if isinstance(out, tuple) else out
        return self._compare(x[:, : claim.shape[1]], claim_mask, x[:, claim.shape[1] :], passage_mask, task)

    def _compare(self, a: Tensor, a_mask: Tensor, b: Tensor, b_mask: Tensor, task: Tensor) -> Tensor:
        a, b = (functional.layer_norm(x.float(), x.shape[-1:]) for x in (a, b))
        near = functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).transpose(1, 2)
        near = near.masked_fill(~b_mask[:, None], MASKED)
        met = (near * self.sharpness.clamp(1, 50)).softmax(-1) @ b
        told = torch.cat([a, met, (a - met).abs(), a * met, 5 * near.amax(-1, keepdim=True)], -1)
        told = functional.gelu(self.compared(self.dropout(told)))
        kept = a_mask[..., None].to(told.dtype)
        pooled = [_mean(told, kept), (told + MASKED * (1 - kept)).amax(1)]
        u, v = _mean(a, kept), _mean(b, b_mask[..., None].to(b.dtype))
        hidden = functional.gelu(self.pooled(self.dropout(torch.cat([*pooled, (u - v).abs(), u * v], -1))))
        verdicts: Tensor = self.verdicts(self.dropout(hidden))
        return verdicts.gather(1, task[:, None])[:, 0]

    def learnt(self) -> dict[str, Tensor]:
        """All weights but those that came with the encoder."""
        return {name: value for name, value in self.state_dict().items() if _is_learnt(name)}


def _is_learnt(name: str) -> bool:
    return not name.startswith("upper.") or name.endswith((".down", ".up"))


def _mean(x: Tensor, kept: Tensor) -> Tensor:
    return (x * kept).sum(1) / kept.sum(1)


class Lower:
    """The lower layers' states of texts, each computed once; bfloat16, [tokens, size]."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        self._encoder, self._tokenizer = encoder, tokenizer
        self._known: dict[tuple[str, int], Tensor] = {}

    @torch.no_grad()
    def read(self, texts: Sequence[str], limit: int) -> tuple[Tensor, Tensor]:
        """The states of texts, padded, and which of them are tokens."""
        new = sorted({text for text in texts if (text, limit) not in self._known}, key=len)
        for start in range(0, len(new), _BATCH):
            part = new[start : start + _BATCH]
            fed = self._tokenizer(part, truncation=True, max_length=limit, padding=True, return_tensors="pt")
            states = self._encoder(**fed, output_hidden_states=True).hidden_states[LOWER]
            for text, state, mask in zip(part, states, fed["attention_mask"], strict=True):
                self._known[text, limit] = state[: int(mask.sum())].to(torch.bfloat16)
        rows = [self._known[text, limit].float() for text in texts]
        lengths = torch.tensor([len(row) for row in rows])
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return padded, torch.arange(padded.shape[1])[None] < lengths[:, None]


def load(encoder: Path) -> tuple[Reader, Lower]:
    """An untrained reader over the encoder in a folder."""
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(encoder, attn_implementation="eager", use_safetensors=True).eval()
    lower = Lower(model, AutoTokenizer.from_pretrained(encoder))
    return Reader(nn.ModuleList(model.encoder.layer[LOWER:]), model.config.hidden_size), lower


def fed(lower: Lower, pairs: Sequence[Pair]) -> tuple[Tensor, ...]:
    """What `Reader.forward` takes."""
    claims = lower.read([pair.text for pair in pairs], CLAIM_TOKENS)
    passages = lower.read([pair.passage for pair in pairs], PASSAGE_TOKENS)
    return *claims, *passages, torch.tensor([TASKS.index(pair.task) for pair in pairs])


@torch.no_grad()
def scores(reader: Reader, lower: Lower, pairs: Sequence[Pair]) -> list[float]:
    """The logits of pairs."""
    reader.eval()
    found = [0.0] * len(pairs)
    order = sorted(range(len(pairs)), key=lambda index: len(pairs[index].passage))
    for start in range(0, len(order), _BATCH):
        part = order[start : start + _BATCH]
        for index, logit in zip(part, reader(*fed(lower, [pairs[i] for i in part])).tolist(), strict=True):
            found[index] = logit
    return found


def train(reader: Reader, lower: Lower, pairs: Sequence[Pair], epochs: int, seed: int) -> Iterator[float]:
    """Fit the corrections and the head by AdamW with a linear decay; the mean loss of each epoch."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    learnt = {n: p for n, p in reader.named_parameters() if _is_learnt(n)}
    corrections = [p for n, p in learnt.items() if n.startswith("upper.")]
    head = [p for n, p in learnt.items() if not n.startswith("upper.")]
    optimizer = torch.optim.AdamW(
        [{"params": corrections, "lr": _CORRECTIONS_RATE}, {"params": head, "lr": _HEAD_RATE}], weight_decay=0.01
    )
    steps = epochs * -(-len(pairs) // _BATCH)
    warm = max(1, int(_WARM * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    for _ in range(epochs):
        reader.train()
        total = 0.0
        batches = _batches(pairs, chance)
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16):
                logits = reader(*fed(lower, batch))
            wanted = torch.tensor([1 - _SMOOTH if pair.holds else _SMOOTH for pair in batch])
            loss = functional.binary_cross_entropy_with_logits(logits.float(), wanted)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*corrections, *head], 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        yield total / len(batches)


def _batches(pairs: Sequence[Pair], chance: random.Random) -> list[list[Pair]]:
    """In random order, each of passages of like length."""
    order = list(pairs)
    chance.shuffle(order)
    bucket = _BATCH * _BUCKET
    buckets = (sorted(order[i : i + bucket], key=lambda p: len(p.passage)) for i in range(0, len(order), bucket))
    batches = [part[i : i + _BATCH] for part in buckets for i in range(0, len(part), _BATCH)]
    chance.shuffle(batches)
    return batches


def read_pairs(file: Path, half: str) -> list[Pair]:
    """The pairs of one part of a gzipped file of JSON lines."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Pair(r["task"], r["text"], r["passage"], r["holds"]) for r in rows if r["half"] == half]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    reader, lower = load(asked.encoder)
    for epoch, loss in enumerate(train(reader, lower, read_pairs(asked.pairs, "train"), asked.epochs, asked.seed), 1):
        sys.stdout.write(f"epoch {epoch}: loss {loss:.3f}\n")
        sys.stdout.flush()
    keep(reader, asked.target)
    return 0


def keep(reader: Reader, target: Path) -> None:
    """Write what was learnt, in half precision."""
    from safetensors.torch import save_file

    save_file({name: value.half().contiguous() for name, value in reader.learnt().items()}, target)


if __name__ == "__main__":
    sys.exit(main())
