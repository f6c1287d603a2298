"""Writing the model card and the launch report from the project's record."""

from collections.abc import Sequence
from pathlib import Path

from tools.contract import Artefact, JobContext, Result
from tools.errors import Defect
from tools.report import page, snapshot
from tools.report.page import Picture
from tools.report.plots import Plot, draw_all
from tools.report.snapshot import Snapshot
from tools.report.spec import ReportParameters
from tools.report.verdict import verdict

LARGEST = 250_000  # bytes of a run's plot that the page still carries
MOST = 12  # plots of runs


def run(params: ReportParameters, context: JobContext) -> Result:
    """`model-card.md`, `report.md`, `report.html` and `plots/*.png` in the job's folder."""
    held, model = context.inputs.files.get("snapshot"), context.inputs.models.get("model")
    if held is None or model is None:
        raise Defect("The report was started without the project's record or a model.")
    context.progress("reading the record", 0, 3)
    record = snapshot.read(Path(held.path))
    context.progress("drawing", 1, 3)
    plots = draw_all(record)
    context.stop_if_cancelled()
    context.progress("writing", 2, 3)
    files = write(record, model.name, plots, pictures(record, context.folder.parent), context.folder, params.title)
    context.progress("done", 3, 3)
    found = verdict(record)
    return Result(
        summary=f"{found.headline} Model card of {model.name} and launch report are written.",
        artefacts=tuple(_artefact(context, path) for path in files),
        facts={
            "model_card": "model-card.md",
            "report": ["report.html", "report.md"],
            "ready": found.ready,
            "verdict": found.text,
        },
    )


def write(
    record: Snapshot, model: str, plots: Sequence[Plot], found: Sequence[Picture], folder: Path, title: str = ""
) -> tuple[Path, ...]:
    """Write everything below `folder`; the paths. Needs the record alone, so it works on one that was made up."""
    candidate = record.project.candidates.get(model)
    if candidate is None:
        raise Defect(f"The record of {record.project.name} has no model called {model}.")
    drawn = folder / "plots"
    drawn.mkdir(parents=True, exist_ok=True)
    paths = {f"plots/{plot.name}.png": plot for plot in plots}
    for path, plot in paths.items():
        (folder / path).write_bytes(plot.light)
    texts = {
        "model-card.md": page.model_card(record, candidate),
        "report.md": page.report_markdown(record, paths, title),
        "report.html": page.report_html(record, plots, found, title),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return (*(folder / name for name in texts), *(folder / path for path in paths))


def pictures(record: Snapshot, jobs: Path) -> tuple[Picture, ...]:
    """The plots that the runs behind the evidence left in their folders, where those still lie beside this one."""
    found: list[Picture] = []
    runs = dict.fromkeys(e.run for e in record.project.evidence if e.tool not in ("data", "report", "serve"))
    for run_id in runs:
        folder = jobs / run_id
        if not run_id.isalnum() or not folder.is_dir():
            continue
        for path in sorted(folder.glob("*.png")):
            if path.stat().st_size <= LARGEST:
                found.append(Picture(run_id, path.stem, path.read_bytes()))
    return tuple(found[-MOST:])


def _artefact(context: JobContext, path: Path) -> Artefact:
    kind = "plot" if path.suffix == ".png" else "report"
    return context.artefact(path.stem, kind, path)
