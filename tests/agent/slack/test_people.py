"""Names in place of ids."""

import asyncio

from agent.slack.people import LIFE, LIFE_OF_UNKNOWN, People, display_name


class Directory:
    def __init__(self, **names):
        self.names, self.asked = names, []

    async def __call__(self, team, user):
        self.asked.append((team, user))
        await asyncio.sleep(0)
        return self.names.get(user)


def test_ids_become_names_once_they_are_known():
    async def go():
        directory = Directory(U0000ADA1="Ada", U00GRACE1="Grace Hopper")
        people = People(directory)
        text = (
            "U0000ADA1 asks, U00GRACE1 approves, U0NOBODY1 not; rank-U0000ADA1 and U0000ADA1.csv and `u0000ada1` stay"
        )
        assert people(text) == text
        await asyncio.gather(people.learn(text), people.learn(text))
        assert people(text).startswith("Ada asks, Grace Hopper approves, U0NOBODY1 not")
        assert people("say `role U0000ADA1 viewer` to U0000ADA1") == "say `role U0000ADA1 viewer` to Ada"
        assert sorted(directory.asked) == [(None, "U0000ADA1"), (None, "U00GRACE1"), (None, "U0NOBODY1")]
        await people.learn("T0ONE.U0000ADA1")
        assert people("T0ONE.U0000ADA1:") == "Ada:" and directory.asked[-1] == ("T0ONE", "U0000ADA1")

    asyncio.run(go())


def test_names_are_asked_for_again_in_time_and_the_old_one_stands_meanwhile():
    async def go():
        now = [0.0]
        directory = Directory(U0000ADA1="Ada")
        people = People(directory, lambda: now[0])
        await people.learn("U0000ADA1 U0000NEW1")
        directory.names |= {"U0000ADA1": "Ada L.", "U0000NEW1": "Newcomer"}
        now[0] = LIFE_OF_UNKNOWN + 1
        await people.learn("U0000ADA1 U0000NEW1")
        assert people("U0000ADA1 U0000NEW1") == "Ada Newcomer"
        now[0] = LIFE + 1
        assert people("U0000ADA1") == "Ada"
        await people.learn("U0000ADA1")
        assert people("U0000ADA1") == "Ada L."
        directory.names.clear()
        now[0] = 3 * LIFE
        await people.learn("U0000ADA1")
        assert people("U0000ADA1") == "Ada L."

    asyncio.run(go())


def test_the_name_slack_shows():
    assert display_name({"profile": {"display_name": " ada\n l ", "real_name": "Ada"}, "name": "a"}) == "ada l"
    assert display_name({"profile": {"display_name": "", "real_name": "Ada"}}) == "Ada"
    assert display_name({"name": "ada"}) == "ada"
    assert display_name({"profile": {"display_name": 5}}) is None
    assert display_name(None) is None
    assert (
        display_name({"name": "<!channel> *Ada* [x](https://e.example) <@U1>\u202e"})
        == "channel Ada xhttps://e.example U1"
    )
    assert display_name({"profile": {"display_name": "<<>>"}, "name": "ada"}) == "ada"


def test_words_are_no_people():
    async def go():
        directory = Directory()
        await People(directory).learn("UNRESOLVED WER UTF8 W3C U2019 WIKITEXT103B-X F0FILE0001 TU0000ADA1")
        assert directory.asked == []

    asyncio.run(go())
