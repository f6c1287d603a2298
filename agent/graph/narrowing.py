"""What of a status answer a sentence asks for: jobs of a state, a period, a round, what a decision is about."""

import re

from pydantic import JsonValue

from agent.graph.intents import Context
from agent.lifecycle import stages
from agent.status import JobKind

Arguments = dict[str, JsonValue]

_STATES: dict[JobKind, str] = {
    "failed": r"\bfail\w*|\bcrash\w*|\bbroke(?:n)?\b|went wrong|\bdied\b|失败|出错|崩溃",
    "cancelled": r"\bcancel\w*|取消",
    "stopped": r"\bstopped\b|停止|停掉",
    "succeeded": r"\bsucce\w*|\bfinished\b|\bcompleted?\b|\bdone\b|成功|完成|跑完",
    "serving": r"\bserving\b|服务中",
    "running": r"\brunning\b|\bin progress\b|正在(?:跑|运行|训练|进行)|运行中|在跑",
}
_PERIODS = {
    "today": r"\btoday\b|今天|今日",
    "yesterday": r"\byesterday\b|昨天|昨日",
    "last week": r"\b(?:last|previous) week\b|上个?(?:星期|周|礼拜)",
    "this week": r"\bthis week\b|[这本]个?(?:星期|周|礼拜)",
    "last month": r"\b(?:last|previous) month\b|上个?月",
    "this month": r"\bthis month\b|[这本]个?月",
}
_NUMBERS = {"one": "1", "two": "2", "three": "3", "first": "1", "second": "2", "third": "3", "fourth": "4"} | {
    character: str(number) for number, character in enumerate("一二三四五六七八九", 1)
}
_COUNTED = re.compile(
    r"(?:(?:last|past|in) (?P<count>\d{1,4}) (?P<unit>hour|day|week)s?)"
    r"|(?:最近|过去|近)(?P<zh>\d{1,4}|[一二三四五六七八九])(?:个)?(?P<zh_unit>小时|天|日|周|星期)"
)
_ZH_UNITS = {"小时": "hours", "天": "days", "日": "days", "周": "weeks", "星期": "weeks"}
_DATE = re.compile(r"(?:since|from|自从?|从)\s*(\d{4}-\d{2}-\d{2})")
_ROUND = re.compile(
    r"\bround (?P<number>\d{1,3}|one|two|three)\b"
    r"|\b(?P<ordinal>first|second|third|fourth|\d{1,3}(?:st|nd|rd|th)) round\b"
    r"|第(?P<zh>\d{1,3}|[一二三四五六七八九])轮",
)


_LAST = re.compile(
    r"\b(?:latest|newest|most recent|last(?! (?:week|month)))\b|最新|最近一次|上一?次|刚才", re.IGNORECASE
)


_METRICS = {  # names of metrics by how they begin, and what people call them; the charter's own needs no word
    "latency": r"\blatency\b|\bresponse time|\bhow (?:fast|quick(?:ly)?|slow(?:ly)?)\b|延迟|响应时间|多快|速度",
    "perplexity": r"\bperplexity\b|困惑度",
    "peak_memory": r"\bmemory\b|内存|显存",
    "right_facts": r"\bfacts?\b|事实",
    "ece": r"\bcalibrat\w+|\bece\b|校准",
}
_MADE = {  # methods, as candidates name them, and what people call them
    "int8": r"\bint8\b|\bquanti[sz]\w+|量化",
    "dpo": r"\bdpo\b",
    "grpo": r"\bgrpo\b",
    "lora": r"\blora\b",
    "pretrain": r"\bpre-?trained\b|预训练",
}


def job_kind(text: str) -> JobKind | None:
    return next((state for state, words in _STATES.items() if re.search(words, text, re.IGNORECASE)), None)


def since(text: str) -> str | None:
    """The period a sentence names, as `status.period` reads it."""
    lower = text.lower()
    if named := next((name for name, words in _PERIODS.items() if re.search(words, lower)), None):
        return named
    if date := _DATE.search(lower):
        return date[1]
    if (counted := _COUNTED.search(lower)) is None:
        return None
    if counted["count"]:
        return f"{counted['count']} {counted['unit']}s"
    return f"{_NUMBERS.get(counted['zh'], counted['zh'])} {_ZH_UNITS[counted['zh_unit']]}"


def round_of(text: str) -> int | None:
    """The round a sentence names; where it names several they are compared, and none is left out."""
    named = rounds(text)
    return next(iter(named)) or None if len(named) == 1 else None


def rounds(text: str) -> set[int]:
    """Every round a sentence names."""
    return {_number(match) for match in _ROUND.finditer(text.lower())}


def _number(match: re.Match[str]) -> int:
    word = match["number"] or match["ordinal"] or match["zh"]
    return int(_NUMBERS.get(word, re.sub(r"\D", "", word)))


def about(text: str, context: Context) -> str | None:
    """A model or requirement of the project, an approval's number, a stage or a technique that is named."""
    lower = text.lower()
    names = (*context.models, *context.requirements)
    if known := [name for name in names if re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", lower)]:
        return max(known, key=len)
    if number := re.search(r"\bapproval #?(\d{1,12})\b|审批\s*#?(\d{1,12})", lower):
        return f"approval {number[1] or number[2]}"
    words = re.findall(r"[a-z]{4,}|[\u4e00-\u9fff]{2,}", lower)
    pairs = [word[i : i + 2] for word in words if not word.isascii() for i in range(len(word) - 1)]
    stage = next((found for word in (*words, *pairs) if (found := stages.find(word))), None)
    if stage is None and re.search(r"\b(?:the|this|our|which) model\b|模型", lower):
        return stages.Stage.SELECT.value
    return stage.value if stage else None


def jobs(text: str) -> Arguments:
    return _given(state=job_kind(text), since=since(text))


def in_period(text: str) -> Arguments:
    return _given(since=since(text))


def measured(text: str) -> Arguments:
    return _given(round=round_of(text))


def compared(text: str, context: Context) -> Arguments:
    """What of the comparisons: a round, or the models that are named or told by how they were made."""
    return measured(text) | _of(models(text, context))


def shown(text: str, context: Context) -> Arguments:
    """Everything that was measured, or the last of it, or that of some models or one metric."""
    metric = next((name for name, words in _METRICS.items() if re.search(words, text, re.IGNORECASE)), None)
    last = {"query": "latest"} if _LAST.search(text) else {}
    return {**last, **measured(text), **_of(models(text, context)), **_given(metric=metric)}


def models(text: str, context: Context) -> list[str]:
    """Names of the project's models, and methods, in a sentence; a name's parts count as that name alone."""
    lower, found = text.lower(), []
    for name in sorted(context.models, key=len, reverse=True):
        pattern = rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])"
        if re.search(pattern, lower):
            found.append(name)
            lower = re.sub(pattern, " ", lower)
    return [*sorted(found, key=context.models.index), *(way for way, words in _MADE.items() if re.search(words, lower))]


def _of(names: list[str]) -> Arguments:
    return {"models": [*names]} if names else {}


def decided(text: str, context: Context) -> Arguments:
    return _given(since=since(text), round=round_of(text), about=about(text, context))


def _given(**arguments: JsonValue) -> Arguments:
    return {name: value for name, value in arguments.items() if value is not None}
