// One message: who, when, its text or blocks, files, reactions, its thread; and what can be done with it.

import { avatar } from "./avatar.js";
import { blockNodes } from "./blocks.js";
import { contextOf, namesOf } from "./contexts.js";
import { h, icon } from "./dom.js";
import { emojiOf } from "./emoji.js";
import { clock, dateOf, timeNode, whole } from "./moments.js";
import { mrkdwn } from "./mrkdwn.js";
import { fileNode } from "./pictures.js";
import { keyOf } from "./store.js";

const QUIET = {
  channel_join: true,
  channel_leave: true,
  channel_topic: true,
  channel_purpose: true,
  channel_name: true,
  bot_add: true,
};

/**
 * @param {object} app
 * @param {object} message
 * @param {{compact: boolean, inThread: boolean}} how
 * @returns {HTMLElement}
 */
export function messageNode(app, message, how) {
  const { store } = app;
  const author = store.people.get(message.user) ?? {
    id: message.user,
    name: message.username ?? "app",
    is_bot: Boolean(message.bot_id),
  };
  const name = store.people.has(message.user) ? store.name(message.user) : author.name;
  const classes = [
    "message",
    how.compact && "compact",
    message.ephemeral && "ephemeral",
    message.streaming && "streaming",
    QUIET[message.subtype] && "quiet",
  ];
  const node = h("article", {
    class: classes.filter(Boolean).join(" "),
    data: { ts: message.ts },
    tabindex: "-1",
    "aria-label": `${name}, ${clock(dateOf(message.ts))}`,
    "aria-busy": message.streaming ? "true" : null,
  });
  const time = timeNode(message.ts);
  node.append(h("div", { class: "message-side" }, how.compact ? time : avatar(author)));
  const head =
    !how.compact &&
    h(
      "div",
      { class: "message-head" },
      h("span", { class: "author" }, name),
      author.is_bot && h("span", { class: "tag" }, "app"),
      time,
    );
  const inside = [
    privacy(message),
    head,
    body(app, message),
    files(app, message),
    reactions(app, message),
    threadLink(app, message, how),
  ];
  node.append(h("div", { class: "message-main" }, inside), toolbar(app, message, how));
  return node;
}

function privacy(message) {
  return message.ephemeral && h("div", { class: "only-you" }, icon("eye", 14), "Only visible to you");
}

function body(app, message) {
  const edited =
    message.edited && h("span", { class: "edited", title: `Edited ${whole(dateOf(message.edited.ts))}` }, "(edited)");
  const source = { message: { channel: message.channel, ts: message.ts } };
  if (message.blocks?.length) {
    const context = contextOf(app, source);
    return h(
      "div",
      { class: "message-body" },
      blockNodes(message.blocks, context),
      edited,
      message.streaming && cursor(),
    );
  }
  if (!message.text && !message.streaming) return null;
  return h(
    "div",
    { class: "message-body" },
    mrkdwn(message.text ?? "", namesOf(app.store)),
    edited && [" ", edited],
    message.streaming && cursor(),
  );
}

function cursor() {
  return h("span", { class: "writing", "aria-hidden": "true" });
}

function files(app, message) {
  if (!message.files?.length) return null;
  return h(
    "div",
    { class: "files" },
    message.files.map((file) => fileNode(file, app.store.you.id)),
  );
}

function reactions(app, message) {
  if (!message.reactions?.length) return null;
  const mine = app.store.you.id;
  return h(
    "div",
    { class: "reactions" },
    message.reactions.map(({ name, users, count }) => {
      const who = users.map((id) => app.store.name(id)).join(", ");
      const pressed = users.includes(mine);
      const button = h(
        "button",
        {
          type: "button",
          class: "reaction",
          "aria-pressed": String(pressed),
          title: `${who} reacted with :${name}:`,
          "aria-label": `${name}: ${count}, ${who}`,
          "data-focus": `reaction/${name}`,
        },
        h("span", {}, emojiOf(name) ?? `:${name}:`),
        h("span", {}, String(count ?? users.length)),
      );
      button.addEventListener("click", () => app.react(message, name, !pressed));
      return button;
    }),
  );
}

function threadLink(app, message, how) {
  if (how.inThread) return null;
  const thread = app.store.conversations.get(keyOf(message.channel, message.ts));
  const status = thread?.agent.status;
  const count = message.reply_count ?? 0;
  const broadcast = message.thread_ts && message.thread_ts !== message.ts;
  const open = (label) =>
    h(
      "button",
      {
        type: "button",
        class: "thread-link",
        "data-focus": "thread",
        on: { click: () => app.openThread(message.channel, broadcast ? message.thread_ts : message.ts) },
      },
      label,
    );
  const parts = [];
  if (broadcast) parts.push(open([icon("reply", 14), "Replied in a thread"]));
  else if (count) {
    const users = (message.reply_users ?? []).slice(0, 4).map((id) => avatar(app.store.people.get(id), "small"));
    const last = message.latest_reply && h("span", { class: "note" }, `last ${clock(dateOf(message.latest_reply))}`);
    parts.push(open([h("span", { class: "avatars" }, users), `${count} ${count === 1 ? "reply" : "replies"}`, last]));
  }
  if (status && !broadcast)
    parts.push(
      h(
        "span",
        { class: "thread-status" },
        h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
        `${app.store.bot.name ?? "The app"} ${status}`,
      ),
    );
  return parts.length ? h("div", { class: "thread-summary" }, parts) : null;
}

function toolbar(app, message, how) {
  if (QUIET[message.subtype]) return null;
  const reply =
    !how.inThread &&
    !message.ephemeral &&
    h(
      "button",
      {
        type: "button",
        class: "button quiet",
        "aria-label": "Reply in thread",
        title: "Reply in thread",
        "data-focus": "reply",
      },
      icon("reply", 16),
    );
  if (reply)
    reply.addEventListener("click", () => app.openThread(message.channel, message.thread_ts ?? message.ts, true));
  const more = h(
    "button",
    {
      type: "button",
      class: "button quiet",
      "aria-label": "Message actions",
      title: "Message actions",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-focus": "more",
    },
    icon("dots", 16),
  );
  more.addEventListener("click", () => app.messageMenu(more, message));
  return h("div", { class: "toolbar" }, reply, more);
}
