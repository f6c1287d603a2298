"""What the owner knows of who speaks to it."""

from pathlib import Path

from estate import Estate
from walk import Walk

from agent.lifecycle.stages import Stage

THREAD = "slack:T1:C1:1700000000.000100"


def test_the_language_a_person_spoke_last_in_a_conversation_is_known(tmp_path: Path) -> None:
    with Estate(tmp_path, Walk().to(Stage.ASSESS)) as estate:
        owner, project = estate.owner, estate.project.id
        assert owner.spoken(THREAD, "ana") == "en"
        owner.say("ana", THREAD, "我们到哪一步了？", project)
        owner.say("ben", THREAD, "where are we right now?", project)
        owner.say("ana", THREAD, "evaluate tiny on tickets", project)
        assert (owner.spoken(THREAD, "ana"), owner.spoken(THREAD, "ben")) == ("zh", "en")
        assert owner.spoken("slack:T1:C2", "ana") == "en"
        owner.say("ana", THREAD, "what is the next step now?", project)
        assert owner.spoken(THREAD, "ana") == "en"
