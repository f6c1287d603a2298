"""Figures that can be checked by hand or against what the libraries themselves count."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

from tools.contract import ModelKind
from tools.models import Tensor
from tools.select import arithmetic
from tools.select.arithmetic import Shape, Weights, Work
from tools.select.shape import shape_of, weights_of

LLAMA_7B = Shape(
    layers=32, hidden=4096, heads=32, kv_heads=32, head_dim=128, vocabulary=32_000, context=4096, generates=True
)  # fmt: skip
WEIGHTS_7B = Weights(count=6_738_415_616, bytes=13_476_831_232, dtype="F16", linear=6_476_005_376, sides=2_498_560)
ENCODER = Shape(
    layers=6, hidden=384, heads=12, kv_heads=12, head_dim=32, vocabulary=30_522, context=512, generates=False
)


def test_the_cache_of_a_full_context() -> None:
    """Llama 2 7B: half a megabyte a token in 16 bit, 2 GiB for 4,096 of them."""
    assert arithmetic.kv_cache(LLAMA_7B, 1) == 524_288
    assert arithmetic.kv_cache(LLAMA_7B, 4096) == 2 * 2**30
    assert arithmetic.kv_cache(LLAMA_7B, 4096, 4) == 4 * 2**30
    assert arithmetic.kv_cache(ENCODER, 512) == 0


def test_inference_is_weights_and_cache() -> None:
    assert arithmetic.inference(WEIGHTS_7B, LLAMA_7B, 4096) == 13_476_831_232 + 2_147_483_648
    assert arithmetic.inference_32_bit(WEIGHTS_7B, LLAMA_7B, 0) == 26_953_662_464


def test_sixteen_bytes_a_weight_are_trained_and_activations_beside_them() -> None:
    half = Work(batch=1, length=100, bytes_a_value=2)
    beside = 34 * 32 * 4096 * 100 + 8 * 32_000 * 100
    assert arithmetic.activations(LLAMA_7B, half) == beside
    assert arithmetic.full_training(WEIGHTS_7B, LLAMA_7B, half) == 16 * WEIGHTS_7B.count + beside
    whole = Work(batch=1, length=100, bytes_a_value=4)
    assert arithmetic.activations(ENCODER, whole) == (68 * 384 + 10 * 12 * 100) * 6 * 100


def test_adapters_are_trained_beside_frozen_weights() -> None:
    """Rank 16 on every linear layer of Llama 2 7B: 40.0 M weights."""
    work = Work(batch=4, length=256, bytes_a_value=2)
    beside = arithmetic.activations(LLAMA_7B, work)
    assert arithmetic.lora_weights(WEIGHTS_7B, 16) == 39_976_960
    assert arithmetic.lora(WEIGHTS_7B, LLAMA_7B, work, 16) == 2 * WEIGHTS_7B.count + 16 * 39_976_960 + beside
    frozen = round((0.5 + 0.127 / 8) * WEIGHTS_7B.linear) + 2 * (WEIGHTS_7B.count - WEIGHTS_7B.linear)
    assert arithmetic.qlora(WEIGHTS_7B, LLAMA_7B, work, 16) == frozen + 16 * 39_976_960 + beside
    longer = arithmetic.activations(LLAMA_7B, Work(4, 276, 2))
    tuned = arithmetic.prompt_tuning(WEIGHTS_7B, LLAMA_7B, work, 20)
    assert tuned == 2 * WEIGHTS_7B.count + 16 * 20 * 4096 + longer


def test_chinchilla() -> None:
    """70 billion weights and 1.4 trillion tokens took 5.9e23 operations (Hoffmann et al. 2022, table 3)."""
    assert arithmetic.optimal_tokens(70_000_000_000) == 1_400_000_000_000
    assert arithmetic.training_flops(70_000_000_000, 1.4e12) == pytest.approx(5.88e23)
    assert arithmetic.adapter_flops(1000, 30) == arithmetic.training_flops(1000, 20)
    assert arithmetic.hours(1.2e20, 2e14) == pytest.approx(166.7, abs=0.1)
    assert arithmetic.largest_model(5e9) == 1_000_000_000  # four passes over 5 billion tokens, 20 a weight


def small_llama() -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=32, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=120, max_position_embeddings=64, tie_word_embeddings=True,
        )
    )  # fmt: skip


def headers(model: LlamaForCausalLM) -> list[Tensor]:
    named = model.named_parameters()  # tied ones once, as they are stored
    return [Tensor(name=name, dtype="F32", shape=tuple(each.shape)) for name, each in named]


def test_sizes_are_those_the_libraries_count() -> None:
    model = small_llama()
    weights, shape = weights_of(headers(model)), shape_of(model.config.to_dict(), ModelKind.CAUSAL)
    assert (weights.count, weights.bytes, weights.dtype) == (model.num_parameters(), 4 * model.num_parameters(), "F32")
    assert shape == Shape(
        layers=3, hidden=32, heads=4, kv_heads=2, head_dim=8, vocabulary=120, context=64, generates=True
    )  # fmt: skip
    cache = model(torch.zeros((1, 10), dtype=torch.long), use_cache=True).past_key_values
    held = sum(4 * (layer.keys.numel() + layer.values.numel()) for layer in cache.layers)
    assert arithmetic.kv_cache(shape, 10, 4) == held
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    trained, _ = adapted.get_nb_trainable_parameters()
    assert arithmetic.lora_weights(weights, 4) == trained


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024}, (12, 768, 12, 64, 1024)),
        ({"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "head_dim": 32}, (2, 64, 4, 32, 0)),
        ({"n_layer": 2, "n_embd": 64, "n_head": 4, "multi_query": True}, (2, 64, 1, 16, 0)),
    ],
)
def test_families_name_their_sizes_in_their_own_way(config: dict[str, object], wanted: tuple[int, ...]) -> None:
    shape = shape_of(config, ModelKind.CAUSAL)
    assert shape is not None
    assert (shape.layers, shape.hidden, shape.kv_heads, shape.head_dim, shape.context) == wanted


@pytest.mark.parametrize("layers", [None, 0, -3, "12", 2.5, True, 10**12, [12]])
def test_a_configuration_that_says_nonsense_says_nothing(layers: object) -> None:
    assert shape_of({"num_hidden_layers": layers, "hidden_size": 64}, ModelKind.CAUSAL) is None


def held_for_backward(model: torch.nn.Module, **inputs: torch.Tensor) -> int:
    """Bytes of the tensors that autograd keeps beside the weights."""
    held: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.train()(**inputs)
    return sum(size for place, size in held.items() if place not in own)


def test_activations_are_about_those_that_are_held() -> None:
    work = Work(batch=2, length=128, bytes_a_value=4)
    sizes = {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 500}
    ids = torch.ones((work.batch, work.length), dtype=torch.long)
    llama = LlamaForCausalLM(LlamaConfig(intermediate_size=344, **sizes))
    bert = BertModel(BertConfig(intermediate_size=512, **sizes))
    for model, kind, inputs in (
        (llama, ModelKind.CAUSAL, {"input_ids": ids, "labels": ids}),
        (bert, ModelKind.ENCODER, {"input_ids": ids}),
    ):
        shape = shape_of(model.config.to_dict(), kind)
        assert shape is not None
        assert arithmetic.activations(shape, work) == pytest.approx(held_for_backward(model, **inputs), rel=0.25), kind


def test_the_best_model_for_some_operations_reads_twenty_tokens_a_weight() -> None:
    """Chinchilla: 70 billion weights on 1.4 trillion tokens, 5.9e23 operations."""
    assert arithmetic.best_model(5.88e23) == pytest.approx(70e9, rel=0.001)
    size = arithmetic.best_model(1e20)
    assert arithmetic.training_flops(size, arithmetic.optimal_tokens(size)) == pytest.approx(1e20, rel=0.001)
