"""Questions that lean on the one before: "and for the second round?", "why?", "那第二轮呢？". Pure."""

import re

from agent.graph.grammar import normalise
from agent.language.detect import Language, language_of
from tools.contract import Frozen

LONGEST = 80  # characters; what is longer says what it is about

_WHY = re.compile(
    r"(?:and |but )?(?:why|how come|why so|why is that|why not)|(?:那)?(?:为什么|为何|怎么会这样)(?:呢)?", re.IGNORECASE
)
_LANGUAGE = re.compile(
    r"(?:and |what about |now |please )*(?:say (?:it|that) )?in (?P<en>chinese|english)(?: please)?"
    r"|(?:那|请)?(?:用|换成?)?(?P<zh>中文|英文|英语)(?:再?(?:说|回答|讲))?(?:一[遍下次])?(?:呢|吧)?",
    re.IGNORECASE,
)
_AND = re.compile(r"(?:and|or|but|so)?,? ?(?:what|how) about (?P<about>.+)|(?:and|or),? (?P<and>.+)", re.IGNORECASE)
_AND_ZH = re.compile(r"(?:那么?|还有)?(?P<zh>.+?)呢")
_PREPOSITION = re.compile(r"(?:for|in|on|with|of|at|about|during|since|after|before|without|to|by)\b", re.IGNORECASE)
_VERBS = re.compile(
    r"\b(?:is|are|was|were|do|does|did|can|could|should|will|has|have|what|who|when|where|which|how|why)\b"
)
_PERIOD = re.compile(
    r"\b(?:today|yesterday|(?:this|last|previous) (?:week|month)|(?:the )?(?:last|past) \d+ \w+)\b"
    r"|今天|今日|昨天|昨日|[这本上]个?(?:星期|周|礼拜|月)",
    re.IGNORECASE,
)
_ROUND = re.compile(
    r"(?:\b(?:in|for|of|from) )?\b(?:the )?"
    r"(?:round (?:\d{1,3}|one|two|three)|(?:first|second|third|\d+(?:st|nd|rd|th)) round)\b"
    r"|第[\d一二三四五六七八九]+轮",
    re.IGNORECASE,
)
_STATE = re.compile(r"\b(?:running|failed|succeeded|cancelled|stopped|serving)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z0-9-]+(?: [A-Z][A-Za-z0-9-]+)*(?![A-Za-z0-9])")  # LoRA, Atlas Basic


class Completed(Frozen):
    """A question that stands by itself; `language` where another one was asked for."""

    question: str
    language: Language | None = None


def complete(line: str, last: str) -> Completed | None:
    """What an elliptical line asks, after the question `last`; None where it asks something of its own."""
    said = normalise(line).rstrip("?？!.。 ")
    if not said or len(said) > LONGEST:
        return None
    if match := _LANGUAGE.fullmatch(said):
        wanted = (match["en"] or match["zh"]).lower()
        return Completed(question=last, language="zh" if wanted in ("chinese", "中文") else "en")
    topic = _topic(last)
    if topic and (asked := _of_topic(said, topic)):
        return Completed(question=asked)
    if _WHY.fullmatch(said):
        return Completed(question=f"{last}（为什么？）" if language_of(line) == "zh" else f"Why? {last}")
    match = _AND.fullmatch(said) or _AND_ZH.fullmatch(said)
    if match is None:
        return None
    other = next(group for group in match.groups() if group)
    if match.re is _AND and match["and"] and _VERBS.search(other.lower()):
        return None  # a question of its own that begins with "and"
    return Completed(question=_instead(other.strip(), last))


_WHAT_IS = re.compile(r"(?:why\? )?what(?: is| are|'s) (?:an? |the )?(?P<name>[\w .-]{2,40})\??", re.IGNORECASE)
_EXPLAINED = re.compile(
    r"(?:and )?what(?: is| are|'s) (?:an? )?(?!the |our |my |this |that |it\b)(?P<name>[\w -]{2,40})\??", re.I
)
_ADVANTAGES = re.compile(r"what are the advantages of (?P<name>.+?)\?", re.IGNORECASE)
_WHAT_IS_ZH = re.compile(r"什么是\s*(?P<before>[^？?]{1,20}?)[？?]?|(?P<after>[^？?]{1,20}?)是什么[？?]?")
_LEANS = (
    re.compile(  # a question with "it" for the thing; one about the project ("is it done") has a subject of its own
        r"(?:and |but |so |ok,? )*(?P<asked>(?:how|when|why|where|what|which|does|do|can|should)\b"
        r"(?!.*\b(?:we|our|i|my|job|stage|gate)\b).*)",
        re.IGNORECASE,
    )
)
_IT = re.compile(r"\b(?:it|this|that|them|they)\b(?! \w+s\b)", re.IGNORECASE)


def _topic(last: str) -> str | None:
    """What the question before asked the meaning of: "what is LoRA?"."""
    if match := _EXPLAINED.fullmatch(last.strip()):
        return match["name"].strip()
    match = _WHAT_IS_ZH.fullmatch(last.strip())
    return match and (match["before"] or match["after"]).strip()


def _of_topic(said: str, topic: str) -> str | None:
    """A question about the thing that was just explained, with its name instead of a pronoun."""
    if _WHY.fullmatch(said):
        return f"{topic}有什么优点？" if language_of(said) == "zh" else f"What are the advantages of {topic}?"
    if "它" in said:
        return said.removeprefix("那").replace("它", topic, 1) + "？"
    match = _LEANS.fullmatch(said)
    if match is None or not _IT.search(match["asked"]):
        return None
    return _IT.sub(topic, match["asked"], count=1) + "?"


def in_chinese(question: str) -> str:
    """An English question so that its answer is looked up in Chinese; names stay, the rest is little."""
    if language_of(question) == "zh":
        return question
    if match := _ADVANTAGES.fullmatch(question):
        return f"{match['name']}有什么优点？"
    match = _WHAT_IS.fullmatch(question.strip())
    return f"什么是{match['name']}？" if match else f"{question}是怎样的？"


def _instead(other: str, last: str) -> str:
    """The last question with `other` in the place of what is of its kind, or added to it."""
    for kind in (_ROUND, _PERIOD, _STATE):
        if found := kind.search(other):
            same_kind = kind.search(last)
            return _put(found[0] if kind is _STATE else other, last, same_kind) if same_kind else _with(other, last)
    if preposition := _PREPOSITION.match(other):
        same = re.compile(rf"\b{preposition[0]}\b(?!.*\b{preposition[0]}\b).*?(?=[?？.]?$)", re.IGNORECASE)
        return _put(other, last, found) if (found := same.search(last)) else _with(other, last)
    names = list(_NAME.finditer(_after_first(last)))
    if names:
        name = names[-1]
        offset = len(last) - len(_after_first(last))
        return last[: offset + name.start()] + other + last[offset + name.end() :]
    return _with(other, last)


def _put(other: str, last: str, place: re.Match[str]) -> str:
    return last[: place.start()] + other + last[place.end() :]


def _after_first(question: str) -> str:
    """Without the first word, which is written large in any question."""
    return question.partition(" ")[2] if question[:1].isascii() else question


def _with(other: str, last: str) -> str:
    if language_of(other) == "zh" or not other.isascii():
        return f"{other}{'，' if last.isascii() else ''}{last}"
    return f"{last.rstrip(' ?？.。')} {other}?"
