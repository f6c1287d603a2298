import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools import digest
from tools.contract import DataKind, Dataset, JobContext, Result
from tools.data.formats import rows_of
from tools.data.run import run
from tools.data.spec import DataParameters
from tools.data.support_desk import write
from tools.errors import Cancelled, UserFault

Make = Callable[..., Any]


def save(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tasks(first: int, last: int) -> list[dict[str, Any]]:
    return [{"prompt": f"Question {i}", "completion": str(i)} for i in range(first, last)]


def register(context: JobContext, **params: Any) -> tuple[Result, Dataset]:
    result = run(DataParameters.model_validate(params), context)
    assert result.dataset is not None
    return result, result.dataset


def test_registered_data_is_split_written_and_hashed(tool_job: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "tickets.jsonl", tasks(0, 50))
    context = tool_job()
    result, data = register(context, path=str(path))
    assert (data.name, data.kind, data.source, data.rows) == ("tickets", DataKind.TASK, str(path), 50)
    assert result.summary == "tickets is task data with 50 rows (36 train, 4 dev, 10 test)."
    for name, split in data.splits.items():
        written = Path(split.path)
        assert written == context.folder / "data" / f"{name}.jsonl"
        assert split.digest == digest.of_file(written)
        assert split.rows == len(rows_of(split))
    plot = next(artefact for artefact in result.artefacts if artefact.kind == "plot")
    assert (context.folder / plot.path).read_bytes().startswith(b"\x89PNG")
    assert data.facts["characters_longest"] == len("Question 10")


def test_the_same_file_gives_the_same_digest_and_another_seed_another(tool_job: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "tickets.jsonl", tasks(0, 50))
    first = register(tool_job(), path=str(path))[1]
    again = register(tool_job(), path=str(path), name="other name")[1]
    other = register(tool_job(), path=str(path), seed=8)[1]
    assert first.digest == again.digest != other.digest


def test_files_of_their_own_for_dev_and_test(tool_job: Make, tmp_path: Path) -> None:
    train = save(tmp_path / "train.jsonl", tasks(0, 20))
    dev, test = save(tmp_path / "dev.jsonl", tasks(20, 25)), save(tmp_path / "test.jsonl", tasks(25, 35))
    data = register(tool_job(), path=str(train), dev_path=str(dev), test_path=str(test))[1]
    assert {name: split.rows for name, split in data.splits.items()} == {"train": 20, "dev": 5, "test": 10}
    assert rows_of(data.splits["test"]) == tasks(25, 35)


def test_repeats_and_contradictions_are_counted(tool_job: Make, tmp_path: Path) -> None:
    rows = [*tasks(0, 30), {"prompt": "question 3 ", "completion": "3"}, {"prompt": "Question 4", "completion": "5"}]
    result, data = register(tool_job(), path=str(save(tmp_path / "tickets.jsonl", rows)))
    assert data.rows == 30
    assert "2 repeated rows were dropped; 1 text has more than one answer, the first was kept" in result.summary
    assert (data.facts["repeated"], data.facts["conflicting"]) == (2, 1)


@pytest.mark.parametrize(
    ("rows", "params", "said"),
    [
        ([], {}, "is empty"),
        (tasks(0, 30), {"test_path": "overlap"}, "3 texts stand in rows of .* also in"),
        (tasks(0, 30), {"label_column": "label"}, "has no column label; it has prompt, completion"),
        (tasks(0, 30), {"test_rows": 40}, "30 different rows are too few"),
        (tasks(0, 30), {"kind": "preference"}, "no column for chosen and rejected"),
        ([{"question": "a", "answer": "b"}], {"dev_path": "overlap"}, "no column for question and answer"),
        ([{"prompt": "a", "must": ["b"]}], {"dev_path": "checks"}, "checklist data is not split"),
        (tasks(0, 30), {"dev_path": "none"}, "There is no file"),
    ],
)
def test_nothing_is_registered_where_something_is_wrong(
    tool_job: Make, tmp_path: Path, rows: list[dict[str, Any]], params: dict[str, Any], said: str
) -> None:
    path = save(tmp_path / "rows.jsonl", rows)
    save(tmp_path / "overlap", tasks(27, 40))
    save(tmp_path / "checks", [{"prompt": "c", "must": ["b"]}])
    params = {k: str(tmp_path / v) if k.endswith("_path") else v for k, v in params.items()}
    context = tool_job()
    with pytest.raises(UserFault, match=said):
        register(context, path=str(path), **params)
    assert not list(context.folder.iterdir())


def test_cancelling_writes_nothing(tool_job: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "rows.jsonl", tasks(0, 30))
    context = tool_job(cancel_when=lambda event: "splitting" in event.step)
    with pytest.raises(Cancelled):
        register(context, path=str(path))
    assert not list(context.folder.iterdir())


def test_an_attempt_that_was_cut_off_is_written_anew(tool_job: Make, tmp_path: Path) -> None:
    path = save(tmp_path / "rows.jsonl", tasks(0, 30))
    context = tool_job()
    for left in ("data", ".data"):
        (context.folder / left).mkdir()
        (context.folder / left / "torn.jsonl").write_text("{")
    data = register(context, path=str(path))[1]
    assert {file.name for file in (context.folder / "data").iterdir()} == {f"{name}.jsonl" for name in data.splits}
    assert not (context.folder / ".data").exists()


def test_the_bundled_sample(tool_job: Make, tmp_path: Path) -> None:
    sample = write(tmp_path / "sample")
    for path, kind, splits in (
        (sample.corpus, DataKind.CORPUS, {"train", "dev"}),
        (sample.tickets, DataKind.TASK, {"train", "dev", "test"}),
        (sample.preferences, DataKind.PREFERENCE, {"train", "dev"}),
        (sample.helpfulness, DataKind.CHECKLIST, {"test"}),
        (sample.safety, DataKind.CHECKLIST, {"test"}),
        (sample.facts, DataKind.FACTS, {"test"}),
    ):
        data = register(tool_job(), path=str(path))[1]
        assert (data.kind, set(data.splits)) == (kind, splits)
        assert data.facts["conflicting"] == 0
        assert (data.facts.get("category") == "safety") == (path == sample.safety)


def test_real_questions_of_customers(tool_job: Make, shared_data: Path) -> None:
    path = shared_data / "banking77" / "train.csv"
    result, data = register(tool_job(), path=str(path), test_rows=1000)
    assert data.kind is DataKind.LABELLED
    assert (len(data.labels), data.splits["test"].rows, data.rows) == (77, 1000, 9998)
    assert {row["label"] for row in rows_of(data.splits["test"])} == set(data.labels)
    assert result.facts["labels_not_in_train"] == []


def test_a_relative_path_is_not_looked_for_in_the_job_s_folder(tool_job: Make) -> None:
    with pytest.raises(UserFault, match=r"no file rows\.csv where it was asked for"):
        register(tool_job(), path="rows.csv")
