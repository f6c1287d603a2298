// The confirmation an element may ask for before it acts.

import { h } from "./dom.js";
import { plain, textNodes } from "./text_objects.js";

const NOBODY = { person: (id) => id, channel: (id) => id, viewer: "" };

/**
 * @param {{title?: object, text?: object, confirm?: object, deny?: object, style?: string}} question Slack's
 * confirm object
 * @returns {Promise<boolean>}
 */
export function confirmed(question) {
  const before = document.activeElement;
  const yes = h(
    "button",
    { type: "submit", class: `button ${question.style === "danger" ? "danger" : "primary"}`, value: "yes" },
    plain(question.confirm) || "Yes",
  );
  const no = h("button", { type: "submit", class: "button", value: "no" }, plain(question.deny) || "Cancel");
  const title = h("h2", { id: "confirm-title" }, plain(question.title) || "Are you sure?");
  const form = h(
    "form",
    { method: "dialog" },
    title,
    h("div", { class: "confirm-text" }, textNodes(question.text, NOBODY)),
    h("div", { class: "dialog-foot" }, no, yes),
  );
  const dialog = h("dialog", { class: "dialog small", "aria-labelledby": "confirm-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
      if (before?.isConnected) before.focus();
    });
  });
}
