"""What was printed is shown without secrets, without what steers a terminal, without tracebacks."""

import pytest

from agent.redact import HIDDEN, last_lines, secret_values, without_secrets

SLACK = "xox" + "b-123456789012-abcdefABCDEF"
HUB = "hf_" + "abcdefghijklmnopqrst"
CLOUD = "AKIA" + "IOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"token {SLACK} given", SLACK),
        (f"login with {HUB}", HUB),
        (f"{CLOUD} is used", CLOUD),
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def-ghi_jkl"),
        ("export OPENAI_API_KEY=sk-1234567890abcdefghij", "sk-1234567890abcdefghij"),
        ("password: hunter22 and more", "hunter22"),
        ('{"client_secret": "s3cr3t value"}', "s3cr3t value"),
        ("fetching https://ada:pa55word@host.example/data", "pa55word"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow cut off", "MIIEow"),
        ("the value is correct-horse here", "correct-horse"),
    ],
)
def test_secrets_are_hidden(line: str, secret: str) -> None:
    shown = "\n".join(last_lines(line, secrets=("correct-horse",)))
    assert secret not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "line",
    [
        "step 400/400 loss 0.42 tokens/s 812",
        "num_tokens=512000 vocab=4096",
        "the tokenizer has 4,096 tokens",
        "eos_token: <eos>",
        "reading /home/ada/data/tickets.csv",
        "KeyError: 'label'",
        "https://example.org/a?b=c",
        "2026-03-02 09:00:00,123 INFO key figures follow",
    ],
)
def test_ordinary_lines_stay(line: str) -> None:
    assert last_lines(line) == (line,)


def test_values_of_secret_variables_are_known_by_their_names() -> None:
    environment = {
        "SLACK_BOT_TOKEN": "abcdefgh1", "DB_PASSWORD": "longer-than-that", "HOME": "/home/ada-lovelace", "A_KEY": "x"
    }  # fmt: skip
    assert secret_values(environment) == ("longer-than-that", "abcdefgh1")
    assert without_secrets("abcdefgh1 longer-than-that", secret_values(environment)) == f"{HIDDEN} {HIDDEN}"


def test_half_a_secret_at_the_beginning_is_left_out() -> None:
    assert last_lines("b-9012-abcdef is half a token\nnext", cut=True) == ("next",)


def test_a_progress_bar_is_shown_as_it_was_drawn_last() -> None:
    assert last_lines(" 10%|#   |\r 50%|##  |\r100%|####|\ndone\r\n") == ("100%|####|", "done")


def test_nothing_steers_a_terminal_or_turns_text_around() -> None:
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07plain\u202eevil\x00\x07 \x1b[2J\u200bend"
    assert last_lines(text) == ("red plainevil end",)


def test_a_traceback_is_told_in_a_line() -> None:
    text = """before
Traceback (most recent call last):
  File "/srv/app/run.py", line 3, in run
    secret_sauce()
    ~~~~~~~~~~~~^^
ValueError: the inside of it

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/app/run.py", line 9, in run
torch.OutOfMemoryError: CUDA out of memory
after
Traceback (most recent call last):
  File "cut off"
"""
    assert last_lines(text) == (
        "before",
        "(ValueError; its traceback of 5 lines is in the log file)",
        "(torch.OutOfMemoryError; its traceback of 3 lines is in the log file)",
        "after",
        "(a traceback of 2 lines is in the log file)",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "\r\r\r",
        "\x1b",
        "\x1b[",
        "Traceback (most recent call last):",
        "x" * 200_000,
        "a." * 100_000,
        "a:" * 100_000,
        "a://b:" * 40_000,
        "eyJ" * 60_000,
        "key=" * 50_000,
        "-" * 200_000,
    ],
)
def test_rubbish_harms_nothing(text: str) -> None:
    last_lines(text, cut=True)
    last_lines(text)
