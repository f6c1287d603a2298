"""The bundled guides: size, sources, units, and that each Chinese guide says what its English one says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.chunk import passages
from knowledge.ingest import body_start, read

FOLDER = Path(__file__).parents[2] / "knowledge" / "guides"
ENGLISH = sorted(FOLDER.glob("*.md"))
CHINESE = sorted((FOLDER / "zh").glob("*.md"))
STAGES = {"scope", "select", "assess", "align", "deploy", "integrate"}
SUBJECTS = {  # what a team asks about, and the guide that has to answer
    "existing-or-pretraining", "compute-and-memory", "scaling-laws", "prompting", "in-context-learning", "fine-tuning",
    "full-fine-tuning", "lora", "prompt-tuning", "instruction-data", "evaluation", "benchmarks", "reward-models",
    "reward-hacking", "preference-optimisation", "dpo-and-kto", "ppo-grpo-and-rloo", "constitutional-ai",
    "quantization", "distillation-and-pruning", "pruning", "serving", "retrieval", "reasoning-and-tools",
    "program-aided-reasoning", "chain-of-thought-and-react", "guardrails-and-monitoring", "monitoring",
    "privacy-and-licences", "life-cycle", "cheat-sheet", "terms",
}  # fmt: skip
LONGEST_SENTENCE = 80  # words; a sentence is quoted on its own
_NUMBER = r"(?<![A-Za-z.\d])(?<![A-Za-z]-)(\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?)"
_ENGLISH = re.compile(_NUMBER + r"(?:\s+(million|billion|trillion)\b)?")
_CHINESE = re.compile(_NUMBER + r"(?:\s*(万亿|亿|万))?")
_SCALE = {"": 1.0, "million": 1e6, "billion": 1e9, "trillion": 1e12, "万": 1e4, "亿": 1e8, "万亿": 1e12}
_CITED = re.compile(r"([A-Z][\w-]+) (?:et al\.|等)[ ，（](\d{4})")  # surname and year, in either language
_UNIT = r"(?:GB|MB|kB|KiB|GiB|ms)"


def front_matter(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+): (.+)$", text[: body_start(text)], re.MULTILINE))


def sections(text: str) -> list[str]:
    return re.split(r"^## ", text[body_start(text) :], flags=re.MULTILINE)


def figures(text: str, pattern: re.Pattern[str]) -> set[float]:
    found = pattern.findall(" ".join(text.split()))
    return {float(f"{float(number.replace(',', '')) * _SCALE[scale]:.6g}") for number, scale in found}


def items(section: str) -> tuple[int, int]:
    """How many items of lists and how many rows of tables a section has."""
    return len(re.findall(r"^(?:- |\d+\. )", section, re.MULTILINE)), len(re.findall(r"^\|", section, re.MULTILINE))


def prose(text: str) -> Iterator[str]:
    for passage in passages(text, begin=body_start(text)):
        yield from (sentence.text for sentence in passage.sentences)


def test_every_subject_has_its_guide_in_both_languages() -> None:
    names = {path.stem for path in ENGLISH}
    assert names >= STAGES | SUBJECTS
    assert {path.stem for path in CHINESE} == names


@pytest.mark.parametrize("path", ENGLISH, ids=lambda p: p.stem)
def test_an_english_guide_is_of_a_readable_size_and_names_its_sources(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert front_matter(text)["language"] == "en"
    assert 400 <= len(text.split()) <= 1500
    assert "\n## Sources\n" in text
    assert max(len(sentence.split()) for sentence in prose(text.partition("\n## Sources\n")[0])) <= LONGEST_SENTENCE
    assert not re.search(r"[\u4e00-\u9fff]", text)


@pytest.mark.parametrize("path", [*ENGLISH, *CHINESE], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_guide_has_its_front_matter_and_sections(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    head = front_matter(text)
    assert head["stage"] in STAGES | {"all"}
    assert text[body_start(text) :].startswith(f"# {head['title'].strip(chr(34))}\n")
    assert len(sections(text)) >= 5
    assert read(path).title == head["title"].strip('"')


@pytest.mark.parametrize("path", [*ENGLISH, *CHINESE], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_units_are_spelled_the_same_everywhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(rf"\d{_UNIT}\b", text), "a space stands between figure and unit"
    assert not re.findall(r"\d\s?(?:Gb|gb|Mb|mb|KB|Kb|kb|MS|secs?|hrs?)\b", text)
    share = r"\d%" if path.parent.name == "guides" else r"\d\s%"
    assert not re.findall(share, text), "95 % in English, 95% in Chinese"


@pytest.mark.parametrize("path", CHINESE, ids=lambda p: p.stem)
def test_a_chinese_guide_corresponds_to_its_english_one(path: Path) -> None:
    english = (FOLDER / path.name).read_text(encoding="utf-8")
    chinese = path.read_text(encoding="utf-8")
    assert front_matter(chinese)["language"] == "zh"
    assert front_matter(chinese)["stage"] == front_matter(english)["stage"]
    theirs, ours = sections(english), sections(chinese)
    assert len(ours) == len(theirs)
    assert ours[-1].startswith("来源\n")
    for ours_section, theirs_section in zip(ours, theirs, strict=True):
        name = theirs_section.partition("\n")[0]
        assert figures(ours_section, _CHINESE) == figures(theirs_section, _ENGLISH), name
        assert items(ours_section) == items(theirs_section), name


@pytest.mark.parametrize("path", ENGLISH, ids=lambda p: p.stem)
def test_what_is_cited_stands_among_the_sources_of_both_languages(path: Path) -> None:
    english = " ".join(path.read_text(encoding="utf-8").split())
    chinese = (FOLDER / "zh" / path.name).read_text(encoding="utf-8")
    body, _, sources = english.partition("## Sources")
    for surname, year in _CITED.findall(body):
        assert re.search(rf"{surname}\b[^.]*(?:\.[^.]*)?{year}", sources), (surname, year)
    assert set(_CITED.findall(chinese)) == set(_CITED.findall(english))


@pytest.mark.parametrize("path", CHINESE, ids=lambda p: p.stem)
def test_a_chinese_guide_is_written_in_chinese(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    body = text[body_start(text) :].partition("\n## 来源\n")[0]
    assert len(re.findall(r"[\u4e00-\u9fff]", body)) >= 600
    assert not re.findall(r"[\u4e00-\u9fff] ?[,;?!](?!\d)", body), "full-width punctuation between Chinese words"
    assert "；" not in body, "a semicolon would end a sentence that does not stand on its own"
    for sentence in prose(body):
        assert len(sentence) <= 220, sentence


@pytest.mark.parametrize(
    ("phase", "time", "expertise"),
    [
        ("pre-training", "days to months", "high"),
        ("prompt engineering", "none to train", "low"),
        ("prompt tuning and fine-tuning", "minutes to hours", "medium"),
        ("alignment with human feedback", "minutes to hours with a reward model", "medium to high"),
        ("optimisation", "minutes to hours", "medium"),
        ("预训练", "数天到数月", "高"),
        ("提示工程", "无需训练", "低"),
        ("提示微调与微调", "数分钟到数小时", "中"),
        ("人类反馈对齐", "有奖励模型时数分钟到数小时", "中到高"),
        ("优化", "数分钟到数小时", "中"),
    ],
)
def test_the_cheat_sheet_keeps_to_the_taught_ranges(phase: str, time: str, expertise: str) -> None:
    folder = FOLDER if phase.isascii() else FOLDER / "zh"
    text = (folder / "cheat-sheet.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {phase} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1].startswith(time)
    assert cells[3] == expertise
