"""Tools for the tests of jobs, and their work: small, quick, and able to go wrong in every way."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Literal

from tools.contract import Inputs, JobContext, Metric, Parameters, Plan, Result, Tool
from tools.errors import Defect, Transient, UserFault
from tools.jobs.ports import free_port


def _plan(params: Parameters, inputs: Inputs) -> Plan:
    return Plan(steps=("do it",), seconds=1, memory_bytes=1)


class AddParameters(Parameters):
    a: int = 1
    b: int = 2


def add(params: AddParameters, context: JobContext) -> Result:
    context.progress("adding", 1, 1, sum=float(params.a + params.b), broken=float("nan"))
    (context.folder / "sum.txt").write_text(str(params.a + params.b))
    artefact = context.artefact("sum", "table", context.folder / "sum.txt")
    return Result(summary="Added.", metrics=(Metric(name="sum", value=params.a + params.b),), artefacts=(artefact,))


class CountParameters(Parameters):
    steps: int = 100
    gate: str = ""  # a file to wait for half way


def count(params: CountParameters, context: JobContext) -> Result:
    """Steps with a checkpoint each; goes on from the last one."""
    saved = context.checkpoints / "step"
    begin = int(saved.read_text()) if saved.exists() else 0
    for step in range(begin, params.steps):
        while params.gate and step == params.steps // 2 and not Path(params.gate).exists():
            context.stop_if_cancelled()
            time.sleep(0.005)
        context.stop_if_cancelled()
        saved.write_text(str(step + 1))
        context.progress("counting", step + 1, params.steps)
    return Result(summary="Counted.", facts={"begin": begin, "attempt": context.spec.attempt})


class FailParameters(Parameters):
    how: Literal[
        "user",
        "transient",
        "defect",
        "bug",
        "memory",
        "starve",
        "disk",
        "recursion",
        "nan",
        "exit",
        "type",
        "kill",
        "ignore",
    ]


def fail(params: FailParameters, context: JobContext) -> Result:
    match params.how:
        case "user":
            raise UserFault("Column `label` is missing from tickets.jsonl; name the column that holds it.")
        case "transient":
            raise Transient("Port 8123 is taken; try again in a moment.")
        case "defect":
            raise Defect("an internal secret")
        case "bug":
            return Result(summary=str(1 // 0))
        case "memory":
            raise MemoryError
        case "starve":
            resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))
            return Result(summary=str(len(bytearray(10**10))))
        case "disk":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/model.safetensors")
        case "recursion":
            return fail(params, context)
        case "nan":
            return Result(summary="?", metrics=(Metric(name="loss", value=float("nan")),))
        case "exit":
            sys.exit(7)
        case "type":
            return {"not": "a result"}  # type: ignore[return-value]
        case "kill":
            context.progress("dying", 1, 2)
            os.kill(os.getpid(), signal.SIGKILL)
        case "ignore":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            context.progress("deaf", 1, 2)
    while True:
        time.sleep(0.01)


class TraceParameters(Parameters):
    trace: str
    seconds: float = 0.05


def trace(params: TraceParameters, context: JobContext) -> Result:
    """Write down when it ran: one line is one whole write, also between processes."""
    began = time.monotonic()
    record = os.open(params.trace, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(record, (json.dumps({"job": context.spec.job, "enter": began}) + "\n").encode())
    time.sleep(params.seconds)
    os.write(record, (json.dumps({"job": context.spec.job, "enter": began, "leave": time.monotonic()}) + "\n").encode())
    os.close(record)
    return Result(summary="Traced.")


class ProcessParameters(Parameters):
    pass


def process(params: ProcessParameters, context: JobContext) -> Result:
    """Facts about the process it runs in."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    return Result(
        summary="Looked around.",
        facts={
            "pid": os.getpid(),
            "session": os.getsid(0),
            "threads": os.environ["OMP_NUM_THREADS"],
            "running": threading.active_count(),
            "offline": os.environ["HF_HUB_OFFLINE"],
            "folder": str(Path.cwd()),
            "left": child.pid,
            "entered": time.time(),
            "torch": "torch" in sys.modules,
        },
    )


class ServeParameters(Parameters):
    how: Literal["obey", "deaf", "die", "return", "refuse"] = "obey"


def serve(params: ServeParameters, context: JobContext) -> Result:
    if params.how == "refuse":
        raise UserFault("Model tiny is not there any more; make it again.")
    port = free_port()
    server = HTTPServer(("127.0.0.1", port), _Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context.ready(Result(summary="It answers.", endpoint=f"http://127.0.0.1:{port}"))
    while not context.cancelled or params.how == "deaf":
        if params.how != "deaf" and (context.folder / "now").exists():
            if params.how == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if params.how == "return":
                break
        time.sleep(0.005)
    return Result(summary="It answered.")


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *arguments: object) -> None:
        pass


def _tool(name: str, parameters: type[Parameters], **more: bool) -> Tool:
    return Tool(
        name=name,
        title=name,
        title_zh=name,
        stage="assess",
        parameters=parameters,
        plan=_plan,
        run=f"job_samples:{name}",
        **more,  # type: ignore[arg-type]
    )


TOOLS = {
    tool.name: tool
    for tool in (
        _tool("add", AddParameters),
        _tool("count", CountParameters),
        _tool("fail", FailParameters),
        _tool("trace", TraceParameters),
        _tool("process", ProcessParameters, heavy=False),
        _tool("serve", ServeParameters, service=True),
    )
}
