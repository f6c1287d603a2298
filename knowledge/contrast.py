"""Questions that hold two things against each other: "LoRA or full fine-tuning?", "DPO 和 KTO 有什么区别？". Pure."""

import re

from knowledge.words import language_of

_LONGEST_QUESTION = 200  # characters; a longer one asks for more than a comparison
_LONGEST = 5  # words of one side; more is a sentence
_END = r"(?:\s+(?:in|for|when|on|here)\b.*)?"
_WAYS = tuple(
    re.compile(pattern + r"\s*[?？.。!]*", re.IGNORECASE)
    for pattern in (
        rf"(?:.*\s)?differences? between (?P<a>.+?) and (?P<b>.+?){_END}",
        rf"how (?:do|does|is|are) (?P<a>.+?) (?:differ(?:s|ent)? from|compared? (?:to|with)) (?P<b>.+?){_END}",
        rf"(?:please )?(?:compare|contrast) (?P<a>.+?) (?:with|to|and|against) (?P<b>.+?){_END}",
        rf"(?P<a>.+?),? (?:vs\.?|versus) (?P<b>.+?){_END}",
        rf"(?:which is better,?:? |(?:should|do|can) (?:i|we|you) (?:use|take|choose|pick|do|need) |is it )?(?P<a>.+?)"
        rf",? or (?P<b>.+?){_END}",
        r"(?:请问|比较(?:一下)?)?\s*(?P<a>.+?)\s*(?:和|与|跟|同|以及|相比|vs\.?)\s*(?P<b>.+?)\s*(?:之间)?(?:的|有什么|有何|有哪些"
        r"|，?哪个|，?哪种)?\s*(?:区别|差别|不同|差异|对比|比较|更?好|更合适)(?:在哪里?|是什么|有哪些|呢|吗)?",
        r"(?:请)?(?:比较|对比)(?:一下)?\s*(?P<a>.+?)\s*(?:和|与|跟|同|vs\.?)\s*(?P<b>.+?)",
        r"(?:该|应该|要)?(?:用|选|做)?\s*(?P<a>.+?)\s*还是\s*(?P<b>.+?)(?:好|更好|呢)?",
    )
)
_ARTICLE = re.compile(r"(?:an?|the|用|选)\s+", re.IGNORECASE)


def sides(question: str) -> tuple[str, str] | None:
    """What is held against what, as the question names them; None where it asks something else."""
    said = " ".join(question.split())
    if len(said) > _LONGEST_QUESTION:
        return None
    for way in _WAYS:
        if match := way.fullmatch(said):
            first, second = (_ARTICLE.sub("", match[name].strip(), count=1) for name in "ab")
            if all(0 < len(side.split()) <= _LONGEST for side in (first, second)) and first.lower() != second.lower():
                return first, second
    return None


def meaning_of(side: str, question: str) -> str:
    """The question what one side is, in the language of the whole."""
    return f"什么是{side}？" if language_of(question) == "zh" else f"What is {side}?"
