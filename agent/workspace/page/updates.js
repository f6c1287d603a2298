// What happens live: events go into the store, and the parts of the page that changed are shown anew.

import { announceMessage, announceStatus, notice } from "./announce.js";
import { showHeader } from "./header.js";
import { spoken } from "./spoken.js";

const WIDE = "(min-width: 1081px)"; // where a thread stands beside its channel; the same width in layout.css

export class Updates {
  constructor(app) {
    this.app = app;
  }

  /** A live event. */
  take(event) {
    const { store, modals, place } = this.app;
    if (event.type === "trouble") return notice(event.message, "error");
    if (event.type === "view_errors") return modals.refuse({ id: event.view_id }, event.errors);
    for (const part of store.take(event)) this.refresh(part);
    this.followAnswer(event);
    const words = spoken(event, store, place);
    if (words) announceMessage(words);
  }

  /** In the direct message with the app, an answer written into a thread is opened beside it, where there is room. */
  followAnswer({ type, channel, message }) {
    const { place } = this.app;
    if (type !== "message" || !message.streaming || !message.thread_ts || message.also_in_channel) return;
    const here = place.channel === channel && channel === this.app.directWithBot() && !place.thread;
    if (here && matchMedia(WIDE).matches) this.app.go({ thread: message.thread_ts });
  }

  /** @param {string} part what changed, as the store names it */
  refresh(part) {
    const { channelPane, threadPane, modals, home, store } = this.app;
    const [kind, key] = [part.split(":")[0], part.slice(part.indexOf(":") + 1)];
    const panes = [channelPane, threadPane].filter((pane) => pane.place && pane.key === key);
    if (kind === "channels" || kind === "people" || kind === "bot") this.refreshFrame();
    if (kind === "views") modals.show();
    if (kind === "home") home.show();
    if (kind === "agent") this.refreshAgent(panes, key);
    for (const pane of panes) {
      if (kind === "log") pane.show();
      if (kind === "typing") pane.bar.showTyping(store.typing.get(key));
    }
    if (kind === "log") channelPane.seen();
  }

  refreshAgent(panes, key) {
    for (const pane of panes) pane.showAgent();
    const { channelPane } = this.app;
    const [channel, thread] = key.split("/");
    if (thread && channelPane.place?.channel === channel) channelPane.show();
  }

  /** The side bar and the head; who has the focus in the side bar keeps it. */
  refreshFrame() {
    const { app } = this;
    const buttons = () => [...app.sidebar.node.querySelectorAll("button")];
    const at = buttons().indexOf(document.activeElement);
    app.sidebar.show(app.place);
    if (at >= 0) buttons()[at]?.focus();
    if (!app.head.contains(document.activeElement)) showHeader(app, app.head, app.place);
    if (app.place.home) app.home.show();
    app.titled();
    for (const pane of [app.channelPane, app.threadPane]) if (pane.place) pane.showMembership();
    app.channelPane.seen();
  }

  /** @param {"connecting"|"open"|"lost"} state of the live line */
  line(state) {
    this.app.line.hidden = state !== "lost";
    if (state === "lost") announceStatus("Connection lost. Trying again.");
    else if (state === "open" && this.wasLost) announceStatus("Connected again.");
    this.wasLost = state === "lost";
  }
}
