import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tools.contract import Candidate, JobContext
from tools.errors import Cancelled, UserFault
from tools.evaluate.run import run
from tools.evaluate.spec import EvaluateParameters

Make = Callable[..., JobContext]
installed = pytest.mark.skipif(find_spec("lm_eval") is None, reason="needs the extra `benchmarks`")
HEAD = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{train: {folder}/rows.jsonl, test: {folder}/rows.jsonl}}}}
test_split: test
output_type: {kind}
doc_to_text: "<|user|>{{{{prompt}}}}<|end|><|assistant|>"
target_delimiter: ""
"""
CHOICE = HEAD + "doc_to_choice: options\ndoc_to_target: gold\nfewshot_split: train\nmetric_list:\n"
CHOICE += "".join(f"- {{{{metric: {m}, aggregation: mean, higher_is_better: true}}}}\n" for m in ("acc", "acc_norm"))
ANSWER = HEAD + "doc_to_target: completion\ngeneration_kwargs: {{until: ['.'], max_gen_toks: 8}}\nmetric_list:\n"
ANSWER += "- {{metric: exact_match, aggregation: mean, higher_is_better: true}}\n"
ANSWER += "- {{metric: chrf, aggregation: chrf, higher_is_better: true}}\n"
LIKELY = HEAD + "doc_to_target: completion\n"
KINDS = {
    "choice": (CHOICE, "multiple_choice"),
    "answer": (ANSWER, "generate_until"),
    "likely": (LIKELY, "loglikelihood"),
}


@pytest.fixture
def tasks(tmp_path: Path) -> dict[str, Path]:
    """Three tasks about the colours the taught model knows, one of them wrong in a third of the rows."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    things = ("door", "roof", "car", "cup", "book", "shirt", "lamp", "bike", "boat")
    colours = ("red", "blue", "green", "yellow", "black", "white")
    rows = []
    for index, thing in enumerate(things):
        right = colours[(index + (index % 3 == 2)) % 6]
        options = [right, *[colour for colour in colours if colour != right][:3]]
        options = options[index % 4 :] + options[: index % 4]
        gold = options.index(right)
        rows.append({"prompt": f"Colour of the {thing}?", "completion": right, "options": options, "gold": gold})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    written = {}
    for name, (text, kind) in KINDS.items():
        written[name] = folder / f"{name}.yaml"
        written[name].write_text(text.format(name=name, folder=folder, kind=kind))
    return written


def parameters(*paths: Path, **more: object) -> EvaluateParameters:
    return EvaluateParameters.model_validate({"tasks": ",".join(map(str, paths)), **more})


@pytest.mark.skipif(find_spec("lm_eval") is not None, reason="lm-eval is installed here")
def test_without_lm_eval_it_is_said_how_to_get_it(tool_job: Make, taught: Candidate, tasks: dict[str, Path]) -> None:
    with pytest.raises(UserFault, match=r"pip install -e '\.\[benchmarks\]'"):
        run(parameters(tasks["choice"]), tool_job({"model": taught}))


def test_task_files_bring_their_own_rows() -> None:
    assert EvaluateParameters.model_validate({"tasks": "a.yaml, b.yaml", "data": "tickets"}).data == ""
    with pytest.raises(ValueError, match="name the data to measure on"):
        EvaluateParameters.model_validate({"data": ""})


@installed
def test_scores_are_those_of_lm_eval(tool_job: Make, taught: Candidate, tasks: dict[str, Path]) -> None:
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from tools.training import models

    context = tool_job({"model": taught})
    result = run(parameters(*tasks.values(), fewshot=1, batch=4), context)
    model, tokenizer = models.load_causal(taught)
    theirs = lm_eval.simple_evaluate(
        model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=3),
        tasks=[str(path) for path in tasks.values()],
        num_fewshot=1,
        bootstrap_iters=0,
        task_manager=TaskManager(include_defaults=False),
    )["results"]
    wanted = {
        f"{task}/{name.removesuffix(',none')}": value
        for task, found in theirs.items()
        for name, value in found.items()
        if name.endswith(",none") and "stderr" not in name
    }
    assert {m.name: m.value for m in result.metrics} == pytest.approx(wanted, rel=1e-5)
    assert len(wanted) == 6
    written = [json.loads(line) for line in (context.folder / "predictions.jsonl").read_text().splitlines()]
    assert len(written) == 27
    assert result.split == ""


@installed
def test_a_model_is_measured_alone_and_against_another(
    tool_job: Make, taught: Candidate, tasks: dict[str, Path]
) -> None:
    other = taught.model_copy(update={"name": "other", "digest": "sha256:other"})
    context = tool_job({"model": taught, "compare_to": other})
    result = run(parameters(tasks["choice"], tasks["answer"], compare_to="other"), context)
    accuracy = result.metric("choice/acc")
    assert (accuracy.value, accuracy.n) == (pytest.approx(6 / 9), 9)
    assert accuracy.low < accuracy.value < accuracy.high
    chrf = result.metric("answer/chrf")
    assert 0 <= chrf.low <= chrf.value <= chrf.high <= 100
    assert [(c.metric, c.value, c.baseline) for c in result.comparisons] == [
        ("choice/acc", 0.0, "other"),
        ("choice/acc_norm", 0.0, "other"),
        ("answer/exact_match", 0.0, "other"),
    ]
    assert result.facts["verdict"] == "no worse within the margin"
    assert [task["items"] for task in result.facts["tasks"]] == [9, 9]
    assert {a.kind for a in result.artefacts} == {"predictions", "plot"}
    assert run(parameters(tasks["choice"], limit=4), context).metric("choice/acc").n == 4


@installed
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{{prompt}}", "{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{{prompt}}", "{{ question }}", "'question' is undefined"),
        ("metric: acc,", "metric: rouge,", "lm-eval has no metric rouge; it has acc"),
        ("test_split: test", "test_split: dev", "does not fit its rows"),
    ],
)
def test_what_does_not_fit_the_rows_is_said(
    tool_job: Make, taught: Candidate, tasks: dict[str, Path], old: str, new: str, said: str
) -> None:
    tasks["choice"].write_text(tasks["choice"].read_text().replace(old, new))
    with pytest.raises(UserFault, match=said):
        run(parameters(tasks["choice"]), tool_job({"model": taught}))


@installed
def test_an_answer_longer_than_the_model_is_refused(tool_job: Make, taught: Candidate, tasks: dict[str, Path]) -> None:
    tasks["answer"].write_text(tasks["answer"].read_text().replace("max_gen_toks: 8", "max_gen_toks: 128"))
    with pytest.raises(UserFault, match="answers of up to 128 tokens, and the model reads 128"):
        run(parameters(tasks["answer"]), tool_job({"model": taught}))


@installed
def test_it_can_be_cancelled_between_batches(tool_job: Make, taught: Candidate, tasks: dict[str, Path]) -> None:
    context = tool_job({"model": taught}, cancel_when=lambda event: event.done == 3)
    with pytest.raises(Cancelled):
        run(parameters(tasks["choice"], batch=3), context)
