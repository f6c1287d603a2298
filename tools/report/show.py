"""Numbers, times and names as a reader of the report sees them."""

from datetime import UTC, datetime

from tools.contract import Comparison, Metric

STAGES: dict[str, str] = {
    "scope": "1 Define the scope",
    "select": "2 Choose the model",
    "assess": "3 Assess and train",
    "align": "4 Adapt and align",
    "deploy": "5 Deploy and optimise",
    "integrate": "6 Infrastructure integration",
    "launched": "Launched",
}

# Measures that are shares of items: shown in per cent.
SHARES = frozenset(
    {
        "exact_match", "accuracy", "token_f1", "checklist_pass", "right_facts", "retrieved_facts",
        "preference_accuracy", "reward_accuracy", "coverage", "macro_f1", "accuracy_kept",
        "preferred", "recall@1", "recall@5", "entity_f1", "precision", "recall", "exact_match_kept",
        "recall@1_kept", "same_text",
    }
)  # fmt: skip

METHODS: dict[str, str] = {
    "existing": "existing model",
    "pretrain": "pre-trained",
    "continued": "continued pre-training",
    "lora": "LoRA fine-tuning",
    "prefix_tuning": "prefix tuning",
    "grpo": "GRPO against a reward model",
    "rloo": "RLOO against a reward model",
    "dpo": "DPO on preference pairs",
    "kto": "KTO on votes",
    "int8": "int8 quantization",
    "distilled": "distillation",
    "pruned": "pruning",
}


_NAMES: dict[str, str] = {
    "accuracy_kept": "accuracy of what is decided",
    "exact_match_kept": "exact match of what is decided",
    "recall@1_kept": "recall@1 of what is decided",
    "ece": "calibration error",
}


def is_share(name: str) -> bool:
    return name in SHARES or name.split("_without")[0].split("_before")[0] in SHARES


def name(metric: str) -> str:
    """A metric's name in words."""
    return _NAMES.get(metric) or metric.replace("_", " ").replace("p95", "95th percentile").replace("p50", "median")


def number(metric: str, value: float, unit: str = "") -> str:
    if unit == "bytes":
        return f"{value / 1e6:,.2f} MB" if value < 1e8 else f"{value / 1e6:,.0f} MB"
    if unit == "rows":
        return f"{value:,.0f}"
    if unit:
        return f"{value:,.4g} {unit}"
    return f"{100 * value:.1f} %" if is_share(metric) else f"{value:.4g}"


def interval(metric: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    if is_share(metric):
        return f"[{100 * low:.1f}, {100 * high:.1f}]"
    return f"[{low:.3g}, {high:.3g}]"


def measured(metric: Metric) -> str:
    """A number with its interval."""
    shown = number(metric.name, metric.value, metric.unit)
    return f"{shown} {interval(metric.name, metric.low, metric.high)}".strip()


def difference(comparison: Comparison) -> str:
    """A paired difference in points of a per cent, with its sign."""
    scale, unit = (100, " points") if is_share(comparison.metric) else (1, "")
    low, high = scale * comparison.low, scale * comparison.high
    return f"{scale * comparison.value:+.1f}{unit} [{low:+.1f}, {high:+.1f}]"


def moment(at: datetime) -> str:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def short(digest: str) -> str:
    """Enough of a digest to tell it from another."""
    return digest[:19]
