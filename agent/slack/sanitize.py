"""Text of people, documents and models made harmless: it calls nobody, links nowhere unknown, hides nothing.

    clean      no control characters, no invisible ones, no reversed text
    plain      what is shown literally (plain_text, raw_text, rich_text): broken mentions and foreign links
    mrkdwn     `plain`, with & < > escaped: for Slack's own markup
    markdown   for `markdown` blocks: emphasis, code and tables stay; links stay where their host is allowed

A link to another host is written as `https[:]//other[.]example/…`: readable, and no program makes it a link again (an
invisible character would not do: browsers drop it from a host's name). A mention or a tag gets an invisible word joiner
behind its first character. What is inside code is changed as little as possible, because people copy it.
All but the escaping of `mrkdwn` is idempotent.
"""

import re
from collections.abc import Collection, Iterator

from agent.slack.links import HOSTS, LOCAL, address, allowed, defang, mail_or_script, same_host

__all__ = ["HOSTS", "begin", "clean", "label", "line", "markdown", "mrkdwn", "plain", "units", "whole_names"]

_JOINER = "\u2060"
_NAME_AT_END = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,30}:/{0,2})?[\w.。．｡:@-]{1,253}$")
_PASSES = 8  # each pass takes a layer of markup off; text that goes on changing is no longer treated as markup

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_SCRIPT = "[^\x00-\x7f\u3002\uff0e\uff61]"  # of a script or emoji; the full stops become ASCII in a broken host
_JOINERS = re.compile(rf"(?<!{_SCRIPT})[\u200c\u200d]+|[\u200c\u200d]+(?!{_SCRIPT})")

_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone|group)(?![A-Za-z0-9]))", re.IGNORECASE)
_SPECIAL = re.compile(r"<(?=[!@#]|[A-Za-z][A-Za-z0-9+.-]*:)")  # what Slack and Markdown read as more than a sign
_TAG = re.compile(r"<(?=[A-Za-z/?])")
_ENTITY = re.compile(r"&(?=#\d{1,8};?|#[xX][0-9A-Fa-f]{1,7};?|[A-Za-z][A-Za-z0-9]{1,31};)")
_CODED = re.compile(r"&(?=#\d{1,8};?|#[xX][0-9A-Fa-f]{1,7};?|(?:lt|gt|amp|commat|excl|num|colon|sol|period);)")

_FENCED = r"(?:^|(?<=\n))[ \t]*(?P<fence>`{3,}|~{3,})[^\n`]*\n(?:.*?\n)??[ \t]*(?P=fence)[`~]*[ \t]*(?=\n|$)"
_SPAN = r"(?<![`\\])(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)"
_CODE = re.compile(rf"{_FENCED}|{_SPAN}", re.DOTALL)

_LINK = re.compile(
    r"!?\[(?P<label>[^\[\]\n]{0,1000})\]\("
    r"[ \t]*(?P<target>[^()\s<>]{0,2000}|<[^<>\n]{0,2000}>)"
    r"(?:\s+(?:\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|\([^()\n]{0,500}\)))?[ \t]*\)"
)
_AUTOLINK = re.compile(r"<(?P<target>https?://[^\s<>]{1,2000})>")
_LOOSE = re.compile(r"\](?=[(:])")  # a link that none of the above is: over several lines, nested, by reference


def clean(text: str) -> str:
    """Without control characters, invisible characters and those that turn the direction of writing."""
    return _JOINERS.sub("", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))


def plain(text: str, hosts: Collection[str] = HOSTS) -> str:
    """For what is shown literally."""
    return _guard(_CODED.sub("&" + _JOINER, _LOOSE.sub("]" + _JOINER, defang(clean(text), hosts))))


def mrkdwn(text: str, hosts: Collection[str] = HOSTS) -> str:
    """For mrkdwn; what it says is shown as it is, but its own * _ ~ ` still count."""
    return plain(text, hosts).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(text: str, most: int, hosts: Collection[str] = HOSTS) -> str:
    """`plain` in one line of at most `most` units, with … where it was cut; "–" where nothing is left."""
    whole = " ".join(plain(" ".join(clean(text[: 20 * most]).split()), hosts).split())
    return _cut(whole, most) or "–"


def label(text: str, most: int, hosts: Collection[str] = HOSTS) -> str:
    """`line` for mrkdwn: a name or value that cannot open bold or code. `most` counts what is seen."""
    shown = line(text, most, hosts).translate(str.maketrans("`*~", "ˋ∗∼"))
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown(text: str, hosts: Collection[str] = HOSTS) -> str:
    """For a `markdown` block."""
    for _ in range(_PASSES):
        after = "".join(_code(piece, hosts) if code else _prose(piece, hosts) for code, piece in _pieces(clean(text)))
        if after == text:
            return text
        text = after
    return plain(text.translate(str.maketrans("[]<>&", "［］‹›＆")), hosts)


def units(text: str) -> int:
    """UTF-16 code units: how Slack counts characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def begin(text: str, most: int) -> str:
    """As much of the beginning as `most` units hold."""
    kept = text[:most]
    while (excess := units(kept) - most) > 0:
        kept = kept[: -((excess + 1) // 2)]
    return kept


def whole_names(text: str) -> str:
    """The text without a name of a host at its end, which may have been cut into another one's."""
    end = _NAME_AT_END.sub(lambda match: match[0] if match[0].isalnum() else "", text[-300:])
    return text[:-300] + end


def _cut(text: str, most: int) -> str:
    return text if units(text) <= most else whole_names(begin(text, most - 1)).rstrip() + "…"


def _guard(text: str) -> str:
    """Break what Slack reads as a mention, a broadcast or a link of its own."""
    return _BROADCAST.sub("@" + _JOINER, _SPECIAL.sub("<" + _JOINER, text))


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces, with whether each is code."""
    end = 0
    for match in _CODE.finditer(text):
        yield False, text[end : match.start()]
        yield True, match[0]
        end = match.end()
    yield False, text[end:]


def _code(text: str, hosts: Collection[str]) -> str:
    """Code, should Slack see it otherwise: no call, no link; names with dots stay as they are."""
    return _guard(_CODED.sub("&" + _JOINER, defang(text, hosts, code=True)))


def _prose(text: str, hosts: Collection[str]) -> str:
    kept, end = [], 0
    for match in _LINK.finditer(text):
        kept += [_words(text[end : match.start()], hosts), _link(match, hosts)]
        end = match.end()
    return "".join([*kept, _words(text[end:], hosts)])


def _words(text: str, hosts: Collection[str]) -> str:
    """Prose without links of the form [text](target)."""
    if "`" not in text:
        text = LOCAL.sub(lambda match: f"`{match[0]}`", text)  # a service of this machine: to copy, not to follow
    bare = _AUTOLINK.sub(lambda match: match["target"] if allowed(match["target"], hosts) else match[0], text)
    loose = _LOOSE.sub("]" + _JOINER, defang(bare, hosts))
    return _TAG.sub("<" + _JOINER, _guard(_ENTITY.sub("&" + _JOINER, loose)))


def _link(match: re.Match[str], hosts: Collection[str]) -> str:
    """A link where its host is allowed and its words claim no other one; else the words, and where it led."""
    words, target = _words(match["label"].strip(), hosts), match["target"].strip("<>")
    if not words:
        return _JOINER + _words(target, hosts)
    if allowed(target, hosts) and same_host(match["label"], target):
        return f"[{words}]({target})"
    led = mail_or_script(address(target))
    return f"{words} ({_words(led, hosts)})" if led else words
