"""The command line: `odyssey …`. Every command has `--help`; none needs a terminal, colour or a key."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from agent.errors import OdysseyError
from agent.settings import Settings, load

Command = Callable[[argparse.Namespace, Settings], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 done, 1 not done, 2 wrong usage, 130 interrupted."""
    arguments = parser().parse_args(argv)
    try:
        chosen = {"home": Path(arguments.home)} if arguments.home else {}
        if arguments.command == "doctor":  # it goes on where the settings are wrong: telling so is its purpose
            from agent.doctor import doctor

            return doctor(arguments, chosen)
        settings = load(**chosen)
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(name)s %(levelname)s %(message)s")
        return int(arguments.run(arguments, settings))
    except OdysseyError as error:
        sys.stderr.write(f"odyssey: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nodyssey: interrupted; what was accepted is kept.\n")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stderr.close()
        return 0


HOME = "folder with everything Odyssey keeps (ODYSSEY_HOME; default .odyssey)"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="odyssey", description="Leads a team's language-model project from scope to launch, and does the work."
    )
    top.add_argument("--home", help=HOME)
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _chat(commands)
    _serve(commands)
    _slack(commands)
    _demo(commands)
    _questions(commands)
    _knowledge(commands)
    _run(commands)
    for name, text in (
        ("status", "where a project stands"),
        ("jobs", "a project's jobs"),
        ("audit", "everything that happened in a project, and whether its chain of hashes holds"),
    ):
        command = _add(commands, name, text, f"agent.commands:{name}")
        _speaker(command, project_required=True)
        command.add_argument("--json", action="store_true", help="one JSON object instead of text")
    text = "what is configured, reachable or missing, and how to mend it"
    doctor = _add(commands, "doctor", text, "agent.doctor:doctor")
    doctor.add_argument("--json", action="store_true", help="one JSON object instead of text")
    _add(
        commands,
        "prepare",
        "make what every home shares: the encoder and the vectors of the guides",
        "agent.commands:prepare",
    )
    lifecycle = _add(commands, "lifecycle", "the life cycle as a state machine", "agent.commands:lifecycle")
    lifecycle.add_argument("--mermaid", action="store_true", help="as a Mermaid drawing instead of a list of stages")
    return top


Adder: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _chat(commands: Adder) -> None:
    command = _add(commands, "chat", "talk with Odyssey in the terminal, or through a pipe", "agent.commands:chat")
    _speaker(command)
    command.add_argument("--thread", default="terminal", help="name of the conversation to go on with")


def _serve(commands: Adder) -> None:
    text = "be in Slack; without tokens, offer a local workspace that behaves like it"
    command = _add(commands, "serve", text, "agent.serve:serve")
    command.add_argument("--port", type=int, help="of the local workspace, or of HTTP mode (SLACK_HTTP_PORT)")


def _slack(commands: Adder) -> None:
    command = _add(commands, "slack", "what Slack needs to know of Odyssey", "agent.commands:slack")
    command.add_argument("what", choices=["manifest"], help="manifest: the app's manifest, to be pasted into Slack")
    command.add_argument("--url", help="https address at which Slack reaches HTTP mode; without it, Socket Mode")


def _demo(commands: Adder) -> None:
    command = _add(commands, "demo", "a project from scope to launch, live", "agent.demo:demo")
    command.add_argument("--data", type=Path, help="CSV or JSONL of your own with a text and a label in each row")
    command.add_argument("--text-column", help="the column with the text, if it is not obvious")
    command.add_argument("--label-column", help="the column with the label, if it is not obvious")
    command.add_argument("--target", type=float, default=0.85, help="accuracy to reach with --data (default 0.85)")
    command.add_argument("--seed", type=int, default=7, help="draws the sample's facts and splits")


def _questions(commands: Adder) -> None:
    for name, text in (
        ("ask", "answer a question, with its sources; changes nothing"),
        ("understand", "show how a sentence would be understood; changes nothing"),
    ):
        command = _add(commands, name, text, f"agent.commands:{name}")
        command.add_argument("text", nargs="?", help="the sentence")
        command.add_argument("--json", action="store_true", help="one JSON object instead of text")
        command.add_argument(
            "--jsonl", metavar="FILE", help='{"text": …} a line in (- for a pipe), one object a line out'
        )
        _speaker(command)


def _knowledge(commands: Adder) -> None:
    search = _add(commands, "search", "the passages that speak to a question", "agent.knowledge_commands:search")
    search.add_argument("text", nargs="?", help="the question")
    search.add_argument("--k", type=int, default=5, help="how many passages (default 5)")
    search.add_argument("--json", action="store_true", help="one JSON object instead of text")
    search.add_argument("--jsonl", metavar="FILE", help='{"text": …} a line in (- for a pipe), one object a line out')
    _speaker(search)
    ingest = _add(commands, "ingest", "take documents into a project's knowledge", "agent.knowledge_commands:ingest")
    ingest.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder with all that is in it")
    ingest.add_argument("--audience", default="project", help="project (default), workspace or channel:ID")
    ingest.add_argument("--json", action="store_true", help="one JSON object a file instead of text")
    _speaker(ingest, project_required=True)
    command = _add(commands, "knowledge", "the index of what is known", "agent.knowledge_commands:knowledge")
    command.add_argument(
        "what",
        choices=["audit", "rebuild", "calibrate"],
        help='audit: hold it against its sources; rebuild it; calibrate: fit "I don\'t know" to the embeddings in use',
    )
    command.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _run(commands: Adder) -> None:
    command = _add(commands, "run", "start a tool as a job", "agent.commands:run")
    command.add_argument("tool", help="the tool's name, e.g. evaluate")
    _speaker(command, project_required=True)
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a parameter; repeat for more")
    command.add_argument("--wait", action="store_true", help="until it has ended; exit status 1 if it did not succeed")
    command.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _speaker(command: argparse.ArgumentParser, *, project_required: bool = False) -> None:
    command.add_argument("--as", dest="person", metavar="PERSON", help="who speaks (ODYSSEY_PERSON)")
    command.add_argument("--project", metavar="NAME", required=project_required, help="the project this is about")


def _add(commands: Adder, name: str, text: str, target: str) -> argparse.ArgumentParser:
    """A command whose code is imported when it runs: `--help` needs none of it."""
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[:1].upper() + text[1:] + "."
    )

    def execute(arguments: argparse.Namespace, settings: Settings) -> int:
        from importlib import import_module

        module, _, function = target.partition(":")
        return int(getattr(import_module(module), function)(arguments, settings))

    command.set_defaults(run=execute, command=name)
    command.add_argument("--home", default=argparse.SUPPRESS, help=HOME)  # before the command or after it
    return command


if __name__ == "__main__":
    sys.exit(main())
