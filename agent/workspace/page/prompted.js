// A small dialog that asks for one line.

import { h } from "./dom.js";

/**
 * @param {{title: string, label: string, placeholder?: string, confirm: string, hint?: string}} question
 * @returns {Promise<string|null>}
 */
export function prompted({ title, label, placeholder, confirm, hint }) {
  const before = document.activeElement;
  const field = h("input", {
    type: "text",
    class: "field",
    id: "prompted-field",
    placeholder,
    required: true,
    maxlength: 80,
    autocomplete: "off",
  });
  const cancel = h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Cancel");
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "prompted-title" }, title),
    h("label", { class: "input-label", for: "prompted-field" }, label),
    field,
    hint && h("div", { class: "hint" }, hint),
    h(
      "div",
      { class: "dialog-foot" },
      cancel,
      h("button", { type: "submit", class: "button primary", value: "yes" }, confirm),
    ),
  );
  const dialog = h("dialog", { class: "dialog small", "aria-labelledby": "prompted-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus();
      resolve(dialog.returnValue === "yes" ? field.value.trim() : null);
    });
  });
}
