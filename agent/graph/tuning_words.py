"""How people say what a training should be: its method, its adapters, when it stops, whether a model goes on.

Pure text in, arguments out.
"""

import re

from pydantic import JsonValue

# The first that stands in the sentence counts; the more particular come first.
_METHODS: tuple[tuple[str, str], ...] = (
    ("qlora", r"\bqlora\b|\bq-lora\b|4[- ]?bit (?:lora|adapters?)|四比特"),
    ("prefix_tuning", r"\bprefix(?:es)?(?:[- ]?tun\w*)?\b|前缀"),
    (
        "prompt_tuning",
        r"\b(?:soft[- ])?prompt[- ]?tun(?:e|ing)\b|\bsoft prompts?\b|virtual (?:tokens?|prompts?)"
        r"|提示(?:词)?微调|软提示|虚拟(?:词元|token|标记)",
    ),
    ("lora", r"\blora\b|\badapters?\b|\bdora\b|\brs-?lora\b|适配器|低秩"),
    (
        "full",
        r"\bfully\b|\bfull[- ]?(?:model )?(?:fine-?tun\w*|train\w*|tun\w*|parameters?)"
        r"|\b(?:fine-?)?tun\w*\b[^.;!?]*\bin full\b"
        r"|\b(?:all|every)(?: (?:of )?(?:the|its))? (?:weights?|parameters?)|\bfull[- ]?ft\b"
        r"|全(?:量|参数?|部(?:权重|参数))",
    ),
)
_SWITCHES: tuple[tuple[str, str], ...] = (
    ("dora", r"\bdora\b"),
    ("rslora", r"\brs-?lora\b|rank[- ]stabili[sz]ed"),
    ("packing", r"\bpack(?:ing|ed)?\b|打包|拼接样本"),
    (
        "probe",
        r"\b(?:find|try|prob|pick|search)\w*\b.{0,20}\blearning rates?\b|\blr (?:probe|finder)\b"
        r"|(?:找|试|探)\S{0,6}学习率",
    ),
)
_TOKENS = re.compile(r"(\d+)\s*(?:个)?\s*(?:virtual|soft|虚拟)\s*(?:prompt )?(?:tokens?|词元|标记)?", re.IGNORECASE)
_EARLY = re.compile(
    r"\b(?:stop(?:s|ping)? early|early[- ]stop(?:ping)?)\b(?:.{0,20}?(?:after|patience(?: of)?)\s*(\d+))?"
    r"|提前停止|早停",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    r"\b(?:search|look|hunt)\w*\b.{0,40}?\b(?:settings?|hyper-?parameters?|configurations?)\b(?:.{0,20}?(\d+)\s*min\w*)?"
    r"|搜索?.{0,8}(?:超参数?|参数|设置).{0,8}?(\d+)\s*分钟|(?:搜索|寻找)(?:最佳|最好的)?(?:超参数?|参数|设置)",
    re.IGNORECASE,
)
_LAYERS = re.compile(r"\b(?:[a-z]+_proj|fc\d|query|key|value|c_attn|lm_head)\b")
_GOES_ON = re.compile(
    r"\b(?:continu\w*|further|keep|(?:go|carry) on|resum\w*|domain[- ]adapt\w*)\b.{0,20}\bpre-?train"
    r"|\bpre-?train\w*\b.{0,40}\b(?:further|longer|some more|a bit more)\b|(?:继续|接着|持续|增量|进一步)\S{0,6}预训练",
    re.IGNORECASE,
)
_PATIENCE = 2  # looks without a gain, where nobody says how many
_MINUTES = 10  # of a search, where nobody says how long


def goes_on(line: str) -> bool:
    """Whether a pre-training is that of a model there is: "train a tiny model" is not about one called tiny."""
    return _GOES_ON.search(line) is not None


def tuning(line: str) -> dict[str, JsonValue]:
    """The arguments of `finetune` that a sentence without names of models and data sets mentions."""
    lower = line.lower()
    found: dict[str, JsonValue] = {name: "true" for name, cue in _SWITCHES if re.search(cue, lower)}
    if method := next((name for name, cue in _METHODS if re.search(cue, lower)), None):
        found["method"] = method
    if tokens := _TOKENS.search(lower):
        found["virtual_tokens"] = tokens[1]
    if early := _EARLY.search(lower):
        found["early_stopping"] = early[1] or str(_PATIENCE)
    if search := _SEARCH.search(lower):
        found["search"] = search[1] or search[2] or str(_MINUTES)
        found.pop("probe", None)
    if layers := _LAYERS.findall(lower):
        found["targets"] = ",".join(dict.fromkeys(layers))
    return found
