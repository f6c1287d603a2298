"""Links in text: which hosts are allowed, what a program takes for a link, and how to write it so that it is none."""

import re
from collections.abc import Collection

# Where the guides' sources, models, data and code are found.
_HOSTS = """
    arxiv.org www.arxiv.org doi.org aclanthology.org openreview.net proceedings.mlr.press jmlr.org
    www.jmlr.org papers.nips.cc proceedings.neurips.cc huggingface.co github.com docs.github.com pypi.org
    pytorch.org docs.pytorch.org docs.python.org docs.langchain.com docs.ray.io docs.trychroma.com
    docs.vllm.ai en.wikipedia.org zh.wikipedia.org www.deeplearning.ai aws.amazon.com www.nist.gov owasp.org
    genai.owasp.org docs.slack.dev api.slack.com
"""
HOSTS: frozenset[str] = frozenset(_HOSTS.split())

# Last labels by which a name with dots is a host's, and those that are as often a file's ending or a plain word: these
# count only before a path.
_ENDS = """
    com net org edu gov mil int info biz pro mobi xyz top site online shop club vip app dev cloud tech website
    blog click download bid loan icu ai io co uk us eu de fr es nl be ch at se dk fi gr ie cz hu ro bg ua ru
    su by kz cn hk tw jp kr sg vn th ph au nz ca mx br ar cl pe ve za ng ke eg ma tr ir iq sa ae il pk bd lk
    np tk ga cf gq ws cc tv fm gg ly onion local internal test example invalid localhost
"""
_OTHER_ENDS = """
    py md sh rs pt ml so ps pl zip mov in is it to no my do am as pm st me id la gl name live life world work
    date news link help chat group network today center video media art design science win men page web space
    zone party  review stream trade press fun host email support store global digital js ts
"""

_DOT = "[.。．｡]"
_LABELS = rf"(?:[\w-]{{1,63}}{_DOT}){{1,127}}"
_NAME = re.compile(
    rf"(?:(?<=//)|(?<![\w/-]))(?<!\w{_DOT})(?:"
    rf"{_LABELS}(?:(?:xn--[\w-]+|{'|'.join(_ENDS.split())})(?![A-Za-z0-9])|(?:{'|'.join(_OTHER_ENDS.split())})(?=[/?#]\w))"
    rf"|www{_DOT}[\w-]+(?:{_DOT}[\w-]+)*)",
    re.IGNORECASE,
)
_NAME_AS_TARGET = re.compile(rf"(?<=\]\(){_LABELS}[\w-]+|(?<=\]: ){_LABELS}[\w-]+")
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{1,30}):(?P<slashes>[/\\]{2,9}|(?<=[pP]:|[sS]:)[/\\])(?P<authority>[^\s<>\"`|/?#]*)"
)
_MAIL = re.compile(r"\b(mailto|xmpp|tel|sms|javascript|data|vbscript|file):(?=\S)", re.IGNORECASE)

_HOST = re.compile(r"(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?P<tail>[.,;:!?)\]}'*_~]*)")
_WHOLE = re.compile(
    r"https?://(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"(?:/[A-Za-z0-9._~!$&'*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'*+,;=:@%/?-]*)?(?:#[A-Za-z0-9._~!$&'*+,;=:@%/?-]*)?",
    re.IGNORECASE,
)
_NESTED = 8  # addresses inside what looked like another one's host
_LOCAL = (
    r"https?://(?:127\.0\.0\.1|localhost)(?::\d{1,5})?(?:/[\w/.-]*[\w/-]|/)?(?![\w/?#@:%\\&=+$!.-]*[\w/?#@:%\\&=+$-])"
)
LOCAL = re.compile(_LOCAL, re.IGNORECASE)


def allowed(target: str, hosts: Collection[str]) -> bool:
    """Whether a whole target is a plain web address on an allowed host: no user, port, odd sign or other alphabet."""
    match = _WHOLE.fullmatch(target)
    return match is not None and match["host"].lower() in hosts


def same_host(words: str, target: str) -> bool:
    """Whether a link's words name no other host than its target's."""
    whole = _WHOLE.fullmatch(target)
    host = whole["host"].lower() if whole else ""
    named = [match["authority"].lower() for match in _ADDRESS.finditer(words)]
    named += [match[0].lower() for match in _NAME.finditer(words)]
    return all(name == host for name in named)


def address(target: str) -> str:
    """A target as a person reads it: `//host` gets the scheme a browser would add."""
    return f"https:{target}" if re.match(r"[/\\]{2}", target) else target


def mail_or_script(text: str) -> str:
    """Schemes that are links without a slash, broken."""
    return _MAIL.sub(r"\1[:]", text)


def defang(text: str, hosts: Collection[str], *, code: bool = False) -> str:
    """Every address on a host that is not allowed, written so that nothing takes it for a link.

    An address of this very machine, where a service answers, stays: people copy it. In code, names without a scheme
    stay, too: nothing links them there.
    """
    text = _addresses(text, hosts)
    if code:
        return _NAME_AS_TARGET.sub(lambda match: _dotted(match[0]), text)
    text = mail_or_script(text)
    return _NAME.sub(lambda match: match[0] if _bare(match, hosts) else _dotted(match[0]), text)


def _addresses(text: str, hosts: Collection[str]) -> str:
    def broken(match: re.Match[str]) -> str:
        after = text[match.end() : match.end() + 1]
        if _harmless(match, after, hosts) or _is_local(match):
            return match[0]
        return f"{match['scheme']}[:]{match['slashes']}{_dotted(match['authority'])}"

    for _ in range(_NESTED):
        before, text = text, _ADDRESS.sub(broken, text)
        if before == text:
            return text
    return re.sub(r":(?=[/\\]{2})", "[:]", text)


def _harmless(match: re.Match[str], after: str, hosts: Collection[str]) -> bool:
    """Whether an address in running text leads to an allowed host wherever a program ends it."""
    found = _HOST.fullmatch(match["authority"])
    web = match["scheme"].lower() in ("http", "https") and match["slashes"] == "//"
    if not web or found is None or found["host"].lower() not in hosts:
        return False
    return not (found["tail"] and after in ("/", "?", "#"))


def _is_local(match: re.Match[str]) -> bool:
    found = LOCAL.match(match.string, match.start())
    return found is not None and re.fullmatch(r"[.,;:!?)\]}'*_~]*", match.string[found.end() : match.end()]) is not None


def _bare(match: re.Match[str], hosts: Collection[str]) -> bool:
    """Whether a name without a scheme is an allowed host, and not the user or the port's host of another address."""
    after = match.string[match.end() : match.end() + 2]
    tricky = after[:1] == "@" or re.match(r":\d", after) is not None
    return match[0].lower() in hosts and not tricky


def _dotted(name: str) -> str:
    return re.sub(rf"(?<!\[){_DOT}(?=\w)", "[.]", name)
