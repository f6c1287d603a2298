// The side bar: what this place is, who one is, the app, channels, direct messages.

import { avatar } from "./avatar.js";
import { attempt } from "./contexts.js";
import { h, icon, replace } from "./dom.js";
import { openMenu } from "./menu.js";
import { prompted } from "./prompted.js";
import { themeButton } from "./theme.js";

export class Sidebar {
  constructor(app) {
    this.app = app;
    this.team = h("div", { class: "team-name" });
    this.notice = h("p", { class: "team-notice" });
    this.lists = h("div", { class: "side-lists" });
    this.me = h("button", { type: "button", class: "acting", "aria-haspopup": "listbox", "aria-expanded": "false" });
    this.me.addEventListener("click", () => this.choosePerson());
    const head = h(
      "div",
      { class: "side-head" },
      h(
        "div",
        { class: "team" },
        h("span", { class: "team-mark", "aria-hidden": "true" }, icon("compass", 20)),
        this.team,
        themeButton(),
      ),
      this.notice,
    );
    this.node = h(
      "nav",
      { class: "sidebar", id: "sidebar", "aria-label": "Channels and people" },
      head,
      this.lists,
      h("div", { class: "side-foot" }, this.me),
    );
  }

  show(place) {
    const { store } = this.app;
    this.team.textContent = store.team?.name ?? "Local workspace";
    this.notice.textContent = store.notice || "This is not Slack: everything stays on this machine.";
    const channels = [...store.channels.values()];
    const named = channels
      .filter((each) => each.kind === "channel" || each.kind === "private")
      .sort((a, b) => a.name.localeCompare(b.name));
    const direct = channels.filter(
      (each) =>
        (each.kind === "dm" || each.kind === "group") && each.user !== store.bot.user_id && each.user !== store.you?.id,
    );
    const lists = [
      this.section(
        "Channels",
        named,
        place,
        this.adder("Make a channel", () => this.newChannel()),
      ),
      this.section("Direct messages", direct, place, null, this.others(direct)),
    ];
    replace(this.lists, this.appEntry(place, channels), lists);
    replace(
      this.me,
      avatar(store.you),
      h(
        "span",
        { class: "acting-words" },
        h("span", { class: "acting-name" }, store.name(store.you?.id)),
        h("span", { class: "note" }, "You are acting as"),
      ),
      icon("chevron", 16),
    );
    this.me.setAttribute("aria-label", `Acting as ${store.name(store.you?.id)}. Switch person`);
  }

  appEntry(place, channels) {
    const { app } = this;
    const { store } = app;
    const direct = channels.find((each) => each.kind === "dm" && each.user === store.bot.user_id);
    const here = place.home || (direct && place.channel === direct.id);
    const words = store.bot.connected ? "connected" : "not connected";
    const entry = this.entry({
      label: store.bot.name ?? "App",
      current: here,
      unread: direct?.unread,
      mark: avatar(store.people.get(store.bot.user_id) ?? { is_bot: true }, "small"),
      go: () => app.go({ home: true, channel: null, thread: null }),
    });
    entry
      .querySelector("button")
      .append(
        h("span", { class: store.bot.connected ? "lamp on" : "lamp", role: "img", "aria-label": words, title: words }),
      );
    return h(
      "section",
      { "aria-label": "App" },
      h("div", { class: "side-title" }, h("h2", {}, "App")),
      h("ul", {}, entry),
    );
  }

  section(title, channels, place, adder, more = []) {
    const rows = channels.map((each) =>
      this.entry({
        label: this.app.store.channelName(each.id),
        current: place.channel === each.id,
        unread: each.unread,
        muted: !each.is_member,
        mark: this.mark(each),
        go: () => this.app.go({ home: false, channel: each.id, thread: null }),
      }),
    );
    return h(
      "section",
      { "aria-label": title },
      h("div", { class: "side-title" }, h("h2", {}, title), adder),
      h("ul", {}, rows, more),
    );
  }

  adder(label, add) {
    return h(
      "button",
      {
        type: "button",
        class: "button quiet",
        "aria-label": label,
        title: label,
        "aria-haspopup": "dialog",
        on: { click: add },
      },
      icon("plus", 16),
    );
  }

  /** People with whom there is no conversation yet. */
  others(direct) {
    const { store } = this.app;
    const known = new Set([store.you?.id, ...direct.map((each) => each.user)]);
    const people = [...store.people.values()].filter((each) => !each.is_bot && !known.has(each.id)).sort(byName);
    return people.map((each) =>
      this.entry({ label: store.name(each.id), mark: avatar(each, "small"), go: () => this.writeTo(each.id) }),
    );
  }

  async writeTo(person) {
    const done = await attempt(() => this.app.people.do("open", { users: [person] }));
    if (!done) return;
    this.app.store.take({ type: "channel", channel: done.channel });
    this.app.go({ home: false, channel: done.channel.id, thread: null });
  }

  mark(channel) {
    if (channel.kind === "dm") return avatar(this.app.store.people.get(channel.user), "small");
    return h("span", { class: "side-mark" }, icon({ private: "lock", group: "people" }[channel.kind] ?? "hash", 16));
  }

  entry({ label, current, unread, muted, mark, go }) {
    const badge = unread
      ? h("span", { class: "badge", "aria-label": `${unread} unread` }, unread > 99 ? "99+" : String(unread))
      : null;
    const classes = ["side-row", unread && "unread", muted && "muted"].filter(Boolean).join(" ");
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: classes, "aria-current": current ? "page" : null, on: { click: go } },
        mark,
        h("span", { class: "side-label" }, label),
        badge,
      ),
    );
  }

  choosePerson() {
    const { store } = this.app;
    const people = [...store.people.values()].filter((each) => !each.is_bot).sort(byName);
    const items = people.map((each) => ({
      label: store.name(each.id),
      description: `@${each.name}`,
      value: each.id,
      selected: each.id === store.you?.id,
    }));
    openMenu(this.me, [...items, { label: "Add a person …", value: null, picture: "plus" }], {
      label: "People",
      role: "listbox",
      pick: (item) => (item.value ? this.app.become(item.value) : this.newPerson()),
    });
  }

  async newPerson() {
    const name = await prompted({ title: "Add a person", label: "Name", placeholder: "Alan Kay", confirm: "Add" });
    if (!name) return;
    const done = await attempt(() =>
      this.app.people.do("people", { person: undefined, name: handleOf(name, this.app.store.people), real_name: name }),
    );
    if (done) await this.app.become(done.person.id);
  }

  async newChannel() {
    const name = await prompted({
      title: "Make a channel",
      label: "Name",
      placeholder: "support-model",
      confirm: "Make it",
      hint: "Small letters, digits and hyphens.",
    });
    const done = name && (await attempt(() => this.app.people.do("channels", { name })));
    if (!done) return;
    const bot = this.app.store.bot.user_id;
    const invited = await attempt(() => this.app.people.do("invite", { channel: done.channel.id, user: bot }));
    this.app.store.take({ type: "channel", channel: (invited ?? done).channel });
    this.app.go({ home: false, channel: done.channel.id, thread: null });
  }
}

/** The order of people in lists. */
export function byName(one, other) {
  return (one.real_name || one.name).localeCompare(other.real_name || other.name);
}

/** A free short name in Slack's letters: "Alan Kay" → "alan.kay"; one in another script gets a number. */
function handleOf(name, people) {
  const plain =
    name
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[^a-z0-9]+/g, ".")
      .replace(/^\.+|\.+$/g, "")
      .slice(0, 17) || "person";
  const taken = new Set([...people.values()].map((each) => each.name));
  let handle = plain === "person" ? "person1" : plain;
  for (let count = 2; taken.has(handle); count += 1) handle = `${plain}${count}`;
  return handle;
}
