"""What is said of prompts that were tried, on invented answers."""

from tools.contract import Candidate, DataKind, Dataset, ModelKind
from tools.prompt.findings import Found, Tried
from tools.prompt.spec import PromptParameters
from tools.prompt.template import Item, Prompt, Read

ROWS = 40
ITEMS = tuple(Item(turns=({"role": "user", "content": f"q{i}"},), wanted="yes") for i in range(ROWS))


def tried(instruction: str, right: int) -> Tried:
    """A prompt after which the first `right` rows are answered rightly."""
    read = tuple(Read(text="yes" if i < right else "no", valid=True) for i in range(ROWS))
    ones = (1,) * ROWS
    return Tried(Prompt(instruction=instruction), "dev", DataKind.TASK, 7, ITEMS, read, ones, ones)


def found(*others: Tried) -> Found:
    best = tried("best", 30)
    model = Candidate(name="m", kind=ModelKind.CAUSAL, path="p", digest="d", method="existing")
    data = Dataset(name="tickets", kind=DataKind.TASK, digest="sha256:1", splits={})
    return Found(PromptParameters(data="tickets"), model, data, (best, *others), best, (), None, None, "")


def test_one_prompt_that_six_rows_speak_against_is_told_apart() -> None:
    assert found(tried("other", 24)).tied == []  # McNemar of 6 to 0: p = .031


def test_among_eight_such_prompts_it_may_be_chance() -> None:
    others = [tried(f"other {i}", 24) for i in range(8)]
    assert found(*others).tied == others  # .031 times 8 by Holm's correction
    assert found(*others, tried("bad", 0)).tied == others
