"""A light classifier of short sentences: TF-IDF over words and character n-grams, ridge regression on one-hot labels.

Everything is closed form on a few hundred examples, so it is built in a fraction of a second when first used, the
same every time, and needs neither scikit-learn nor a file of weights. Names, paths and numbers are replaced by
placeholders before counting, in the examples and in what a person says alike.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from knowledge.words import STOP_WORDS

Vector = NDArray[np.float32]

RIDGE = 1.0  # chosen, like the weights below, by leave-one-out on the examples: .71 with them, .52 without concepts
WEIGHTS = {"k": 3.0, "w": 1.0, "p": 1.0, "c": 0.3}  # of concepts, words, pairs of words and characters
SHARPNESS = 13.0  # at this scale the mean of the softmax's first value is the leave-one-out accuracy
_LIGHT = STOP_WORDS | {"able", "anything", "everything", "going"}
AS_GIVEN = 0.95  # how sure a sentence is that stands among the examples
_WORD = re.compile(r"[a-z_]+|<[a-z]+>|[\u4e00-\u9fff]+|\d+")
_PLACE = re.compile(r"\{(data|model|project|path|name|n)\}")

# Words that say the same: what a sentence is about counts more than how it is put.
_CONCEPTS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "train": r"\b(re)?train(ing|ed)?\b|tun(e|ing)\b|teach|learn|lora|epochs?|训练|微调|轮",
        "tune": r"fine-? ?tun|finetun|lora|微调|epochs?",
        "scratch": r"scratch|pre-? ?train|raw text|from nothing|预训练|从头|从零",
        "prompt": r"prompt|shots?\b|in-context|提示|样本",
        "measure": r"eval|measur|score[ds]?\b|benchmark|\btest(ed|ing|s)?\b|check|评估|测|评测",
        "baseline": r"baseline|基线",
        "align": r"align|rlhf|feedback|preferen|grpo|dpo|reward|politer|friendl|nicer|harmless|对齐|偏好|反馈",
        "small": r"quanti[sz]|int ?8|int ?4|8[- ]?bit|small|shrink|compress|faster|lighter|squeez|量化|压缩|变小",
        "serve": r"\bserv(e|ing|er|ice)\b|deploy|endpoint|host|\bapi\b|online|http|port\b|部署|服务|接口|端点",
        "augment": r"augment|retriev(?!er\b)\w*(?! (?:model|encoder))\b|\brag\b|look.*up\b|abstain|unsure|confiden"
        r"|增强|检索(?!模型)|弃权|拒答",
        "report": r"report|model card|\bcard\b|报告|模型卡",
        "cancel": r"cancel|\bstop\b|abort|kill|terminat|halt|shut|取消|停|中止|关",
        "resume": r"resum|continu|carry on|pick .*up|go on|restart|retry|where (it|we) (stopped|left)|恢复"
        r"|继续|接着|重试",
        "onward": r"advance|mov(e|ing) on|proceed|next (stage|phase)|forward|onward|launch|进入|推进|往下"
        r"|下一?个?阶段|上线",
        "next": r"\bnext\b(?! to)|recommend|suggest|advi[cs]e|should (we|i)|now what|what now|建议|推荐"
        r"|接下来|下一步|下面",
        "back": r"\b(go|step|return|move|take us) back|\bback to|return to|revisit|redo|退回|回到|返回",
        "skip": r"\bskip|without|leave .*out|omit|跳过|省略",
        "waive": r"waive|exception|overrule|overlook|set .*aside|ignore|破例|豁免|忽略",
        "role": r"approver|viewer|\bowner\b|member|\brole\b|角色|成员|审批人",
        "approve": r"\bapprov(e|ed|al|als|es)\b|sign(ed)? off|green light|lgtm|批准|审批|通过|同意",
        "rules": r"\brules?\b|approvers|must approve|expire|规则",
        "gate": r"\bgate|missing|requirement|block|criteria|lack|ready|can'?t|cannot|prevent"
        r"|stop\w* us|缺|差|门槛|条件",
        "job": r"\bjobs?\b|running|\bruns?\b|progress|finish|done|crash|任务|跑",
        "eta": r"how (much|many) (longer|more)|how long (will|until|does|is)|\beta\b|time left|remaining|还要|多久",
        "state": r"status|update|standing|stand\b|state\b|how far|where are|up to date|进展|进度|状态|情况",
        "show": r"^(show|list|display|print|read|give) |给我看|看看|显示|列出",
        "greet": r"^(hi|hey|hello|hiya|howdy|yo|thx|thanks|thank|cheers|bye)\b|你好|谢谢|早上",
        "data": r"\bdata(set|sets)?\b|\brows?\b|csv|jsonl|数据",
        "documents": r"document|\bdocs?\b|handbook|manual|faq|polic|knowledge|文档|手册|知识库",
        "remove": r"\bdelet|\bremov|\bforget|\bdrop\b|\berase|throw|take .*\bout\b|get rid|删|移除|去掉",
        "model": r"\bmodels?\b|<model>|candidate|模型|候选",
        "project": r"\bprojects?\b|<project>|项目",
        "charter": r"charter|scope|target|goal|metric|users?\b|budget|limit|risks?\b|章程|目标|范围|指标",
        "candidates": r"candidate models?|base models?|could (use|take|train)|options|suitable|can be trained|\bfits?\b"
        r"|候选模型|可选|可用|能用|选型",
        "choose": r"choose|pick\b(?!.*\bup\b)|select|go (with|for)|take\b|decide|settle|选",
        "create": r"creat|new\b|start a|set up|begin|make a|新建|创建|开一个",
        "path": r"<path>",
        "add": r"\badd\b|regist|import|load|upload|ingest|index|添加|登记|导入|加载|加入",
        "who": r"\bwho\b|谁",
        "why": r"\bwhy\b|为什么|为何",
        "define": r"what( i|')?s (?!our|the (current|best|next|status|state))|what (are|does) |explain|mean(ing)?\b"
        r"|difference|how (do|does|can) |什么是|是什么|是干什么|是做什么|什么意思|作用|解释|怎么",
        "compare": r"compar|better|worse|versus|\bvs\b|side by side|next to|each other|difference|对比|比较|更好|相比",
        "draw": r"\bplot|\bdraw|\bpicture|\bchart\b|\bgraph\b|画|图",
        "models": r"<model>.*<model>",
        "best": r"\bbest\b|highest|\btop\b|最好|最高",
        "history": r"history|so far|happened|timeline|decided?|did we|went|历史|发生|之前|以前",
        "reason": r"\bwhy did|decid|decision|\bchose\b|picked|reason|grounds|理由|决定|决策|为什么(选|跳过|拒绝)",
        "spent": r"spen[td]|\bcosts?\b|budget|\bhours\b|how (long|much time) (were|did|has|have|went)"
        r"|so far.*tak|tak.*so far|花|成本|预算|机时|用了多",
        "audit": r"audit|\blog\b|record|trail|审计|记录",
        "wait": r"\bwait|until|let me know|tell me (when|once)|notify|ping me"
        r"|(once|when|as soon as) .*(done|over|finish|end)|等|叫我|通知我|告诉我",
        "again": r"\bagain\b|再",
    }.items()
}  # fmt: skip


def concepts(text: str) -> tuple[str, ...]:
    """What the sentence touches, of the things the assistant can talk about."""
    lower = text.lower()
    return tuple(name for name, cue in _CONCEPTS.items() if cue.search(lower))


def features(text: str) -> Counter[str]:
    """Concepts, words, pairs of words, character 3- and 4-grams of words; one to three characters of Chinese."""
    words = _WORD.findall(text.lower())
    counted: Counter[str] = Counter(f"k:{name}" for name in concepts(text))
    previous = "^"
    for word in words:
        counted[f"w:{word}"] += 1
        counted[f"p:{previous} {word}"] += 1
        previous = word
        if "\u4e00" <= word[0] <= "\u9fff":
            counted.update(f"c:{word[i : i + n]}" for n in (1, 2, 3) for i in range(len(word) - n + 1))
        elif word[0] != "<":
            padded = f" {word} "
            counted.update(f"c:{padded[i : i + n]}" for n in (3, 4) for i in range(len(padded) - n + 1))
    counted[f"p:{previous} $"] += 1
    return counted


class Classifier:
    """Scores labels for a sentence."""

    def __init__(self, examples: Mapping[str, Sequence[str]]) -> None:
        self.labels = tuple(examples)
        texts = [(_PLACE.sub(r"<\1>", text), i) for i, label in enumerate(self.labels) for text in examples[label]]
        self._examples = {_bare(text): self.labels[i] for text, i in texts}
        counted = [features(text) for text, _ in texts]
        self._of_label: dict[str, set[str]] = {label: set() for label in self.labels}
        for (_, i), count in zip(texts, counted, strict=True):
            self._of_label[self.labels[i]].update(count)
        spread = Counter(name for count in counted for name in count)
        shared = [name for name, examples_with in spread.items() if examples_with > 1]  # others tell nothing apart
        self._index = {name: i for i, name in enumerate(shared)}
        total = len(texts)
        self._idf = np.array(
            [WEIGHTS[name[0]] * (math.log((1 + total) / (1 + spread[name])) + 1) for name in shared], dtype=np.float32
        )
        matrix = np.stack([self._vector(count) for count in counted])
        wanted = np.zeros((total, len(self.labels)), dtype=np.float32)
        wanted[np.arange(total), [label for _, label in texts]] = 1
        gram = matrix @ matrix.T + RIDGE * np.eye(total, dtype=np.float32)
        self._dual = np.linalg.solve(gram, wanted)
        self._weights: Vector = matrix.T @ self._dual
        self._gram, self._wanted = gram, wanted

    def scores(self, text: str) -> dict[str, float]:
        """A probability for each label, adding up to 1; an example said again is what it is an example of."""
        if (label := self._examples.get(_bare(text))) is not None:
            rest = (1 - AS_GIVEN) / (len(self.labels) - 1)
            return {name: AS_GIVEN if name == label else rest for name in self.labels}
        return dict(zip(self.labels, _softmax(self._vector(features(text)) @ self._weights).tolist(), strict=True))

    def known(self, text: str) -> float:
        """The share of the sentence's words, or Chinese characters, that stand in some example."""
        return self._share(_looked_up(text), self.labels)

    def own(self, text: str, leaving_out: Collection[str]) -> float:
        """The same of words that carry meaning, and of examples of other labels than these; 1 where there are none."""
        heavy = [f for f in _looked_up(text) if f[:2] == "c:" or (len(f) > 5 and f[2:] not in _LIGHT)]
        wanted = [f for f in heavy if f[:2] == "c:" or not concepts(f[2:])]
        return self._share(wanted, [label for label in self.labels if label not in leaving_out]) if wanted else 1.0

    def _share(self, wanted: Sequence[str], labels: Sequence[str]) -> float:
        found = sum(any(f in self._of_label[label] for label in labels) for f in wanted)
        return found / len(wanted) if wanted else 0.0

    def left_out(self) -> float:
        """Accuracy on the examples, each predicted by the others (closed form for ridge regression)."""
        inverse = np.linalg.inv(self._gram)
        predicted = self._wanted - self._dual / np.diag(inverse)[:, None]
        return float((predicted.argmax(axis=1) == self._wanted.argmax(axis=1)).mean())

    def _vector(self, counted: Counter[str]) -> Vector:
        vector = np.zeros(len(self._index), dtype=np.float32)
        for name, count in counted.items():
            i = self._index.get(name)
            if i is not None:
                vector[i] = (1 + math.log(count)) * self._idf[i]
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if length else vector


def _looked_up(text: str) -> list[str]:
    """The words of two letters and more, and the Chinese characters."""
    counted = features(text)
    words = [f for f in counted if f[:2] == "w:" and f[2:3].isascii() and f[2:3].isalpha() and len(f) > 3]
    return words + [f for f in counted if f[:2] == "c:" and len(f) == 3]


def _bare(text: str) -> str:
    return " ".join(text.lower().strip(" ?？!！.。,，").split())


def _softmax(values: Vector) -> Vector:
    scaled: Vector = np.exp(SHARPNESS * (values - values.max()))
    normed: Vector = scaled / scaled.sum()
    return normed


@cache
def bundled() -> Classifier:
    """The classifier of the examples that come with Odyssey."""
    text = resources.files("agent.graph").joinpath("examples.json").read_text(encoding="utf-8")
    return Classifier(json.loads(text))
