// The menu of a message: the app's shortcuts, reactions, copying; editing and deleting one's own.

import { notice } from "./announce.js";
import { attempt } from "./contexts.js";
import { confirmed } from "./confirm.js";
import { h } from "./dom.js";
import { emojiOf } from "./emoji.js";
import { openMenu } from "./menu.js";
import { unescape } from "./mrkdwn.js";

const REACTIONS = ["+1", "eyes", "white_check_mark", "tada"];

/** @param {object} app @param {HTMLElement} anchor @param {object} message */
export function openMessageMenu(app, anchor, message) {
  const { store, people } = app;
  const place = { channel: message.channel, ts: message.ts };
  const items = store.shortcuts.map(({ callback_id: id, name }) => ({
    label: name,
    picture: "compass",
    group: store.bot.name,
    run: () => attempt(() => people.do("shortcut", { callback_id: id, ...place })),
  }));
  if (!message.ephemeral)
    items.push(
      ...REACTIONS.map((name) => ({
        label: `React with ${emojiOf(name)}`,
        picture: "plus",
        group: "Message",
        run: () => app.react(message, name, true),
      })),
    );
  items.push({ label: "Copy text", picture: "file", group: "Message", run: () => copy(message) });
  if (message.user === store.you.id && !message.ephemeral) {
    items.push({ label: "Edit", picture: "edit", group: "Yours", run: () => edit(app, message) });
    items.push({ label: "Delete", picture: "trash", group: "Yours", danger: true, run: () => remove(people, place) });
  }
  openMenu(anchor, items, { label: "Message actions", pick: (item) => item.run() });
}

async function copy(message) {
  const done = await navigator.clipboard?.writeText(unescape(message.text ?? "")).then(
    () => true,
    () => false,
  );
  notice(done ? "Copied." : "The browser did not allow copying.", done ? "info" : "error");
}

async function remove(people, place) {
  const sure = await confirmed({
    title: "Delete this message?",
    text: { type: "plain_text", text: "It is gone for everybody." },
    confirm: "Delete",
    style: "danger",
  });
  if (sure) await attempt(() => people.do("delete", place));
}

/** The text becomes a field in its place; Enter keeps the change, Escape drops it. */
function edit(app, message) {
  const node = document.querySelector(`.log [data-ts="${CSS.escape(message.ts)}"] .message-body`);
  if (!node) return;
  const field = h("textarea", { class: "field", rows: 3, "aria-label": "Edit the message" });
  field.value = unescape(message.text ?? "");
  const done = () => app.refreshMessage(message);
  const keep = async () => {
    if (field.value.trim() && field.value !== unescape(message.text))
      await attempt(() => app.people.do("edit", { channel: message.channel, ts: message.ts, text: field.value }));
    done();
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void keep();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      done();
    }
  });
  const buttons = h(
    "div",
    { class: "dialog-foot" },
    h("button", { type: "button", class: "button", on: { click: done } }, "Cancel"),
    h("button", { type: "button", class: "button primary", on: { click: keep } }, "Save"),
  );
  node.replaceChildren(field, buttons);
  field.focus();
}
