"""What a plain sentence mentions: numbers, paths, names, stages, reasons. Pure text in, arguments out."""

import difflib
import itertools
import re
from collections.abc import Callable

from pydantic import JsonValue

from agent.graph import narrowing
from agent.graph.grammar import normalise, pairs
from agent.graph.intents import TOOL_OF, Context, Intent
from agent.graph.measuring_words import baseline, compared, measuring, prompting
from agent.graph.tuning_words import goes_on, tuning
from agent.lifecycle import stages
from agent.lifecycle.gates import CHARTER_FIELDS
from agent.lifecycle.project import Role

Arguments = dict[str, JsonValue]

_ITEMS = r"(?:examples?|rows?|items?|samples?)"
_NUMBER = r"(\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)"
# What people call a tool's parameters, in the order they are tried; the first hit of a parameter counts.
_NUMBERS: tuple[tuple[str, str], ...] = (
    ("per_class", rf"{_NUMBER} (?:{_ITEMS} )?(?:per|an?|each|for each|in each) (?:class|label|intent)"),
    ("per_class", rf"每[个类]?(?:类别?)?\s*{_NUMBER}\s*[条个]"),
    ("epochs", rf"{_NUMBER} (?:epochs?|passes|rounds over)"),
    ("epochs", rf"(?:epochs?|训练|跑)\s*{_NUMBER}\s*(?:轮|epochs?)?"),
    ("epochs", rf"{_NUMBER}\s*轮"),
    ("steps", rf"{_NUMBER} (?:training |optimi[sz]er )?steps"),
    ("steps", rf"{_NUMBER}\s*步"),
    ("rank", rf"(?:rank|r|秩)\s*(?:of |=|为)?\s*{_NUMBER}"),
    ("rank", rf"{_NUMBER}[- ]rank"),
    ("lr", rf"(?:learning rate|lr|学习率)\s*(?:of |to |=|为)?\s*{_NUMBER}"),
    ("batch", rf"batch(?: size)?\s*(?:of |to |=)?\s*{_NUMBER}"),
    ("passages", rf"{_NUMBER} passages"),
    ("port", rf"port\s*{_NUMBER}"),
    ("seed", rf"seed\s*(?:of |=)?\s*{_NUMBER}"),
    ("beta", rf"beta\s*(?:of |=)?\s*{_NUMBER}"),
    ("layers", rf"{_NUMBER} layers"),
    ("vocab", rf"tokeni[sz]er (?:of|with) {_NUMBER}"),
    ("vocab", rf"词表(?:大小)?\s*(?:为|=)?\s*{_NUMBER}"),
    ("vocab", rf"vocab(?:ulary)?(?: size)?\s*(?:of )?{_NUMBER}"),
    ("limit", rf"(?:only |first |limit (?:to )?|at most |just )+{_NUMBER}"),
    ("limit", rf"(?:on|over) {_NUMBER} (?:rows|items|examples|questions)"),
    ("coverage", r"(?:coverage|cover(?:ing)?|keep(?:ing)?) (?:of )?(\d+(?:\.\d+)? ?%|0?\.\d+)"),
)  # fmt: skip
_PATH = re.compile(
    r"""(?P<quoted>"[^"]+"|'[^']+')|(?P<path>(?:hub:)?(?:~|\.{1,2})?/?(?:[\w.+-]+/)+[\w.+-]*"""
    r"""|[\w+-]+\.(?:csv|tsv|jsonl?|parquet|ya?ml|txt|md|pdf|html?|docx)\b|support-desk:\w+)""",
    re.IGNORECASE | re.ASCII,
)
_REASON = re.compile(r"(?:\bbecause\b|\bsince\b|\breason\s*:|因为|原因是?[:：]?)\s*(?P<reason>.{3,})", re.IGNORECASE)
_CALLED = re.compile(
    r"(?:called|named|call it|name it|\bas|叫做?|名为|命名为)\s*[\"']?\b([A-Za-z0-9][\w.-]*)", re.IGNORECASE
)
_GOES_ON = re.compile(  # what no name has within: the sentence goes on with it
    r"for|to|that|which|about|with|on|in|as|and|please|now|is|called|named|of|where|who|so|because|[,;:!?\"']",
    re.IGNORECASE,
)
_ON = re.compile(  # what no name has within: the sentence goes on with it
    r"for|to|that|which|about|with|on|in|as|and|please|now|is|called|named|of|where|who|so|because|[,;:!?\"']",
    re.IGNORECASE,
)
_AGAINST = r"against|compared? (?:to|with)|versus|vs\.?|than|相比|对比"
_ON = re.compile(r"\b(?:on|using)\s+(?:the |our |my |data )?([a-z][\w.-]*)\b(?! (?:set|split|classes|rows|model)\b)")
_VERB = re.compile(
    r"\b(?:fine-?tune|pre-?train(?:ing)?|train|tune|evaluate|test|measure|score|quanti[sz]e|serve|deploy|align|compress|prompt)\s+"
    r"([a-z][\w.-]*)(?=\s+(?:on|to|with|for|as|against)\b|[.!?]?$)"
)
_COMMON = re.compile(
    r"it|this|that|these|them|the|an?|our|my|test|dev|development|train|training|validation|cpu|gpu|all|data|dataset|"
    r"model|again|one|two|which|top|held-out|unseen|new|more|real|what|something|everything|lora|dpo|grpo|hub"
)
_JOB = re.compile(r"\bj(\d{1,12})\b|(?:job|service|number|run|任务)\s*#?\s*j?(\d{1,12})\b|#(\d{1,12})\b", re.IGNORECASE)


def paths(text: str) -> list[str]:
    """Everything that looks like a path, a file or a part of the sample."""
    return [match[0] for match in _PATH.finditer(text) if match["path"]]


def without_reason(text: str) -> str:
    """The request itself, without why it is made."""
    match = _REASON.search(text)
    return text[: match.start()].strip(" ,;-") if match else text


def names_job(text: str) -> bool:
    return _JOB.search(text) is not None


def find(intent: Intent, text: str, context: Context) -> Arguments:
    """The arguments a sentence mentions for an intent."""
    line = normalise(text)
    if intent in TOOL_OF:
        return _tool(intent, line, context)
    finder = _FINDERS.get(intent)
    return finder(line, context) if finder else {}


# --- tools -------------------------------------------------------------------------------------------------------


def _tool(intent: Intent, line: str, context: Context) -> Arguments:
    if intent is Intent.REGISTER_DATA:
        return _data(line, context)
    found: Arguments = {**_numbers(line), **_words(intent, line, context)}
    known = context.tools.get(TOOL_OF[intent])
    return {k: v for k, v in found.items() if known is None or k in known} | _explicit(line)


def _explicit(line: str) -> Arguments:
    """`key=value` anywhere in the sentence."""
    start = re.search(r"\b[A-Za-z_]\w*\s*=", line)
    return (pairs(line[start.start() :]) or {}) if start else {}


def _numbers(line: str) -> Arguments:
    found: Arguments = {}
    for name, pattern in _NUMBERS:
        match = re.search(rf"(?<![\w.]){pattern}", line, re.IGNORECASE)
        if match and name not in found:
            found[name] = _share(match[1]) if name == "coverage" else match[1].replace(",", "")
    return found


def _share(text: str) -> str:
    return f"{float(text.rstrip(' %')) / 100:g}" if text.endswith("%") else text


def _words(intent: Intent, line: str, context: Context) -> Arguments:
    found: Arguments = {}
    lower = line.lower()
    if data := _mentioned(lower, context.datasets) or _meant(_ON, lower, context.datasets):
        found["preferences" if intent is Intent.RLHF else "data"] = data
    beside, lower = baseline(line, context.models)
    if beside:
        found["compare_to"] = beside
    if model := _mentioned(lower, context.models) or _meant(_VERB, lower, context.models):
        found["model"] = model
    if name := _CALLED.search(line):
        found["name"] = name[1]
    unnamed = _without(lower, (*context.models, *context.datasets))
    if method := re.search(r"\b(grpo|dpo|kto|rloo|lora|int8|int4|nf4)\b", unnamed):
        found["method"] = method[1]
    if intent is Intent.FINETUNE:
        found |= tuning(unnamed)
    if intent is Intent.PRETRAIN:
        named = found.pop("model", "current")
        found |= {"model": named} if goes_on(line) else {}
    if re.search(r"\b(dev|development)\b(?: set| split)?", lower):
        found["split"] = "dev"
    if intent is Intent.AUGMENT:
        abstains = re.search(r"abstain|threshold|confiden|uncertain|unsure|弃权|拒答", lower)
        found["kind"] = "abstain" if abstains else "retrieval"
    if intent is Intent.CANDIDATES:
        found |= _places(line)
    if intent is Intent.PROMPT:
        found |= prompting(unnamed)
    if intent is Intent.EVALUATE:
        found |= measuring(line)
    if intent is Intent.COMPARE_RUNS:
        found |= compared(line, context.models)
    return found


_FOLDER = re.compile(r"(?<![\w./])(?:~|\.{1,2})?/[\w./+-]*[\w+-]", re.ASCII)
_HUB_ID = re.compile(r"(?<![\w./~-])[A-Za-z0-9][\w.-]*/[\w.-]*\w(?![\w/])", re.ASCII)


def _places(line: str) -> Arguments:
    """Where candidates lie: a folder, or ids on the hub, which look like `maker/model`."""
    folder, ids = _FOLDER.search(line), _HUB_ID.findall(line)
    found: Arguments = {"folder": folder[0]} if folder else {}
    return found | ({"hub": ",".join(ids)} if ids else {})


def _mentioned(lower: str, names: tuple[str, ...]) -> str | None:
    """The longest known name that stands in the sentence as a word."""
    found = [n for n in names if re.search(rf"(?<![\w-]){re.escape(n.lower())}(?![\w-])", lower, re.ASCII)]
    return max(found, key=len, default=None)


def _meant(pattern: re.Pattern[str], lower: str, known: tuple[str, ...]) -> str | None:
    """A name where a name belongs: as it stands where none is known, else the known one it is a slip of."""
    names: list[str] = pattern.findall(lower)
    for name in names:
        if _COMMON.fullmatch(name):
            continue
        if not known:
            return name
        if close := difflib.get_close_matches(name, known, 1, 0.75):
            return str(close[0])
    return None


def _without(lower: str, names: tuple[str, ...]) -> str:
    for name in names:
        lower = lower.replace(name.lower(), " ")
    return lower


def _data(line: str, context: Context) -> Arguments:
    found = _path(line, context)
    rest = line.replace(str(found.get("path", "\0")), " ")
    if name := _CALLED.search(rest):
        quote = rest[name.start(1) - 1]
        found["name"] = _quoted_name(rest[name.start(1) :], quote) if quote in "\"'" else name[1]
    for role in ("text", "label", "prompt", "completion"):
        pattern = rf"(?:{role}s? (?:column )?(?:is|are|in|=)(?: in)?(?: column)?|{role} column|column)\s+[\"']?(\w+)"
        if (match := re.search(pattern, rest, re.IGNORECASE)) and role in match[0].lower():
            found[f"{role}_column"] = match[1]
    if re.search(r"\b(?:mask|anonymi[sz]|redact|hid)\w*|脱敏|打码|隐去|屏蔽", rest, re.IGNORECASE):
        found["mask"] = "true"
    if group := re.search(r"\bgroup(?:ed)? by (?:column )?(\w+)|按\s*(\w+)\s*分组", rest, re.IGNORECASE | re.ASCII):
        found["group_column"] = group[1] or group[2]
    return found | _explicit(rest)


# --- everything else ---------------------------------------------------------------------------------------------


def _history(line: str, context: Context) -> Arguments:
    """The history of one thing is that of the decisions about it."""
    if job := _named_job(line):
        return job
    found = narrowing.decided(line, context)
    return {"query": "decisions", **found} if found else {}


def _path(line: str, context: Context) -> Arguments:
    match = _PATH.search(line)
    if match is None:
        return {}
    return {"path": (match["quoted"] or match["path"]).strip("\"'").rstrip(".,;")}


def _document(line: str, context: Context) -> Arguments:
    """The document that is named, by its whole name or as a file."""
    known = next((name for name in context.documents if name.lower() in line.lower()), None)
    found = known or _path(line, context).get("path")
    return {"name": found} if found else {}


def _job(line: str, context: Context) -> Arguments:
    return _named_job(line) or ({"job": context.jobs[-1]} if context.jobs else {})


def _named_job(line: str) -> Arguments:
    match = _JOB.search(line)
    return {"job": "j" + next(group for group in match.groups() if group)} if match else {}


def _reason(line: str) -> Arguments:
    match = _REASON.search(line)
    return {"reason": match["reason"].strip()} if match else {}


def _stage(line: str, context: Context) -> Arguments:
    request = re.sub(r"\b(choos|defin)ing\b", r"\1e", without_reason(line), flags=re.IGNORECASE)
    after = re.search(
        r"(?:\bto\b|\bat\b|回到?|返回)\s*(?:the )?(?:stage )?(.+?)(?: stage| phase| again|阶段)?[吧了呢]*$",
        request,
        re.IGNORECASE,
    )
    stage = stages.find(after[1]) if after else None
    if stage is None:
        words = re.findall(r"[a-z]+|[\u4e00-\u9fff]{2,}", request.lower())
        stage = next((s for word in words if (s := stages.find(word))), None)
    return ({"stage": stage.value} if stage else {}) | _reason(line)


def _project_name(line: str, context: Context) -> Arguments:
    known = _mentioned(line.lower(), context.projects)
    if known:
        return {"name": known}
    match = re.search(
        r"(?:project|项目)\s*(?:called |named |叫做?|名为)?\s*[\"']?([A-Za-z0-9][\w.-]*)", line, re.IGNORECASE
    )
    called = _CALLED.search(line) or match
    name = _whole_name(line, called.start(1)) if called else ""
    return {"name": name} if name else {}


def _whole_name(line: str, start: int) -> str:
    """The words of a name from `start`, joined: those in its quotes, or up to one with which the sentence goes on."""
    quote = line[start - 1 : start]
    if quote in ('"', "'"):
        return _quoted_name(line[start:], quote)
    first, *others = re.findall(r"[\w.-]+|[^\w.-]", line[start:])
    if _GOES_ON.fullmatch(first):
        return ""
    more = itertools.takewhile(lambda word: word.isascii() and not _GOES_ON.fullmatch(word), others)
    return "-".join([first, *(word for word in more if word != " ")]).strip(".-")


def _quoted_name(rest: str, quote: str) -> str:
    return "-".join(re.findall(r"[\w.-]*\w", rest.split(quote)[0]))


_SKIPPED = {"align": "align|rlhf|preference|对齐", "quantize": "quanti|int8|optimi|量化", "prompting": "prompt|提示"}


def _skip(line: str, context: Context) -> Arguments:
    lower = without_reason(line).lower()
    what = next((what for what, cue in _SKIPPED.items() if re.search(cue, lower)), None)
    return ({"what": what} if what else {}) | _reason(line)


def _waive(line: str, context: Context) -> Arguments:
    lower = without_reason(line).lower().replace(" ", "_")
    requirement = next((r for r in context.requirements if r in lower), None)
    return ({"requirement": requirement} if requirement else {}) | _reason(line)


def _choose(line: str, context: Context) -> Arguments:
    request = without_reason(line)
    known = _mentioned(request.lower(), context.models)
    path = _path(request, context).get("path")
    named = re.search(
        r"(?:model|模型|choose|pick|select|take|use|with|选择?|用)\s+(?:the )?([A-Za-z][\w./-]*)",
        request,
        re.IGNORECASE,
    )
    generic = {"model", "the", "a", "an", "it", "this", "that", "existing", "as"}
    model = known or path or (named[1] if named and named[1].lower() not in generic else None)
    return ({"model": model} if model else {}) | _reason(line)


def _role(line: str, context: Context) -> Arguments:
    roles = "|".join(Role)
    role = re.search(rf"\b({roles})\b", line, re.IGNORECASE)
    person = re.search(
        r"(?:make|give|set|let|add|让|把|设)\s+@?([A-Za-z0-9][\w.-]*)|@([A-Za-z0-9][\w.-]*)", line, re.IGNORECASE
    )
    found: Arguments = {"role": role[1].lower()} if role else {}
    return found | ({"person": person[1] or person[2]} if person else {})


def _rules(line: str, context: Context) -> Arguments:
    found: Arguments = {}
    if match := re.search(r"(\d|one|two|three) (?:approvers?|approvals?|people)", line, re.IGNORECASE):
        found["approvers"] = {"one": "1", "two": "2", "three": "3"}.get(match[1].lower(), match[1])
    if match := re.search(r"(\d+) ?(?:h|hours?|小时)", line, re.IGNORECASE):
        found["hours"] = match[1]
    return found | _explicit(line)


_METRIC = re.compile(
    r"\b(exact[ _]match|token[ _]f1|entity[ _]f1|accuracy|rouge-?[12l]|recall@[15]|mrr|ndcg@10)\b", re.IGNORECASE
)


def _charter(line: str, context: Context) -> Arguments:
    from_file = re.search(r"\bfrom\b", line) and _path(line, context)
    if from_file:
        return from_file
    found: Arguments = {}
    if match := re.search(r"target\b[^\d]{0,20}(\d+(?:\.\d+)? ?%|0?\.\d+)", line, re.IGNORECASE):
        found["target"] = _share(match[1])
    if match := re.search(r"(?:latency|延迟)[^\d]{0,20}(\d+(?:\.\d+)? ?(?:ms|s)?)", line, re.IGNORECASE):
        found["latency_ms"] = match[1]
    if match := re.search(r"(?:memory|内存)[^\d]{0,20}(\d+(?:\.\d+)? ?(?:mb|gb)?)", line, re.IGNORECASE):
        found["memory_mb"] = match[1]
    if match := _METRIC.search(line):
        found["metric"] = match[1].lower().replace(" ", "_")
    if (data := _mentioned(line.lower(), context.datasets)) and re.search(r"test[ _-]?set|测试集", line):
        found["test_set"] = data
    return {"fields": found | {k: v for k, v in _explicit(line).items() if k in CHARTER_FIELDS}}


_FINDERS: dict[Intent, Callable[[str, Context], Arguments]] = {
    Intent.USE_PROJECT: _project_name,
    Intent.CREATE_PROJECT: _project_name,
    Intent.SET_CHARTER: _charter,
    Intent.ADD_DOCUMENTS: _path,
    Intent.REMOVE_DOCUMENT: _document,
    Intent.ADD_MODEL: _choose,
    Intent.CHOOSE_MODEL: _choose,
    Intent.CANCEL: _job,
    Intent.RESUME: _job,
    Intent.JOBS: lambda line, context: _named_job(line) or narrowing.jobs(line),
    Intent.SPENT: lambda line, context: narrowing.in_period(line),
    Intent.BEST: lambda line, context: narrowing.measured(line),
    Intent.EVIDENCE: narrowing.shown,
    Intent.COMPARE: narrowing.compared,
    Intent.DECISIONS: narrowing.decided,
    Intent.HISTORY: _history,
    Intent.LOGS: _job,
    Intent.WAIT: lambda line, context: {"job": m[0]} if (m := re.search(r"\bj\d+\b", line)) else {},
    Intent.GO_BACK: _stage,
    Intent.SKIP: _skip,
    Intent.WAIVE: _waive,
    Intent.SET_ROLE: _role,
    Intent.SET_RULES: _rules,
    Intent.ASK_KNOWLEDGE: lambda line, context: {"question": line},
}
