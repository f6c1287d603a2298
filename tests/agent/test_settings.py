import pytest

from agent.errors import Configuration
from agent.settings import load


def test_the_default_needs_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert settings.model is None
    assert settings.home == tmp_path / ".odyssey"


def test_all_faults_are_reported_at_once(monkeypatch):
    for name, value in (("SLOTS", "0"), ("THREADS", "many"), ("DURABILITY", "paper"), ("PERSON", "a b")):
        monkeypatch.setenv(f"ODYSSEY_{name}", value)
    with pytest.raises(Configuration) as caught:
        load()
    for name in ("ODYSSEY_SLOTS='0'", "ODYSSEY_THREADS='many'", "ODYSSEY_DURABILITY='paper'", "ODYSSEY_PERSON='a b'"):
        assert name in str(caught.value)


def test_a_file_beside_sets_what_the_environment_does_not(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ODYSSEY_SLOTS=3\nODYSSEY_THREADS=4\n")
    monkeypatch.setenv("ODYSSEY_THREADS", "1")
    assert (load().slots, load().threads) == (3, 1)
