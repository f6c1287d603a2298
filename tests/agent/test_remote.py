"""Calls over a real socket: arguments and answers cross it whole, errors as sentences."""

import json
import socket
from pathlib import Path

import pytest

from agent.errors import Mendable, OwnedElsewhere
from agent.remote import Connection, Server, methods, socket_path
from tools.contract import Frozen, Metric
from tools.errors import UserFault


class Answer(Frozen):
    text: str
    metrics: tuple[Metric, ...] = ()


class Interface:
    def echo(self, text: str, times: int = 1) -> Answer: ...

    def fail(self, how: str) -> None: ...

    def secret(self) -> str: ...


class Target:
    def echo(self, text: str, times: int = 1) -> Answer:
        return Answer(text=text * times, metrics=(Metric(name="n", value=times),))

    def fail(self, how: str) -> None:
        if how == "fault":
            raise UserFault("The path is wrong; name another.")
        raise RuntimeError("inside information")

    def secret(self) -> str:
        return "not offered"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "s.sock"
    server = Server(path, Target(), methods(Interface, ("echo", "fail")))
    server.start()
    yield path
    server.stop()
    assert not path.exists()


def connect(path: Path) -> Connection:
    return Connection(path, methods(Interface, ("echo", "fail", "secret")))


def test_arguments_and_answers_cross_whole(path):
    connection = connect(path)
    assert connection.answers()
    assert connection.call("echo", "你好 ", times=2) == Answer(text="你好 你好 ", metrics=(Metric(name="n", value=2),))
    assert len(connection.call("echo", "x" * 3_000_000).text) == 3_000_000


def test_errors_arrive_as_sentences_without_the_inside(path):
    connection = connect(path)
    with pytest.raises(Mendable, match="The path is wrong; name another"):
        connection.call("fail", "fault")
    with pytest.raises(Mendable) as caught:
        connection.call("fail", "crash")
    assert "inside information" not in str(caught.value) and "E-" in str(caught.value)
    assert connection.call("echo", "still there").text == "still there"


def test_only_what_is_offered_can_be_called(path):
    with pytest.raises(Mendable, match="not understood"):
        connect(path).call("secret")


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"nonsense", b'{"method": "echo", "arguments": {"times": "x"}}'])
def test_rubbish_on_the_socket_harms_nothing(path, line):
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(path))
        raw.sendall(line + b"\n")
        assert "error" in json.loads(raw.makefile("rb").readline())
    assert connect(path).call("echo", "well").text == "well"


def test_an_owner_that_is_gone_is_said(tmp_path):
    server = Server(tmp_path / "s.sock", Target(), methods(Interface, ("echo",)))
    server.start()
    connection = connect(tmp_path / "s.sock")
    connection.call("echo", "x")
    server.stop()
    with pytest.raises(OwnedElsewhere):
        connect(tmp_path / "s.sock").call("echo", "x")


def test_the_socket_is_private_and_its_path_fits(path, tmp_path):
    assert path.stat().st_mode & 0o777 == 0o600
    deep = tmp_path / ("long" * 40)
    assert len(str(socket_path(deep))) < 100
    assert socket_path(deep) == socket_path(deep) != socket_path(tmp_path / ("other" * 40))
    assert socket_path(Path("/home/x")) == Path("/home/x/home.sock")
