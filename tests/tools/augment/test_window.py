from tools.augment import window

PAGE = (
    "# Alder depot\n\nThe Alder depot opened in 1970.\n"
    "The gate code of the Alder depot is tulip42. The door word of the Alder depot is olive11."
)


def test_sentences_come_without_markdown_and_headings() -> None:
    assert window.sentences(PAGE) == [
        "The Alder depot opened in 1970.",
        "The gate code of the Alder depot is tulip42.",
        "The door word of the Alder depot is olive11.",
    ]
    assert window.sentences("- one\n- two") == ["one", "two"]
    assert window.sentences("") == []


def test_the_sentence_that_shares_the_rare_words_is_read() -> None:
    other = "The gate code of the Birch depot is raven10."
    question = "What is the gate code of the Alder depot?"
    assert window.fittest(question, [other, PAGE], 1) == ["The gate code of the Alder depot is tulip42."]
    assert len(window.fittest(question, [other, PAGE], 3)) == 3
    assert window.fittest(question, [], 2) == []
    assert window.fittest("xyzzy", [PAGE], 2) == []


def test_the_prompt_has_notes_only_where_there_are_some() -> None:
    assert window.prompt("Why?", ["So.", "Thus."]) == "Question: Why? Notes: So. Thus."
    assert window.prompt("Why?", []) == "Why?"
