"""Odyssey in Slack, over real sockets: people act in the local workspace, the real app answers."""

import pytest
from slack_app import App
from workspace_case import Refusal, Workspace, text_of


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with Workspace(tmp_path_factory.mktemp("workspace")) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def app(workspace, tmp_path_factory):
    with App.of(tmp_path_factory.mktemp("home"), workspace.server) as app:
        yield app


@pytest.fixture
def ada(workspace, app):
    return workspace.person("ada")


@pytest.fixture
def grace(workspace, app):
    return workspace.person("grace")


def ours(message):
    return "bot_id" in message and not message.get("streaming")


def about(*words):
    """Whether a message of Odyssey's holds all the words."""
    return lambda message: ours(message) and all(word in text_of(message) for word in words)


def create(person, name):
    """A project, proposed and pressed; the thread it was asked for in."""
    said = person.say("general", f"@odyssey create project {name}")
    person.click(person.wait_reply(said, about("Proposal", name)), "Do it")
    person.wait_reply(said, lambda message: "Proposal" not in text_of(message) and name in text_of(message))
    return said


# --- ways in -----------------------------------------------------------------------------------------------------


def test_a_mention_is_answered_in_a_thread_that_goes_on_without_one(ada):
    said = ada.say("general", "@odyssey help")
    ada.wait_reply(said, about("create project"))
    last = ada.say("general", "projects", said)
    assert ada.wait_reply(said, lambda message: message["ts"] > last["ts"])


def test_direct_messages_need_no_mention(ada):
    ada.say("dm", "create project by-dm")
    assert ada.wait_for(about("by-dm", "Proposal"))


def test_a_slash_command_is_answered_for_one_person(ada, grace):
    ada.command("create project quiet")
    asked = ada.wait_for(lambda message: message.get("ephemeral") and about("Proposal", "quiet")(message))
    ada.click(asked, "Do it")
    done = ada.wait_for(
        lambda message: message.get("ephemeral") and about("quiet")(message) and message["ts"] > asked["ts"]
    )
    assert "Proposal" not in text_of(done)
    assert not any("quiet" in str(frame.get("message", "")) for frame in grace.seen)


def test_a_slash_command_without_text_helps(ada):
    ada.command("")
    assert ada.wait_for(lambda message: message.get("ephemeral") and about("create project")(message))


def test_a_shortcut_asks_about_a_message_whose_text_is_no_command(ada, grace):
    said = grace.say("general", "create project from-a-message")
    ada.shortcut(said)
    answered = ada.wait_reply(said)
    assert "Proposal" not in text_of(answered)
    ada.command("projects")
    shown = ada.wait_for(lambda message: message.get("ephemeral") and ours(message))
    assert "from-a-message" not in text_of(shown)


def test_talk_among_people_is_left_alone(ada, grace):
    root = grace.say("general", "what is LoRA?")
    grace.say("general", "does anybody know?", root)
    asked = ada.say("general", "@odyssey help")
    ada.wait_reply(asked)
    ada.say("general", "@grace shall we use it?", asked)
    last = ada.say("general", "projects", asked)
    ada.wait_reply(asked, lambda message: message["ts"] > last["ts"])
    assert [ours(message) for message in ada.thread(root)] == [False, False]
    assert sum(ours(message) for message in ada.thread(asked)) == 2


def test_an_edited_message_is_no_new_turn(ada):
    said = ada.say("general", "@odyssey help")
    first = ada.wait_reply(said)
    ada.act("edit", channel=said["channel"], ts=said["ts"], text="@odyssey projects")
    again = ada.say("general", "projects", said)
    ada.wait_reply(said, lambda message: message["ts"] > again["ts"])
    answers = [message for message in ada.thread(said) if ours(message)]
    assert len(answers) == 2 and answers[0]["ts"] == first["ts"]


# --- together ----------------------------------------------------------------------------------------------------


def test_two_people_share_a_project_and_roles_are_given_by_mention(ada, grace):
    said = create(ada, "shared")
    asked = grace.say("general", "use shared", said)
    ada.wait_reply(said, lambda message: message["ts"] > asked["ts"] and "sees no project" in text_of(message))
    given = ada.say("general", "role @grace approver", said)
    offer = ada.wait_reply(said, lambda message: message["ts"] > given["ts"])
    if "Proposal" in text_of(offer):
        ada.click(offer, "Do it")
    ada.wait_reply(said, lambda message: message["ts"] > given["ts"] and "is approver in" in text_of(message))
    used = grace.say("general", "@odyssey use shared")
    assert grace.wait_reply(used, about("shared", "Define the scope"))


def test_a_channel_is_about_a_project_once_it_is_bound(ada):
    create(ada, "bound")
    channel = ada.act("channels", name="bound-here")["channel"]["id"]
    ada.act("invite", channel=channel, user=ada.state()["bot"]["user_id"])
    ada.command("use bound", channel=channel)
    ada.wait_for(lambda message: message.get("ephemeral") and about("bound")(message))
    said = ada.say(channel, "@odyssey status")
    assert ada.wait_reply(said, about("bound"))


def test_a_command_where_odyssey_is_not_is_answered_in_direct_messages(ada):
    channel = ada.act("channels", name="without")["channel"]["id"]
    ada.command("help", channel=channel)
    found = ada.wait_for(lambda message: ours(message) and "create project" in text_of(message))
    assert found["channel"] == ada.channel("dm")


# --- windows, the home, votes ------------------------------------------------------------------------------------


def test_a_project_is_made_from_the_home_in_a_window(ada):
    view = ada.act("home", tab="home")["view"] or ada.wait_frame(lambda frame: frame["type"] == "home")["view"]
    ada.click(view, "new_project")
    window = ada.wait_view()
    wrong = ada.submit(window, name_field="two words", description_field="")
    assert wrong["response_action"] == "errors" and "name" in wrong["errors"]["name_field"]
    assert ada.submit(window, name_field="from-home", description_field="Sort tickets")["response_action"] is None
    offer = ada.wait_for(about("from-home", "Proposal"))
    assert offer["channel"] == ada.channel("dm")
    ada.click(offer, "Do it")
    assert ada.wait_frame(lambda frame: frame["type"] == "home" and "from-home" in str(frame["view"]))


def test_an_empty_conversation_suggests_something_to_say(ada):
    ada.act("home", tab="messages")
    prompts = ada.wait_frame(lambda frame: frame["type"] == "prompts")["prompts"]
    assert 1 <= len(prompts) <= 4


def test_a_cited_passage_is_shown_and_an_answer_voted_on(ada, app):
    said = ada.say("general", "@odyssey what is LoRA?")
    answer = ada.wait_reply(said, about("low-rank"))
    passage = next(name for name in buttons(answer) if name.startswith("passage"))
    ada.click(answer, passage)
    assert "LoRA" in str(ada.wait_view()["blocks"])
    feedback = next(
        e for block in answer["blocks"] for e in block.get("elements", []) if e["type"] == "feedback_buttons"
    )
    ada.click(answer, "feedback", feedback["positive_button"]["value"])


def buttons(message):
    return [e["action_id"] for block in message["blocks"] for e in block.get("elements", []) if "action_id" in e]


# --- files -------------------------------------------------------------------------------------------------------

ROWS = b"text,label\n" + b"".join(
    b"ticket %d about %s,%s\n" % (n, word, word) for n in range(60) for word in (b"billing", b"login")
)


def test_a_csv_becomes_data_once_its_proposal_is_pressed(ada):
    said = create(ada, "with-data")
    shared = ada.say("general", "", said, files=[ada.upload("my tickets (1).csv", ROWS)])
    offer = ada.wait_reply(said, lambda message: message["ts"] > shared["ts"] and "Proposal" in text_of(message))
    assert "my-tickets-1" in text_of(offer)
    ada.click(offer, "Do it")
    assert ada.wait_reply(said, lambda message: "my-tickets-1" in text_of(message) and "120" in text_of(message))


def test_the_parameters_of_a_proposed_job_are_changed_in_a_form(ada):
    said = create(ada, "with-a-form")
    shared = ada.say("general", "", said, files=[ada.upload("tickets.csv", ROWS)])
    offer = ada.wait_reply(said, lambda message: message["ts"] > shared["ts"] and "Proposal" in text_of(message))
    ada.click(offer, "Change settings…")
    view = ada.wait_view()
    assert view["callback_id"] == "form"
    wrong = ada.submit(view, set_test_rows="0")
    assert wrong["response_action"] == "errors" and "set_test_rows" in wrong["errors"]
    assert ada.submit(view, set_test_rows="20", set_name="renamed")["response_action"] is None
    anew = ada.wait_reply(said, lambda message: message["ts"] > offer["ts"] and "renamed" in text_of(message))
    assert "is dropped" in text_of(anew) and "test_rows=20" in text_of(anew)
    ada.click(anew, "Do it")
    assert ada.wait_reply(said, lambda message: message["ts"] > anew["ts"] and "renamed" in text_of(message))


def test_files_that_cannot_be_used_get_a_sentence(ada, app):
    said = create(ada, "no-data")
    ada.say("general", "", said, files=[ada.upload("tool.exe", b"MZ")])
    assert ada.wait_reply(said, about("I cannot use", "tool.exe", "CSV"))


def test_a_document_is_added_and_found(ada):
    said = create(ada, "with-documents")
    note = b"# Escalation\n\nA ticket from a bank is escalated to the blue desk within nine minutes.\n"
    shared = ada.say("general", "", said, files=[ada.upload("escalation.md", note)])
    offer = ada.wait_reply(said, lambda message: message["ts"] > shared["ts"] and ours(message))
    if "Proposal" in text_of(offer):
        ada.click(offer, "Do it")
    ada.wait_reply(said, lambda message: message["ts"] > shared["ts"] and "escalation.md" in text_of(message))


def test_a_file_that_is_gone_harms_nobody(ada):
    with pytest.raises(Refusal):
        ada.say("general", "@odyssey this", files=["F0NOTTHERE"])
