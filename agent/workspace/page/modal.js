// Modals: the app's views, the topmost shown; filled, sent, refused with sentences, closed.

import { notice } from "./announce.js";
import { blockNodes } from "./blocks.js";
import { attempt, contextOf, forget } from "./contexts.js";
import { h, icon, replace } from "./dom.js";
import { keeping } from "./rendering.js";
import { plain } from "./text_objects.js";

const FIRST = "input:not(.visually-hidden), textarea, .select, .ticks input";

export class Modals {
  constructor(app) {
    Object.assign(this, { app, errors: new Map(), shown: null });
    this.title = h("h2", { id: "modal-title" });
    this.body = h("div", { class: "modal-body", tabindex: "-1" });
    this.foot = h("div", { class: "dialog-foot" });
    const shut = h(
      "button",
      { type: "button", class: "button quiet", "aria-label": "Close", on: { click: () => this.close() } },
      icon("close"),
    );
    this.back = h("span", { class: "modal-depth" });
    const head = h("div", { class: "modal-head" }, this.title, this.back, shut);
    this.form = h(
      "form",
      { class: "modal-form", novalidate: true },
      head,
      this.body,
      this.foot,
      h("div", { class: "notices" }),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
    this.node = h("dialog", { class: "dialog modal", "aria-labelledby": "modal-title" }, this.form);
    this.node.addEventListener("cancel", (event) => {
      event.preventDefault(); // the workspace closes it, so that the app is told
      void this.close();
    });
  }

  /** The topmost view of the stack, or none. */
  show() {
    const view = this.app.store.views.at(-1) ?? null;
    if (!view) return this.hide();
    const another = this.shown?.id !== view.id;
    if (another) this.render(view);
    else keeping(this.body, () => this.render(view));
    this.shown = view;
    if (!this.node.open) {
      this.before = markOf(document.activeElement);
      this.node.showModal();
    }
    if (another) this.focusFirst();
  }

  render(view) {
    this.title.textContent = plain(view.title);
    const depth = this.app.store.views.length;
    this.back.textContent = depth > 1 ? `Step ${depth}` : "";
    const context = { ...contextOf(this.app, { view_id: view.id }), errors: this.errors.get(view.id) };
    replace(this.body, blockNodes(view.blocks, context));
    const close = h(
      "button",
      { type: "button", class: "button", "data-focus": "close", on: { click: () => this.close() } },
      plain(view.close) || "Cancel",
    );
    this.sendButton =
      view.submit || hasInput(view)
        ? h(
            "button",
            { type: "submit", class: "button primary", "data-focus": "submit" },
            plain(view.submit) || "Submit",
          )
        : null;
    replace(this.foot, close, this.sendButton);
  }

  hide() {
    this.errors.clear();
    if (this.shown) forget({ view_id: this.shown.id });
    this.shown = null;
    if (!this.node.open) return;
    this.node.close();
    focusAgain(this.before);
  }

  focusFirst() {
    const first =
      this.body.querySelector("[data-autofocus]") ?? this.body.querySelector(FIRST) ?? this.sendButton ?? this.body;
    first.focus();
  }

  async close() {
    const view = this.shown;
    if (!view) return;
    await attempt(() => this.app.people.do("close", { view_id: view.id }));
    this.app.store.take({ type: "view_closed", view_id: view.id });
    this.show();
  }

  async submit() {
    const view = this.shown;
    if (!view || this.sendButton?.getAttribute("aria-busy") === "true") return;
    const button = this.sendButton;
    button?.setAttribute("aria-busy", "true");
    const answer = await attempt(() =>
      this.app.people.do("submit", {
        view_id: view.id,
        values: valuesOf(view, contextOf(this.app, { view_id: view.id }).values),
      }),
    );
    button?.removeAttribute("aria-busy");
    if (answer?.response_action === "errors") this.refuse(view, answer.errors);
  }

  /** @param {object} view @param {Object<string, string>} errors sentences by block id */
  refuse(view, errors) {
    if (this.shown?.id !== view.id) return;
    this.errors.set(view.id, errors);
    keeping(this.body, () => this.render(this.shown));
    this.errors.delete(view.id);
    const first = this.body.querySelector(".refused");
    if (!first) return void notice(Object.values(errors).join(" ") || "The app did not accept this.", "error");
    first.scrollIntoView({ block: "nearest" });
    (first.querySelector(FIRST) ?? this.body).focus();
  }
}

function hasInput(view) {
  return (view.blocks ?? []).some((block) => block.type === "input");
}

/** What is sent: every element of the view's blocks that holds something. */
function valuesOf(view, values) {
  const sent = {};
  for (const block of view.blocks) {
    const elements = block.type === "input" ? [block.element] : [];
    for (const element of elements)
      sent[block.block_id] = { [element.action_id]: values.get(block.block_id, element.action_id, null) };
  }
  return sent;
}

/** Where the focus was: the element, and how to find it again after its message was rendered anew. */
function markOf(element) {
  return { element, mark: element?.dataset?.focus, within: element?.closest("[data-ts]")?.dataset.ts };
}

function focusAgain({ element, mark, within } = {}) {
  if (element?.isConnected) return element.focus();
  const found =
    mark &&
    [...document.querySelectorAll("[data-focus]")].find(
      (each) => each.dataset.focus === mark && each.closest("[data-ts]")?.dataset.ts === within,
    );
  (found || document.querySelector(".composer-field"))?.focus();
}
