"""Typed queries on the state, and their renderings: where a project is, what was measured, what is still asked.

Pure functions of a project, its jobs as seen now and its audit lines. Every answer says as of when it holds, every
number names its evidence (`e18`) and the run that measured it (`j17`).
"""

from agent.status.answer import answer_status, as_json
from agent.status.material import charter
from agent.status.model import AuditLine, JobKind, JobView, Narrowed, Notice, StatusQuery
from agent.status.period import period
from agent.status.where import gate_card, where

__all__ = [
    "AuditLine",
    "JobKind",
    "JobView",
    "Narrowed",
    "Notice",
    "StatusQuery",
    "answer_status",
    "as_json",
    "charter",
    "gate_card",
    "period",
    "where",
]
