"""The commands: one exact form each (some with a second), in English and Chinese. Pure text in, a reading out."""

import re
from collections.abc import Callable, Iterator

from pydantic import JsonValue

from agent.graph.intents import TOOL_OF, Context, Intent, Reading
from agent.lifecycle import stages
from agent.lifecycle.project import Role

Arguments = dict[str, JsonValue]

YES = frozenset(
    [
        "yes",
        "y",
        "yep",
        "yeah",
        "ok",
        "okay",
        "sure",
        "confirm",
        "confirmed",
        "do_it",
        "yes_please",
        "是",
        "是的",
        "好",
        "好的",
        "确认",
        "对",
        "可以",
        "行",
    ]
)
NO = frozenset(
    [
        "no",
        "n",
        "nope",
        "decline",
        "never_mind",
        "nevermind",
        "no_thanks",
        "no_thank_you",
        "leave_it",
        "discard",
        "不",
        "否",
        "不要",
        "不用",
        "算了",
        "不了",
        "取消",
    ]
)

_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)"
_BECAUSE = r"(?:\s*(?:,|;|:|—|-)?\s*(?:because|since|as|reason\s*[:=]|因为|原因是?[:：]?)\s*[:：]?\s*(?P<reason>.+))?"
_PAIR = re.compile(r"""(?P<key>[A-Za-z_]\w*)\s*=\s*(?P<value>"[^"]*"|'[^']*'|.*?)(?=[\s,;]+[A-Za-z_]\w*\s*=|\s*$)""")
_TO_ASCII = str.maketrans("，：＝（）；！？＃", ",:=();!?#")
_TOOL_WORDS: dict[Intent, str] = {
    Intent.CANDIDATES: r"select(?: candidates)?|compare candidate models|(?:比较|对比)?候选模型(?:比较|对比)|选型",
    Intent.PRETRAIN: r"pre-?train|预训练",
    Intent.PROMPT: r"prompt|try prompts|试提示|提示",
    Intent.FINETUNE: r"fine-?tune|微调",
    Intent.EVALUATE: r"evaluate|eval|measure|评估|测量",
    Intent.COMPARE_RUNS: r"compare runs(?!=)|compare|比较运行",
    Intent.RLHF: r"rlhf|align|对齐",
    Intent.QUANTIZE: r"quanti[sz]e|量化",
    Intent.SERVE: r"serve|部署服务",
    Intent.AUGMENT: r"augment|增强",
    Intent.REPORT: r"report|报告",
    Intent.REGISTER_DATA: r"data",
}


def normalise(text: str) -> str:
    """One line, single spaces, ASCII punctuation, no control characters, no leading slash."""
    plain = "".join(ch if ch.isprintable() else " " for ch in text.translate(_TO_ASCII))
    return re.sub(r"^[/!]\s*", "", " ".join(plain.split()))


def pairs(text: str) -> Arguments | None:
    """`key=value …` as a mapping; an unquoted value reaches to the next key. None if anything else stands there."""
    found: Arguments = {}
    end = 0
    for match in _PAIR.finditer(text):
        if text[end : match.start()].strip(" ,;"):
            return None
        value = match["value"].strip().rstrip(",;")
        if value[:1] in "\"'" and value[-1:] == value[:1] and len(value) > 1:
            value = value[1:-1]
        found[match["key"]] = None if value.lower() in ("", "none", "null") else value
        end = match.end()
    return None if text[end:].strip(" ,;") else found


def confirms(text: str) -> int | bool:
    """Whether the line is a plain yes; the number where it is `confirm N`."""
    line = _bare(text)
    if match := re.fullmatch(r"(?:confirm|确认)\s*#?(\d{1,9})", line):
        return int(match[1])
    return line.replace(" ", "_") in YES


def declines(text: str) -> bool:
    return _bare(text).replace(" ", "_") in NO


def picked(text: str) -> int | None:
    """The number of a choice: `2`, `2.`, `#2`, `option 2`, `第2个`."""
    match = re.fullmatch(r"(?:option |number |choice |第)?#?(\d)\s*[个.)]?", _bare(text))
    return int(match[1]) if match else None


def decision(text: str) -> Reading | None:
    """`approve 31`, `reject 31 because …`: all that decides an approval, with nothing invisible in between."""
    if not text.strip().isprintable():
        return None
    line = normalise(text)
    if match := re.fullmatch(r"(?:approve|批准)\s*#?(\d{1,12})\s*[.。]?", line, re.IGNORECASE):
        return Reading(intent=Intent.APPROVE, arguments={"number": int(match[1])})
    if match := re.fullmatch(r"(?:reject|拒绝|驳回)\s*#?(?P<number>\d{1,12})" + _BECAUSE, line, re.IGNORECASE):
        return Reading(intent=Intent.REJECT, arguments={"number": int(match["number"]), "reason": match["reason"]})
    return None


def parse(text: str, context: Context) -> Reading | None:
    """The command a line is, or None where it is none."""
    line = normalise(text)
    if reading := decision(text):
        return reading
    number = confirms(line)
    if number:
        return Reading(intent=Intent.YES, arguments={} if number is True else {"number": number})
    if declines(line):
        return Reading(intent=Intent.NO)
    if (choice := picked(line)) is not None:
        return Reading(intent=Intent.CHOICE, arguments={"number": choice})
    return _command(line, context) or _tool_command(line, context)


def _bare(text: str) -> str:
    return normalise(text).rstrip(".!。").strip().lower()


# --- commands of the assistant itself ----------------------------------------------------------------------------


def _plain(match: re.Match[str], context: Context) -> Arguments | None:
    return {key: value for key, value in match.groupdict().items() if value is not None}


def _create(match: re.Match[str], context: Context) -> Arguments | None:
    name, rest = match["name"], (match["rest"] or "").strip()
    if name.lower() in {"for", "to", "that", "which", "about", "with", "called", "named"}:
        return None
    if not rest:
        return {"name": name}
    described = pairs(rest) or {}
    if set(described) == {"description"}:
        return {"name": name, **described}
    lead = re.match(r"(?:[:,]|-{1,2}|—)\s*(.+)", rest)
    return {"name": name, "description": lead[1]} if lead else None


def _fields(match: re.Match[str], context: Context) -> Arguments | None:
    return pairs(match["rest"]) or None


def _charter_fields(match: re.Match[str], context: Context) -> Arguments | None:
    found = pairs(match["rest"])
    return {"fields": found} if found else None


def _register(match: re.Match[str], context: Context) -> Arguments | None:
    rest = pairs(match["rest"] or "")
    if rest is None:
        return None
    name = match["name"] or match["named"]
    named: Arguments = {"name": name} if name else {}
    return {"path": _unquoted(match["path"]), **named, **rest}


def _path(match: re.Match[str], context: Context) -> Arguments | None:
    return {"path": _unquoted(match["path"])}


def _folder(match: re.Match[str], context: Context) -> Arguments | None:
    """A last dot or question mark is the sentence's."""
    return {"folder": _unquoted(match["path"].rstrip("?"))} if match["path"] else {}


def _unquoted(path: str) -> str:
    return path[1:-1] if path[:1] in "\"'" and path[-1:] == path[:1] and len(path) > 1 else path


def _stage(match: re.Match[str], context: Context) -> Arguments | None:
    stage = stages.find(match["stage"])
    return _with_reason({"stage": stage.value}, match) if stage else None


def _with_reason(arguments: Arguments, match: re.Match[str]) -> Arguments:
    return {**arguments, "reason": match["reason"].strip()} if match["reason"] else arguments


def _reasoned(match: re.Match[str], context: Context) -> Arguments | None:
    what = {key: value for key, value in match.groupdict().items() if key != "reason" and value is not None}
    return _with_reason(what, match)


def _role(match: re.Match[str], context: Context) -> Arguments | None:
    role = match["role"].lower()
    if role in ("none", "nobody", "remove"):
        return {"person": match["name"], "role": None}
    return {"person": match["name"], "role": role} if role in set(Role) else None


def _logged(match: re.Match[str], context: Context) -> Arguments | None:
    """Of the newest job where none is named."""
    newest: Arguments = {"job": context.jobs[-1]} if context.jobs else {}
    return {"job": match["job"]} if match["job"] else newest


def _use(match: re.Match[str], context: Context) -> Arguments | None:
    named = bool(match["word"]) or match["name"] in context.projects or match["name"] not in context.models
    return {"name": match["name"]} if named else None


def _chosen(match: re.Match[str], context: Context) -> Arguments | None:
    if not match["word"] and match["model"] not in context.models:
        return None
    return _with_reason({"model": match["model"]}, match)


Handler = Callable[[re.Match[str], Context], Arguments | None]


def _form(pattern: str, intent: Intent, handler: Handler = _plain) -> tuple[re.Pattern[str], Intent, Handler]:
    return re.compile(pattern, re.IGNORECASE), intent, handler


_JOB = r"(?:job |service |任务)?#?(?P<job>j?\d{1,12})"
_PATH = r"""(?P<path>"[^"]+"|'[^']+'|\S+)"""
_SHOW = r"(?:show |list |my |the |显示|查看)*"
_SHOWN = r"(?:show |open |print |read |give |see |me |us |the |last |显示|查看|看)*"

_FORMS = (
    _form(r"(?:help|帮助|\?)(?: (?P<topic>[\w-]+))?", Intent.HELP),
    _form(r"(?:hi|hello|hey|thanks|thank you|你好|谢谢)(?: odyssey| there| all)?[.!]*", Intent.GREET),
    _form(_SHOW + r"(?:projects|all projects|项目|项目列表)", Intent.PROJECTS),
    _form(
        r"(?:(?:create|new|make)(?: an?| the)?(?: new)? project(?: called| named)?\s+|(?:创建|新建)项目\s*)"
        + _NAME
        + r"(?P<rest>.*)",
        Intent.CREATE_PROJECT,
        _create,
    ),
    _form(
        r"(?:use|open|switch to|go to project|使用|切换到)\s*(?P<word>project |项目)?\s*" + _NAME,
        Intent.USE_PROJECT,
        _use,
    ),
    _form(r"(?:fill |填写)?(?:in |out )?(?:the )?(?:charter|章程)", Intent.FILL_CHARTER),
    _form(_SHOW.rstrip("*") + r"+(?:charter|章程)", Intent.CHARTER),
    _form(r"(?:charter|章程) (?:from|file|来自) " + _PATH, Intent.SET_CHARTER, _path),
    _form(
        r"(?:set |update )?(?:the )?(?:charter|章程)[:,]? (?:set )?(?P<rest>.+=.*)", Intent.SET_CHARTER, _charter_fields
    ),
    _form(
        r"(?:register|add|登记)\s*(?:the )?(?:data|dataset|data set|数据)\s*(?:from )?"
        + _PATH
        + r"(?: (?:as|called|named)\s+(?P<name>[\w.-]+)|\s*(?:为|作为)\s*(?P<named>[\w.-]+))?"
        + r"(?P<rest>(?:\s+\w+\s*=.*)?)",
        Intent.REGISTER_DATA,
        _register,
    ),
    _form(
        r"(?:register|load|import|登记)\s*(?:the |some |my |our )?(?:data|dataset|data set|数据)", Intent.REGISTER_DATA
    ),
    _form(
        r"(?:add|ingest|添加|加入)\s*(?:the )?(?:documents?|docs|文档)\s*(?:from |in )?" + _PATH,
        Intent.ADD_DOCUMENTS,
        _path,
    ),
    _form(
        r"(?:remove|delete|forget|drop|删除|移除|删掉)\s*(?:the )?(?:documents?|docs?|文档)\s*"
        r"[\"']?(?P<name>[^\"']+)[\"']?",
        Intent.REMOVE_DOCUMENT,
        _plain,
    ),
    _form(
        r"(?:which|what)(?: existing| base| candidate)? models (?:could|can|might|should) (?:we|i) (?:use|take|choose)"
        r"(?:,? (?:from|in|of) " + _PATH + r")?\??",
        Intent.CANDIDATES,
        _folder,
    ),
    _form(
        r"(?:我们)?(?:有哪些候选模型|(?:可以|能)用哪些模型|有哪些模型(?:可以|能|可)[用选]|候选模型有哪些)\??",
        Intent.CANDIDATES,
    ),
    _form(r"add (?:the )?model " + r"(?P<model>\S+)" + _BECAUSE, Intent.ADD_MODEL),
    _form(
        r"(?:choose|pick|select|use|选择|选用)\s*(?:the )?(?P<word>model |模型)?\s*(?P<model>[^\s,;]+?)" + _BECAUSE,
        Intent.CHOOSE_MODEL,
        _chosen,
    ),
    _form(
        r"(?:(?:that|this|it|the answer)(?: is|'s) (?:wrong|not right|not true|incorrect|outdated)"
        r"|(?:这|那|上面的?回答|回答)(?:不对|错了|是错的|不正确|过时了?))" + _BECAUSE,
        Intent.CORRECT_ANSWER,
        _reasoned,
    ),
    _form(
        r"(?:please )?correct (?:the )?answer to [\"“](?P<question>[^\"”]+)[\"”]" + _BECAUSE,
        Intent.CORRECT_ANSWER,
        _reasoned,
    ),
    _form(r"更正[“\"](?P<question>[^\"”]+)[\"”]的回答" + _BECAUSE, Intent.CORRECT_ANSWER, _reasoned),
    _form(r"(?:please )?pin (?:the )?answer #?(?P<number>\d{1,12}) as:? (?P<text>.+)", Intent.PIN_ANSWER),
    _form(r"(?:固定|置顶)回答\s*#?(?P<number>\d{1,12})\s*(?:为|成|:)\s*(?P<text>.+)", Intent.PIN_ANSWER),
    _form(
        r"(?:(?:please )?reject (?:the )?(?:answer|correction)|驳回(?:回答|更正))\s*#?(?P<number>\d{1,12})" + _BECAUSE,
        Intent.REJECT_CORRECTION,
        _reasoned,
    ),
    _form(_SHOW + r"(?:data|datasets|data sets|documents|数据|数据集)", Intent.DATA),
    _form(_SHOW + r"(?:models|candidates|模型|候选模型)", Intent.MODELS),
    _form(_SHOW + r"(?:jobs|任务)", Intent.JOBS),
    _form(_SHOW + r"(?P<state>running|serving|succeeded|failed|cancelled|stopped) jobs", Intent.JOBS),
    _form(_SHOWN + r"(?:job |service |任务\s*)#?(?P<job>j?\d{1,12})(?: details?)?", Intent.JOB),
    _form(_SHOWN + r"(?:details?|详情)\s*(?:of |for |on )?(?:the )?" + _JOB, Intent.JOB),
    _form(r"#?(?P<job>j\d{1,12})", Intent.JOB),
    _form(
        _SHOWN + r"(?:lines (?:of|from) (?:the )?)?(?:logs?|日志)(?: lines| output| file)?"
        r"(?:\s*(?:of |for |from )?(?:the )?" + _JOB + r")?",
        Intent.LOGS,
        _logged,
    ),
    _form(_SHOWN + _JOB + r"\s*(?:的)?\s*(?:logs?|日志)", Intent.LOGS),
    _form(_SHOW + r"(?:gate|关卡|关口|门槛)", Intent.GATE),
    _form(_SHOW + r"(?:evidence|metrics|results|证据|结果)", Intent.EVIDENCE),
    _form(_SHOW + r"(?:best|best score|最好成绩)", Intent.BEST),
    _form(r"compare(?: (?:the )?(?:models|candidates|rounds))?|比较|比较模型", Intent.COMPARE),
    _form(_SHOW + r"(?:approvals?|审批)", Intent.APPROVALS),
    _form(_SHOW + r"(?:members|roles|people|team|成员|角色)", Intent.MEMBERS),
    _form(
        r"who (?:owns|leads|runs|is (?:in|on)|works on|belongs to) (?:this|the|our) (?:project|team)\??"
        r"|who (?:can|may|is allowed to) approve(?: (?:it|this|here|things))?\??"
        r"|who (?:is|are) (?:the |an? |our )?(?:owners?|approvers?|members?|viewers?)"
        r"(?: (?:here|of (?:this|the) project))?\??"
        r"|谁(?:是|负责|拥有)(?:这个|本)?(?:项目)?的?(?:负责人|所有者|审批人|成员)?[？?]?"
        r"|谁(?:能|可以|有权)(?:审批|批准)[？?]?",
        Intent.MEMBERS,
    ),
    _form(_SHOW + r"(?:history|历史)", Intent.HISTORY),
    _form(_SHOW + r"(?:decisions?|决定|决策)", Intent.DECISIONS),
    _form(_SHOW + r"(?:spent|time spent|costs?|花费|用时|成本)", Intent.SPENT),
    _form(_SHOW + r"(?:audit|record|审计)", Intent.AUDIT),
    _form(r"(?:status|where|where are we|状态|进度|到哪了)\??", Intent.WHERE),
    _form(r"(?:next|why|what next|what next and why|next steps?|下一步|为什么)\??", Intent.NEXT),
    _form(r"wait(?: (?:for )?" + _JOB + r")?|等待(?:\s*j?\d+)?", Intent.WAIT),
    _form(r"(?:cancel|stop|取消|停止)\s*" + _JOB, Intent.CANCEL),
    _form(r"(?:resume|continue|恢复|继续)\s*" + _JOB, Intent.RESUME),
    _form(r"(?:advance|推进|前进)", Intent.ADVANCE),
    _form(
        r"(?:go back|return|back) to (?:stage )?(?P<stage>.+?)" + _BECAUSE,
        Intent.GO_BACK,
        _stage,
    ),
    _form(r"(?:回到|退回到?)\s*(?P<stage>.+?)" + _BECAUSE, Intent.GO_BACK, _stage),
    _form(r"(?:skip|跳过)\s*(?P<what>align|quantize|prompting)(?:ment)?" + _BECAUSE, Intent.SKIP, _reasoned),
    _form(
        r"(?:跳过)\s*(?:对齐)" + _BECAUSE, Intent.SKIP, lambda match, context: _with_reason({"what": "align"}, match)
    ),
    _form(r"waive (?:the )?(?P<requirement>[\w-]+)" + _BECAUSE, Intent.WAIVE, _reasoned),
    _form(r"(?:role|角色) @?" + _NAME + r" (?P<role>\w+)", Intent.SET_ROLE, _role),
    _form(r"rules,? (?P<rest>.+=.*)", Intent.SET_RULES, _fields),
)


def _command(line: str, context: Context) -> Reading | None:
    for pattern, intent, handler in _FORMS:
        match = pattern.fullmatch(line) or pattern.fullmatch(line.rstrip(".!。"))
        if match is not None and (arguments := handler(match, context)) is not None:
            return Reading(intent=intent, arguments=arguments)
    return None


# --- commands that start a tool ----------------------------------------------------------------------------------


def _tool_command(line: str, context: Context) -> Reading | None:
    for intent, words in _TOOL_WORDS.items():
        match = re.match(rf"(?:run )?(?:{words})(?=$|\s)(?P<rest>.*)", line, re.IGNORECASE)
        if match is None:
            continue
        for arguments in _tails(match["rest"].strip(), context):
            if _fits(TOOL_OF[intent], arguments, context):
                return Reading(intent=intent, arguments=arguments)
    return None


_NAMED = re.compile(
    r"(?:(?P<model>[\w./-]+))?\s*(?:(?:on|with|using) (?P<data>[\w.-]+?))?"
    r"(?:(?:^|,? )(?:compared (?:to|with)|against|versus|vs\.?) (?:its )?(?P<other>[\w./-]*\w))?",
    re.IGNORECASE,
)


def _tails(rest: str, context: Context) -> Iterator[Arguments]:
    """`[MODEL] [on DATA] [compared to MODEL] [key=value …]`, with names the project has."""
    match = re.fullmatch(r"(?P<head>(?:[^=]*?))\s*(?P<tail>(?:[A-Za-z_]\w*\s*=.*)?)", rest)
    tail = pairs(match["tail"]) if match else None
    if match is None or tail is None:
        return
    named = _NAMED.fullmatch(match["head"].strip(" ,"))
    if named is None or not (named["other"] is None or named["other"] in (*context.models, "parent")):
        return
    model, data = named["model"], named["data"]
    tail = {"compare_to": named["other"], **tail} if named["other"] else tail
    if model is None or model in context.models or model in ("current", "parent"):
        if data is None or data in context.datasets:
            yield {**({"model": model} if model else {}), **({"data": data} if data else {}), **tail}
    elif model in context.datasets and data is None:
        yield {"data": model, **tail}


def _fits(tool: str, arguments: Arguments, context: Context) -> bool:
    """Names given without a key must be parameters of the tool; an unknown key is the tool's to refuse."""
    known = context.tools.get(tool)
    return known is None or all(key in known for key in ("model", "data", "compare_to") if key in arguments)
