"""A BERT sentence encoder as an ONNX graph, written node by node from its safetensors weights: no torch.

Architecture: Devlin et al. 2019 (BERT, post-layer-norm, exact GELU). The last node pools by the mean over real
tokens and normalises to unit length, as sentence-transformers does for all-MiniLM-L6-v2 (Reimers and Gurevych 2019).
"""

import json
from pathlib import Path
from typing import Any

OPSET = 20  # first with Gelu; LayerNormalization is in since 17
IR_VERSION = 10
_MASKED = -1e9  # added to the attention score of padding


class Graph:
    """Collects nodes and weights; every method returns the name of its output."""

    def __init__(self, weights: Any) -> None:
        from onnx import helper, numpy_helper

        self._helper = helper
        self._numpy = numpy_helper
        self.weights = weights
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}

    def node(self, kind: str, *inputs: str, into: str = "", **attributes: Any) -> str:
        output = into or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        self.initializers[name] = self._numpy.from_array(value, name)
        return name

    def weight(self, name: str, transpose: bool = False) -> str:
        if name not in self.initializers:
            value = self.weights.get_tensor(name)
            self.constant(name, value.T.copy() if transpose else value)
        return name

    def linear(self, x: str, prefix: str) -> str:
        product = self.node("MatMul", x, self.weight(f"{prefix}.weight", transpose=True))
        return self.node("Add", product, self.weight(f"{prefix}.bias"))

    def norm(self, x: str, prefix: str, epsilon: float) -> str:
        scale, bias = self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)


def build(model: Path, target: Path) -> None:
    """Write the graph of the encoder in folder `model` to `target`.

    Inputs `input_ids` and `attention_mask`, int64 [batch, tokens]; output `vectors`, float32 [batch, hidden].
    """
    from onnx import TensorProto, helper
    from safetensors import safe_open

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    with safe_open(model / "model.safetensors", "np") as weights:
        graph = Graph(weights)
        constants(graph, config)
        bias = mask_bias(graph, "attention_mask")
        x = embeddings(graph, config, "input_ids")
        for number in range(config["num_hidden_layers"]):
            x = layer(graph, config, x, bias, number)
        _pool(graph, x)
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", config["hidden_size"]])
    save(graph, "encoder", [tokens("input_ids"), tokens("attention_mask")], vectors, target)


def tokens(name: str) -> Any:
    """An input, int64 [batch, tokens]; the length of each name is its own."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", f"tokens of {name.rpartition('_')[0]}"])


def save(graph: Graph, name: str, inputs: list[Any], output: Any, target: Path) -> None:
    import onnx
    from onnx import helper

    made = helper.make_graph(graph.nodes, name, inputs, [output], list(graph.initializers.values()))
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.save(proto, str(target))


def constants(graph: Graph, config: dict[str, Any]) -> None:
    """What the other parts take by name."""
    import numpy as np

    heads = config["num_attention_heads"]
    size = config["hidden_size"] // heads
    graph.constant("one", np.array(1.0, np.float32))
    graph.constant("masked", np.array(_MASKED, np.float32))
    graph.constant("tiny", np.array(1e-9, np.float32))
    graph.constant("scale", np.array(size**-0.5, np.float32))
    graph.constant("split_heads", np.array([0, 0, heads, size], np.int64))
    graph.constant("join_heads", np.array([0, 0, config["hidden_size"]], np.int64))
    graph.constant("axis_0", np.array([0], np.int64))
    graph.constant("axis_1", np.array([1], np.int64))
    graph.constant("axis_2", np.array([2], np.int64))
    graph.constant("axis_1_2", np.array([1, 2], np.int64))
    graph.constant("axis_last", np.array([-1], np.int64))


def mask_bias(graph: Graph, of: str) -> str:
    """[batch, 1, 1, tokens]: 0 where there is a token, a large negative number where there is padding."""
    mask = graph.node("Cast", of, to=1)
    padding = graph.node("Sub", "one", mask)
    return graph.node("Unsqueeze", graph.node("Mul", padding, "masked"), "axis_1_2")


def embeddings(graph: Graph, config: dict[str, Any], ids: str) -> str:
    """[batch, tokens, hidden], of tokens of the first kind."""
    words = graph.node("Gather", graph.weight("embeddings.word_embeddings.weight"), ids)
    length = graph.node("Shape", ids, start=1, end=2)
    table = graph.weight("embeddings.position_embeddings.weight")
    positions = graph.node("Slice", table, "axis_0", length, "axis_0")
    kinds = graph.weight("embeddings.token_type_embeddings.weight")
    first_kind = graph.node("Slice", kinds, "axis_0", "axis_1", "axis_0")  # a single text is all of type 0
    total = graph.node("Add", graph.node("Add", words, positions), first_kind)
    return graph.norm(total, "embeddings.LayerNorm", config["layer_norm_eps"])


def layer(graph: Graph, config: dict[str, Any], x: str, bias: str, number: int) -> str:
    """[batch, tokens, hidden]."""
    prefix = f"encoder.layer.{number}"
    attention = f"{prefix}.attention"

    def heads(part: str, order: list[int]) -> str:
        projected = graph.linear(x, f"{attention}.self.{part}")
        return graph.node("Transpose", graph.node("Reshape", projected, "split_heads"), perm=order)

    query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    scores = graph.node("Mul", graph.node("MatMul", query, key), "scale")
    shares = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
    mixed = graph.node("Transpose", graph.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    joined = graph.linear(graph.node("Reshape", mixed, "join_heads"), f"{attention}.output.dense")
    x = graph.norm(graph.node("Add", joined, x), f"{attention}.output.LayerNorm", config["layer_norm_eps"])
    wide = graph.node("Gelu", graph.linear(x, f"{prefix}.intermediate.dense"))
    narrow = graph.linear(wide, f"{prefix}.output.dense")
    return graph.norm(graph.node("Add", narrow, x), f"{prefix}.output.LayerNorm", config["layer_norm_eps"])


def _pool(graph: Graph, x: str) -> None:
    mask = graph.node("Cast", "attention_mask", to=1)
    kept = graph.node("Mul", x, graph.node("Unsqueeze", mask, "axis_last"))
    total = graph.node("ReduceSum", kept, "axis_1", keepdims=0)
    count = graph.node("Max", graph.node("ReduceSum", mask, "axis_1", keepdims=1), "one")
    mean = graph.node("Div", total, count)
    length = graph.node("Max", graph.node("ReduceL2", mean, "axis_last", keepdims=1), "tiny")
    graph.node("Div", mean, length, into="vectors")
