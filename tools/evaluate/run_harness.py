"""Tasks of lm-eval measured by its own code, with the model asked by ours.

Its task objects write the questions, read the answers and count; so a score is what its command line would print, for
weights in 32 bit. Only the passes through the model are done here, in batches of like length.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TQDM_DISABLE", "1")  # progress comes as events; read when tqdm is first imported

import datasets
import lm_eval.utils
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lm_eval.api.metrics import _sacreformat
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import get_metric, metric_registry
from lm_eval.api.task import ConfigurableTask
from lm_eval.defaults import DEFAULT_OTHER_SEED
from lm_eval.evaluator import evaluate
from lm_eval.models.utils import (
    handle_stop_sequences,
    has_bos_prefix,
    normalize_gen_kwargs,
    postprocess_generated_text,
    resolve_max_length,
)

from tools.errors import UserFault
from tools.evaluate.run_likelihood import go_on, log_likelihoods
from tools.evaluate.task_files import TaskFile

VERSION = lm_eval.__version__
_GENERATED = 256  # tokens of an answer where the task says nothing, as in lm-eval
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Score:
    """One metric of one task."""

    task: str
    metric: str  # lm-eval's name, with the filter's behind a comma unless it is "none"
    value: float  # what lm-eval reports
    values: tuple[Any, ...]  # of each item, before `aggregate`
    aggregate: Callable[[Sequence[Any]], float]
    aggregation: str  # its name in lm-eval: "mean", "perplexity", "bleu", …
    higher_is_better: bool

    @property
    def name(self) -> str:
        return f"{self.task}/{self.metric}"

    @property
    def texts(self) -> tuple[list[str], list[list[str]]]:
        """Answers and streams of references, where the metric counts them all at once."""
        wanted, given = zip(*self.values, strict=True)
        references, answers = _sacreformat(wanted, given)
        return list(answers), [list(stream) for stream in references]


@dataclass(frozen=True)
class Answered:
    """One item of a task: what was asked, what is wanted, what came, and how that counts."""

    task: str
    prompt: str
    wanted: str
    answer: str
    values: Mapping[str, Any]


def build(files: Sequence[TaskFile], fewshot: int | None) -> dict[str, Any]:
    """lm-eval's task objects by name. Raises `UserFault` where a file does not fit its rows."""
    lm_eval.utils.env = _sandbox()
    built: dict[str, Any] = {}
    for file in files:
        _known_metrics(file)
        try:
            task = ConfigurableTask(config=file.config)
        except (TemplateError, datasets.exceptions.DatasetsError, *_FAULTS) as error:
            raise _unfit(file, error) from error
        shots = fewshot if fewshot is not None else task.get_config("num_fewshot") or 0
        task.set_config(key="num_fewshot", value=shots)
        task.set_fewshot_seed(seed=DEFAULT_OTHER_SEED)
        built[file.name] = task
    return built


_FAULTS = (KeyError, IndexError, TypeError, ValueError, AttributeError, SyntaxError, AssertionError)


def _unfit(file: TaskFile, error: Exception) -> UserFault:
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return UserFault(f"{file.path} does not fit its rows or lm-eval {VERSION}: {type(error).__name__}: {said}")


def _sandbox() -> Any:
    """What lm-eval renders with, but for templates that reach into Python: its own environment lets them."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["regex_replace"] = lm_eval.utils.regex_replace
    return environment


def _known_metrics(file: TaskFile) -> None:
    """lm-eval looks for a metric it does not have on the hub, and runs the code it finds there."""
    get_metric("acc")  # fills the registry
    for metric in file.config.get("metric_list") or []:
        if metric["metric"] not in metric_registry:
            known = ", ".join(sorted(metric_registry.keys()))
            raise UserFault(f"{file.path}: lm-eval has no metric {metric['metric']}; it has {known}.")


def measure(
    files: Sequence[TaskFile], tasks: dict[str, Any], lm: "BatchedModel", limit: int | None
) -> tuple[list[Score], list[Answered]]:
    """Every metric of every task, and the items behind them."""
    try:
        found = evaluate(lm=lm, task_dict={"tasks": tasks}, limit=limit, bootstrap_iters=0, log_samples=True)
    except (TemplateError, *_FAULTS) as error:
        raise _unfit(files[0], error) from error
    scores: list[Score] = []
    items: list[Answered] = []
    for file in files:
        samples = found["samples"][file.name]
        items += [_item(file.name, sample) for sample in samples]
        for metric, name in dict.fromkeys((metric, s["filter"]) for s in samples for metric in s["metrics"]):
            values = tuple(s[metric] for s in samples if s["filter"] == name)
            scores.append(_score(tasks[file.name], metric, name, found["results"][file.name], values))
    return scores, items


def _score(task: Any, metric: str, filter_name: str, reported: Mapping[str, Any], values: tuple[Any, ...]) -> Score:
    aggregate = task.aggregation()[metric]
    return Score(
        task=task.task_name,
        metric=metric if filter_name == "none" else f"{metric},{filter_name}",
        value=float(reported[f"{metric},{filter_name}"]),
        values=values,
        aggregate=aggregate,
        aggregation=aggregate.__name__,
        higher_is_better=bool(task.higher_is_better().get(metric, True)),
    )


def _item(task: str, sample: Mapping[str, Any]) -> Answered:
    first = sample["arguments"][0]
    answers = sample["filtered_resps"]
    return Answered(
        task=task,
        prompt=str(first[0]),
        wanted=str(sample["target"]),
        answer=str(answers[0]) if len(answers) == 1 else str([round(value, 4) for value, _ in answers]),
        values={name: sample[name] for name in sample["metrics"]},
    )


class BatchedModel(TemplateLM):  # type: ignore[misc]
    """A loaded model as lm-eval asks it; tokens are those of its `HFLM`, passes are our own."""

    backend = "causal"

    def __init__(self, model: Any, tokenizer: Any, batch: int, told: Told = lambda step, done, total: None) -> None:
        super().__init__()
        self.model, self.tokenizer, self.batch, self.told = model, tokenizer, batch, told
        self.max_length = resolve_max_length(model.config, tokenizer)
        self._encoded: dict[str, list[int]] = {}

    @property
    def eot_token_id(self) -> int:
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        begins = self.tokenizer.bos_token_id
        return int(begins if begins is not None else self.tokenizer.eos_token_id)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        if add_special_tokens is not None:
            ids: list[int] = self.tokenizer(string, add_special_tokens=add_special_tokens)["input_ids"]
            return ids
        if string not in self._encoded:
            self._encode([string], self.tokenizer.decode(self.prefix_token_id))
        return self._encoded[string]

    def _encode(self, texts: Sequence[str], begin: str | None) -> None:
        """Token ids of many texts at once; one that already begins with the first token gets no second one."""
        for marked in (False, True):
            some = [text for text in dict.fromkeys(texts) if has_bos_prefix(text, begin) is marked]
            if some:
                more = {"add_special_tokens": False} if marked else {}
                self._encoded.update(zip(some, self.tokenizer(some, **more)["input_ids"], strict=True))

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        self._encoded, pairs = {}, [request.args for request in requests]
        texts = [text for before, after in pairs if before for text in (before + after, before.rstrip())]
        self._encode([text for text in texts if text], self.tokenizer.decode(self.prefix_token_id))
        found: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=True)
        return found

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        pairs = [(context, continuation) for _, context, continuation in requests]
        return log_likelihoods(self.model, pairs, self.max_length, self.batch, self._tell("comparing continuations"))

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = True) -> list[str]:
        """Answers up to a stop text. Requests of one task have the same settings."""
        self._encoded, kinds = {}, dict[str, list[int]]()
        for index, request in enumerate(requests):
            kinds.setdefault(repr(request.args[1]), []).append(index)
        answers: dict[int, str] = {}
        for chosen in kinds.values():
            texts = [requests[index].args[0] for index in chosen]
            answers.update(zip(chosen, self._answers(texts, requests[chosen[0]].args[1]), strict=True))
        return [answers[index] for index in range(len(requests))]

    def _answers(self, texts: list[str], settings: Mapping[str, Any]) -> list[str]:
        kwargs = normalize_gen_kwargs(dict(settings), _GENERATED)
        stops = handle_stop_sequences(kwargs.pop("until", None), eos=self.tokenizer.decode(self.eot_token_id))
        longest = self.max_length - kwargs["max_gen_toks"]
        if longest <= 0:
            raise UserFault(
                f"A task wants answers of up to {kwargs['max_gen_toks']} tokens, and the model reads {self.max_length};"
                " set generation_kwargs: max_gen_toks lower."
            )
        self._encode(texts, getattr(self.tokenizer, "bos_token", None))
        contexts = [self._encoded[text][-longest:] for text in texts]
        told = self._tell("answering")
        said = go_on(
            self.model, self.tokenizer, contexts, [s for s in stops if s], kwargs["max_gen_toks"], self.batch, told
        )
        return [postprocess_generated_text(generation=text, stop=stops, think_end_token=None) for text in said]

    def _tell(self, step: str) -> Callable[[int, int], None]:
        return lambda done, total: self.told(step, done, total)

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = True) -> list[float]:
        raise UserFault("Tasks with output_type loglikelihood_rolling are not measured here.")
