"""Questions for the time, effort or expertise a method takes: which phase of the cheat sheet answers them. Pure."""

import re
from statistics import median

from agent.graph.follow_up import LONGEST
from agent.graph.grammar import normalise
from agent.language.detect import language_of
from agent.lifecycle.estimates import PHASES, Phase
from agent.lifecycle.project import JobPhase, Project
from agent.markdown import duration

_METHODS = {  # the more particular first: "prompt tuning" is no prompting
    Phase.PRETRAINING: r"(?:pre-?train(?:ing)?|training from scratch)|预训练|从头训练",
    Phase.ALIGNMENT: r"(?:align(?:ment|ing)?|rlhf|rlaif|dpo|kto|grpo|rloo|ppo|(?:training )?(?:a )?reward"
    r" model(?:ling)?|human feedback)|对齐|奖励模型|人类反馈",
    Phase.OPTIMISATION: r"(?:quanti[sz](?:ation|ing)|distill?(?:ation|ing)|pruning|optimi[sz](?:ation|ing)|int8)"
    r"|量化|蒸馏|剪枝|优化",
    Phase.TUNING: r"(?:q?lora|(?:full )?fine-?tuning|(?:prompt|prefix)[ -]tuning)|(?:提示|前缀|全量)?微调",
    Phase.PROMPTING: r"(?:prompting|prompt engineering|few-shot prompting)|提示工程|写提示",
}
_ASKED = re.compile(
    r"(?:and )?(?:how (?:long|hard|difficult|much (?:time|effort|work|expertise|skill))|(?:what|which) expertise)"
    r" (?:does|do|is|are|will|would) (?:a |an |the )?(?P<what>.+?)"
    r"(?: (?:a|the|my|our) (?:small |large |language )*model| run| job)?"
    r"(?: (?:usually|normally|typically))?(?: (?:take|need|require))?"
    r"|(?P<zh>.+?)\s*(?:一般|通常|大概)?(?:要|需要|得)?(?:花|用)?(?:多久|多长时间|多少时间|多少精力|什么专业水平)",
    re.IGNORECASE,
)
_ENGLISH = {
    Phase.PRETRAINING: "How long does pre-training take?",
    Phase.PROMPTING: "How long does prompt engineering take? Which expertise?",
    Phase.TUNING: "How long does prompt tuning and fine-tuning take, and with what expertise?",
    Phase.ALIGNMENT: "How long does alignment with a reward model take?",
    Phase.OPTIMISATION: "How long do quantization, distillation and pruning take, and with what expertise?",
}
_CHINESE = {
    Phase.PRETRAINING: "预训练要多少时间，什么专业水平？",
    Phase.PROMPTING: "提示工程要多少时间，什么专业水平？",
    Phase.TUNING: "提示微调与微调要多少时间，什么专业水平？",
    Phase.ALIGNMENT: "对齐要多少时间？",
    Phase.OPTIMISATION: "量化、蒸馏和剪枝要多少时间，什么专业水平？",
}


def phase_asked(question: str) -> Phase | None:
    """The phase a question asks the time, effort or expertise of, by its own name or that of one of its methods."""
    said = normalise(question).rstrip("?？!.。 ")
    match = _ASKED.fullmatch(said) if len(said) <= LONGEST else None
    if match is None:
        return None
    what = (match["what"] or match["zh"]).strip()
    return next((phase for phase, name in _METHODS.items() if re.fullmatch(name, what, re.IGNORECASE)), None)


def of_phase(phase: Phase, question: str) -> str:
    """What the guides are asked in place of the question, in its language: they tell it of phases, not of methods."""
    return (_CHINESE if language_of(question) == "zh" else _ENGLISH)[phase]


def taken(project: Project, phase: Phase) -> str:
    """What the project's own jobs of a phase took; empty without any."""
    tool = next(name for name, served in PHASES.items() if served is phase)
    ended = [job for job in project.jobs.values() if job.tool == tool and job.phase is JobPhase.SUCCEEDED]
    seconds = [job.seconds for job in ended if job.seconds]
    if not seconds:
        return ""
    if len(seconds) == 1:
        return f"In {project.name} one `{tool}` job took {duration(seconds[0])}."
    return f"In {project.name} {len(seconds)} `{tool}` jobs took {duration(median(seconds))} in the median."
