"""From a sentence to what is meant: the command grammar first, then likeness to examples. Pure: no model, no state.

Measured rules stand behind it: a classifier of this kind is silently wrong on about one noisy sentence in ten, so what
it reads never has an effect by itself, questions never read as requests, and no sentence ever reads as an approval.
"""

import re

from agent.graph import classify, grammar, narrowing, slots
from agent.graph.intents import MEANINGS, Context, Intent, Reading, Understanding, call_of, of_reading
from agent.graph.measuring_words import measures_beside
from knowledge.contrast import sides

SURE = 0.45  # below, a person is asked which of the likeliest readings is meant
LEAD = 1.5  # and where the first reading is not this much likelier than the second
KNOWN = 0.34  # with fewer known words than this share, a sentence is not understood at all
_CLEARLY = 4.0
OWN = 0.7  # with fewer words than this share of those that projects are talked about in, it is about something else
CHOICES = 3
LONGEST = 1000  # characters that are read by likeness; a request stands at the beginning

_QUESTION = re.compile(
    r"^(?:and |so |but |then |ok(?:ay)?,? |hey,? )*(?:what'?s?|why|how|who|whom|whose|when|where|which|is|are|was|were|"
    r"does|did|has|should|am|(?:do|have) (?:we|you|i|they|our|the|these|those|any)|explain|define|difference|"
    r"tell me (?:about|what|why|how)|(?:say|tell me|talk) .{0,12}(?:on|about)|show|list|display|read me)\b"
    r"|什么|怎么|怎样|如何|为什么|为何|谁|哪|吗|是否|多[少大长久高快]|会不会|能不能|是不是|有没有|可不可以|该不该|要不要"
    r"|[有要是花差了]几[个条天次]|几点|给我看|显示|列出",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^(?:(?:please|pls|hey|ok(?:ay)?|so|and),? )*"
    r"(?:(?:can|could|would|will) (?:you|we) (?:please )?|(?:do|would) you mind )?",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:don'?t|do not|not now|not yet|never|no thanks|no thank you|let'?s not|(?:rather|better) not|won'?t)\b"
    r"|(?:别|不要|先不|不用|暂不|不想|不能)",
    re.IGNORECASE,
)
_ELSEWHERE = (Intent.ASK_KNOWLEDGE, Intent.UNKNOWN)  # whose examples are not about a project's state
_WHICH_SHOULD = re.compile(r"\b(?:when|how|which \w+|what \w+(?: \w+)?) should\b", re.IGNORECASE)
_OF_THE_PROJECT = re.compile(r"\b(?:next|now|runs?|rounds?|models?|candidates?)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"\bvs\b|\bversus\b", re.IGNORECASE)
_OMITTED = re.compile(r"\bskip|leave .*out|without|omit|跳过|省略", re.IGNORECASE)  # "we don't need it, skip it"
_ABOUT = re.compile(
    r"^(?:what(?:'?s| is| are| does)|explain|define|how (?:do|does|can|should|many|much|long)(?! longer| more)|"
    r"why (?:is|are|do|does)|when (?:should|do)|(?:tell me|say|talk) .{0,12}(?:on|about)|difference between|"
    r"什么是|解释|.{1,16}(?:需要多少|是什么|什么意思|有什么区别|怎么回事|是(?:干|做)什么))",
    re.IGNORECASE,
)
_TECHNIQUES = re.compile(
    r"\b(?:lora|qlora|peft|rlhf|dpo|grpo|kto|ppo|rloo|quanti[sz]\w*|distil\w*|prun\w*|fine-?tun\w*|pre-?train\w*|rag|"
    r"prompt(?:ing| tuning|s)?|prefix tuning|few-?shot|in-context|"
    r"retrieval|hallucinat\w*|tokeni[sz]\w*|embedding\w*|reward models?|"
    r"learning rate|epochs|overfit\w*|perplexity|alignment|life ?cycle|chinchilla|int8|nf4|adapters?|rank)\b"
    r"|微调|量化|对齐|蒸馏|剪枝|检索|提示|预训练|奖励模型|学习率|困惑度|强化学习",
    re.IGNORECASE,
)


def understand(text: str, context: Context | None = None) -> Understanding:
    """What `text` means where `context` holds. Never raises; what is not understood has the intent `unknown`."""
    context = context or Context()
    command = grammar.parse(text, context)
    if command is not None:
        return of_reading(command, exact=True)
    line = grammar.normalise(text[:LONGEST])
    if not line:
        return of_reading(Reading(intent=Intent.UNKNOWN, confidence=0.0))
    return _by_likeness(line, context)


def is_question(line: str) -> bool:
    """Whether a sentence asks rather than requests: "can you train it?" requests, "can you explain LoRA?" asks."""
    request = _POLITE.sub("", line)
    polite = re.search(r"\b(?:you|we)\b", line[: len(line) - len(request)], re.IGNORECASE) is not None
    return bool(_QUESTION.search(request)) or (line.rstrip().endswith("?") and not polite)


def unclear(found: Understanding) -> bool:
    """Whether a person has to say which reading is meant; readings that come to the same are one."""
    if found.exact or len(found.alternatives) < 2:
        return False
    first = call_of(found.intent, found.arguments)
    same = [one for one in found.alternatives if call_of(one.intent, one.arguments) == first]
    others = [one.confidence for one in found.alternatives if one not in same]
    sure = sum(one.confidence for one in same)
    return sure < SURE or sure < LEAD * max(others, default=0.0)


def _by_likeness(line: str, context: Context) -> Understanding:
    request = slots.without_reason(line)
    masked = _masked(request, context)
    classifier = classify.bundled()
    scores = {Intent(label): score for label, score in classifier.scores(masked).items()}
    names = bool(_mentions(line, context))
    if slots.names_job(line):  # "why did j12 die?" asks for no decision
        scores[Intent.DECISIONS] = 0.0
    scores = _weighed(scores, request, names)
    if len(narrowing.rounds(line)) > 1:  # "round 1 against round 2"
        scores = _moved(scores, Intent.COMPARE, by=_CLEARLY)
    if not is_question(request) and not _NEGATED.search(request) and measures_beside(_POLITE.sub("", request)):
        scores = _moved(scores, Intent.EVALUATE, by=_CLEARLY)
    if not context.models and (held := sides(line)):  # no models are compared where there are none
        nothing_else = context.project is None and scores[Intent.CANDIDATES] < SURE
        if nothing_else or all(_TECHNIQUES.search(side) for side in held):
            scores = _moved(scores, Intent.ASK_KNOWLEDGE, by=_CLEARLY)
    own = classifier.own(masked, _ELSEWHERE)
    if not names and is_question(request) and own < OWN:  # words that nobody uses of a project's own state
        scores = _moved(scores, Intent.ASK_KNOWLEDGE, by=0.2 + 0.5 * (1 - own / OWN))
    if classifier.known(masked) < KNOWN and not classify.concepts(masked) and not _TECHNIQUES.search(request):
        return of_reading(Reading(intent=Intent.UNKNOWN, confidence=scores.get(Intent.UNKNOWN, 0.0)))
    ranked = sorted(scores, key=lambda intent: -scores[intent])[:CHOICES]
    readings = tuple(
        Reading(intent=intent, arguments=slots.find(intent, line, context), confidence=round(scores[intent], 3))
        for intent in ranked
    )
    return of_reading(readings[0], alternatives=readings)


def _weighed(scores: dict[Intent, float], request: str, names_known: bool) -> dict[Intent, float]:
    """Rule out what cannot be meant, and add up to 1 again."""
    negated, asks = bool(_NEGATED.search(request)), is_question(request)
    for intent in scores:
        omits = intent is Intent.SKIP and bool(_OMITTED.search(request))
        if _acts(intent) and (asks or (negated and not omits)):
            scores[intent] = 0.0
    if negated and not asks:
        scores[Intent.NO] = 3 * scores[Intent.NO] + 0.2
    if asks and _ABOUT.search(_POLITE.sub("", request)) and _TECHNIQUES.search(request) and not names_known:
        scores = _moved(scores, Intent.ASK_KNOWLEDGE)
    if asks:  # who approved it, and when: told, not given
        scores[Intent.APPROVALS] += scores[Intent.APPROVAL_WORDS]
        scores[Intent.APPROVAL_WORDS] = 0.0
        if "approve" in classify.concepts(request):  # nor is an approval that waits waited for
            scores[Intent.WAIT] = 0.0
    if not names_known and not _OF_THE_PROJECT.search(request):
        if _BETWEEN.search(request):
            scores = _moved({**scores, Intent.COMPARE: 0.0}, Intent.ASK_KNOWLEDGE)
        elif _WHICH_SHOULD.search(request):
            scores = _moved(scores, Intent.ASK_KNOWLEDGE)
    total = sum(scores.values()) or 1.0
    return {intent: score / total for intent, score in scores.items()}


def _moved(scores: dict[Intent, float], towards: Intent, by: float = 0.2) -> dict[Intent, float]:
    """What speaks for one intent beside the likeness of words."""
    raised = {**scores, towards: 3 * scores[towards] + by}
    total = sum(raised.values())
    return {intent: score / total for intent, score in raised.items()}


def _acts(intent: Intent) -> bool:
    return MEANINGS[intent].effect


def _mentions(line: str, context: Context) -> list[str]:
    lower = line.lower()
    names = (*context.models, *context.datasets, *context.jobs)
    return [name for name in names if re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", lower)]


def _masked(line: str, context: Context) -> str:
    """Names, paths and numbers replaced by placeholders, as in the examples."""
    text = line.lower()
    for match in slots.paths(text):
        text = text.replace(match, " <path> ")
    for placeholder, names in (("project", context.projects), ("data", context.datasets), ("model", context.models)):
        for name in sorted(names, key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", f" <{placeholder}> ", text)
    return re.sub(r"\bj?\d+(?:[.,]\d+)*(?:e-?\d+)?\b", " <n> ", text)
