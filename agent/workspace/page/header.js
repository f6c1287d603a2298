// The heads of the panes: where one is, the app's tabs, members.

import { h, icon, replace } from "./dom.js";
import { avatar } from "./avatar.js";
import { attempt } from "./contexts.js";
import { openMenu } from "./menu.js";

/** Fills the head of the main pane for `place`. */
export function showHeader(app, node, place) {
  const { store } = app;
  const channel = store.channels.get(place.channel);
  const withBot = place.home || (channel?.kind === "dm" && channel.user === store.bot.user_id);
  const opener = h(
    "button",
    {
      type: "button",
      class: "button quiet opener",
      "aria-label": "Channels and people",
      "aria-expanded": "false",
      "aria-controls": "sidebar",
      on: { click: () => app.toggleSidebar() },
    },
    icon("menu"),
  );
  replace(node, opener, withBot ? appHead(app, place) : channelHead(app, channel));
}

function appHead(app, place) {
  const { store } = app;
  const tab = (label, current, go) =>
    h("button", { type: "button", class: "tab", "aria-current": current ? "page" : null, on: { click: go } }, label);
  const title = h(
    "h1",
    {},
    avatar(store.people.get(store.bot.user_id) ?? { is_bot: true }, "small"),
    store.bot.name ?? "App",
  );
  const messages = () => app.go({ home: false, channel: app.directWithBot(), thread: null });
  return [
    title,
    h(
      "nav",
      { class: "tabs", "aria-label": "App" },
      tab("Home", place.home, () => app.go({ home: true, channel: null, thread: null })),
      tab("Messages", !place.home, messages),
    ),
  ];
}

function channelHead(app, channel) {
  if (!channel) return [h("h1", {}, "")];
  const { store } = app;
  const mark = { private: "lock", channel: "hash", group: "people" }[channel.kind];
  const title = h(
    "h1",
    {},
    mark ? icon(mark, 18) : avatar(store.people.get(channel.user), "small"),
    store.channelName(channel.id),
  );
  const topic =
    channel.topic &&
    h("p", { class: "topic" }, typeof channel.topic === "string" ? channel.topic : channel.topic.value);
  return [title, topic, channel.kind === "channel" || channel.kind === "private" ? members(app, channel) : null];
}

function members(app, channel) {
  const { store } = app;
  const button = h(
    "button",
    {
      type: "button",
      class: "button quiet members",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": `${channel.members.length} members. Invite`,
    },
    icon("people", 16),
    String(channel.members.length),
  );
  button.addEventListener("click", () => {
    const rows = channel.members.map((id) => ({ label: store.name(id), group: "In this channel", run: () => {} }));
    const others = [...store.people.values()].filter((each) => !channel.members.includes(each.id));
    rows.push(
      ...others.map(({ id }) => ({
        label: store.name(id),
        picture: "plus",
        group: "Invite",
        run: () => attempt(() => app.people.do("invite", { channel: channel.id, user: id })),
      })),
    );
    const leave = {
      label: "Leave the channel",
      danger: true,
      group: "You",
      run: () => attempt(() => app.people.do("leave", { channel: channel.id })),
    };
    openMenu(button, channel.is_member ? [...rows, leave] : rows, { label: "Members", pick: (item) => item.run() });
  });
  return button;
}

/** Where a conversation begins. */
export function intro(app, place) {
  const { store } = app;
  const channel = store.channels.get(place.channel);
  if (!channel || place.thread) return null;
  const direct = channel.kind === "dm" || channel.kind === "group";
  const bot = store.bot.name ?? "the app";
  let sentence = `Mention @${store.people.get(store.bot.user_id)?.name ?? "odyssey"} to bring in ${bot}.`;
  if (channel.user === store.bot.user_id)
    sentence = `Say what you need in your own words. ${bot} answers here, and in every channel where you mention it.`;
  else if (direct) sentence = "Nobody else sees this.";
  return h(
    "div",
    { class: "intro" },
    h("h2", {}, store.title(channel.id)),
    h("p", {}, channel.topic && typeof channel.topic === "string" ? `${channel.topic}. ${sentence}` : sentence),
  );
}
