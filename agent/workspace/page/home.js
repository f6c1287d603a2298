// The App Home: what the app publishes for this person.

import { blockNodes } from "./blocks.js";
import { contextOf } from "./contexts.js";
import { h, icon, replace } from "./dom.js";
import { keeping } from "./rendering.js";

export class HomePane {
  constructor(app) {
    this.app = app;
    this.body = h("div", { class: "home-body" });
    this.node = h("div", { class: "home", tabindex: "-1" }, this.body);
  }

  show() {
    const { store } = this.app;
    const view = store.home;
    keeping(this.body, () =>
      replace(this.body, view ? blockNodes(view.blocks, contextOf(this.app, { view_id: view.id })) : this.nothing()),
    );
  }

  nothing() {
    const { bot } = this.app.store;
    const words = bot.connected
      ? "The app has published no home for you yet."
      : "The app is not connected. Its home appears once it is.";
    return h("div", { class: "empty" }, icon("compass", 40), h("p", {}, words));
  }
}
