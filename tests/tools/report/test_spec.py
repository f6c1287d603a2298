import subprocess
import sys

from tools.contract import Inputs, Need
from tools.report.plan import plan
from tools.report.spec import TOOL, ReportParameters


def test_the_declaration_is_light() -> None:
    code = "import sys, tools.report.spec; print(sorted({'matplotlib', 'jinja2', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_asks_for_the_record_and_the_current_model() -> None:
    assert Need.SNAPSHOT in TOOL.needs
    assert ReportParameters().model == "current"


def test_the_plan_says_what_it_writes() -> None:
    found = plan(ReportParameters(), Inputs())
    assert found.seconds > 0
    assert "HTML" in found.steps[-1]
