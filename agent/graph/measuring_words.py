"""How people say which prompts to try, what to measure by and which runs to compare. Pure text in, arguments out."""

import difflib
import re

from pydantic import JsonValue

_COUNTS = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "few": "3",
    "零": "0",
    "少": "3",
}
_COUNT = rf"(?:\d+|{'|'.join(_COUNTS)})"
_AND = r"(?:,|and|or|&|和|或|、)"
_SHOTS = re.compile(
    rf"({_COUNT}(?:[- ]?shots?)?(?:\s*{_AND}+\s*{_COUNT})*)[- ]?(?:shots?\b|样本|(?:solved )?examples?\b)"
)
# parameter, what names it, its value, what names the other value beside it
_CHOICES: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "reasoning",
        r"chain[- ]of[- ]thought|\bcot\b|step[- ]by[- ]step|think\w* aloud|思维链|逐步(?:思考|推理)",
        "chain_of_thought",
        r"with and without|(?:有|带)(?:和|与)?(?:没有|不带)",
        "none",
    ),
    (
        "selection",
        r"(?:similar|nearest|closest) (?:solved )?(?:examples?|rows|shots)|by (?:embedding|similarity)"
        r"|相似的?(?:样例|例子|示例|样本)",
        "similar",
        r"\bfixed\b|固定",
        "fixed",
    ),
    ("format", r"\bjson\b", "json", r"\b(?:plain )?text\b|文本", "text"),
)
_METRICS: tuple[tuple[str, str], ...] = (
    ("exact_match", r"exact[ _-]?match|完全匹配|精确匹配"),
    ("token_f1", r"token[ _-]?f1|词元 ?f1"),
    ("rougeL", r"rouge[ _-]?l\b"),
    ("rouge1", r"rouge[ _-]?1\b"),
    ("rouge2", r"rouge[ _-]?2\b"),
    ("macro_f1", r"macro[ _-]?f1|宏平均 ?f1"),
    ("accuracy", r"\baccuracy\b|准确率"),
)
_SLICES = re.compile(
    r"(?:slic\w*|cut|broken down|break \w+ down|divided|split) by (\w+(?:(?:, | and |, and )\w+)*)"
    r"|按((?:语言|长度|标签)(?:[、和](?:语言|长度|标签))*)",
)
_FIELDS = {"语言": "language", "长度": "length", "标签": "label", "languages": "language", "labels": "label"}
# A model beside which another is measured: "compared to tiny", "与 tiny 对比". Of Chinese the name may stand within.
_NAMED = r"(?:the |its |our |my |that of )?(?P<{}>[a-z0-9][\w./-]*|父模型|原模型|上一个模型)"
_CHINESE = r"(?:与|和|跟|同|相比于?|相对于?|较之?于?|对比)\s*"
_BESIDE = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        r"\b(?:against|versus|vs\.?|(?:when )?compar(?:ed?|ing) (?:it |that |this |them )?(?:to|with|against)"
        r"|in comparison (?:to|with)|relative to|than)\s+" + _NAMED.format("name"),
        r"\b(?:with|using|taking) " + _NAMED.format("name") + r" as (?:a |the |its )?(?:baseline|reference)\b",
        r"(?:以|用|拿)\s*" + _NAMED.format("name") + r"\s*(?:为|作为?|当作?)\s*(?:基线|基准|对照|参照)",
        _CHINESE + _NAMED.format("name") + r"\s*(?:的(?:结果|表现))?\s*(?:进行|做|作|来)?(?:个|一?下)?"
        r"(?:相比|对比|比较|对照|比一比|比)",
        r"(?:相比于?|相对于|对比|对照|比较)\s*" + _NAMED.format("name"),
    )
)
_PARENT = ("parent", "父模型", "原模型", "上一个模型")
_NO_NAME = re.compile(
    r"before|last|previous|now|that|this|it|them|baseline|ever|expected|usual|target|charter|a|an|all|one|round|\d.*"
)
_LIKE_A_NAME = re.compile(r"[a-z]\w*[-_./\d][\w./-]*", re.ASCII)  # and no ordinary word
_MEASURES = re.compile(
    r"^(?:re-?)?(?:measure|evaluate|eval|test|score|benchmark|assess)\b|^(?:run|do|make) .{0,20}?\beval"
    r"|评估|评测|测(?!试集)",
    re.IGNORECASE,
)
_TASKS = re.compile(r"[\w./~+-]+\.ya?ml\b", re.ASCII)
_RUN = re.compile(r"\bj\d{1,12}(?!\w)", re.ASCII)


def prompting(line: str) -> dict[str, JsonValue]:
    """The arguments of `prompt` that a sentence without names of models and data sets mentions."""
    lower = line.lower()
    found: dict[str, JsonValue] = {}
    for name, cue, value, beside, other in _CHOICES:
        if re.search(cue, lower):
            found[name] = f"{other},{value}" if re.search(beside, lower) else value
    if counts := [n for said in _SHOTS.findall(lower) for n in re.findall(_COUNT, said)]:
        found["shots"] = ",".join(dict.fromkeys(_COUNTS.get(n, n) for n in counts))
    return found


def measuring(line: str) -> dict[str, JsonValue]:
    """The arguments of `evaluate`: the metrics in the order they are named, task files, fields to cut by."""
    lower = line.lower()
    found: dict[str, JsonValue] = {}
    named = [(match.start(), name) for name, cue in _METRICS if (match := re.search(cue, lower))]
    if named:
        found["metrics"] = ",".join(name for _, name in sorted(named))
    if tasks := _TASKS.findall(line):
        found["tasks"] = ",".join(tasks)
    if slices := _SLICES.search(lower):
        fields = re.split(r", and |, | and |[、和]", slices[1] or slices[2])
        found["slices"] = ",".join(_FIELDS.get(field, field) for field in fields)
    return found


def measures_beside(request: str) -> bool:
    """Whether a request is to measure one model beside another, and not to show what was measured of both."""
    beside = next((found for pattern in _BESIDE if (found := pattern.search(request))), None)
    if beside is None:
        return False
    rest = f"{request[: beside.start()]} {request[beside.end() :]}"
    return _MEASURES.search(rest.strip(" ,;")) is not None


def baseline(line: str, models: tuple[str, ...]) -> tuple[str, str]:
    """The model beside which another is to be measured, and the sentence without it; both as they are where there is
    none. A name that no model has is given as it stands, so that somebody is told: dropped, it would be no comparison.
    """
    lower = line.lower()
    for pattern in _BESIDE:
        if (match := pattern.search(lower)) is None:
            continue
        named = match["name"].rstrip("./-")
        known = "parent" if named in _PARENT else next((m for m in models if m.lower() == named), None)
        close = difflib.get_close_matches(named, models, 1, 0.75)
        unknown = named if _LIKE_A_NAME.fullmatch(named) or not (models or _NO_NAME.fullmatch(named)) else ""
        if name := known or (close[0] if close else unknown):
            end = match.start("name") + len(named) if match["name"] != named else match.end()
            return name, f"{lower[: match.start()]} , {lower[end:]}"
    return "", lower


def compared(line: str, models: tuple[str, ...]) -> dict[str, JsonValue]:
    """The runs that are to stand side by side, by job or model; none where all are meant."""
    lower = line.lower()
    named = [m for m in models if re.search(rf"(?<![\w-]){re.escape(m.lower())}(?![\w-])", lower, re.ASCII)]
    runs = [*_RUN.findall(lower), *named]
    return {"runs": ",".join(dict.fromkeys(runs))} if len(runs) > 1 else {}
