// A conversation's pane: its messages, what the app is doing, the composer. The channel and the thread are one each.

import { AgentBar } from "./agent_bar.js";
import { Composer } from "./composer.js";
import { attempt } from "./contexts.js";
import { h } from "./dom.js";
import { Log } from "./log.js";
import { keyOf } from "./store.js";

export class Pane {
  /** @param {object} app @param {{label: string, composer: string, inThread: boolean}} options */
  constructor(app, options) {
    Object.assign(this, { app, options, place: null });
    this.log = new Log(app, {
      label: options.label,
      inThread: options.inThread,
      older: () => this.older(),
      seen: () => this.seen(),
    });
    this.bar = new AgentBar(app);
    this.composer = new Composer(app, { label: options.composer });
    const join = h("button", { type: "button", class: "button primary", on: { click: () => this.join() } }, "Join it");
    this.joining = h("div", { class: "joining", hidden: true }, "You are not in this channel.", join);
    this.node = h(
      "div",
      { class: "pane" },
      this.log.node,
      h("div", { class: "pane-foot" }, this.bar.node, this.composer.node, this.joining),
    );
    this.composer.catchDrops(this.node);
  }

  get key() {
    return this.place && keyOf(this.place.channel, this.place.thread);
  }

  get conversation() {
    return this.app.store.conversation(this.place.channel, this.place.thread);
  }

  /** @param {{channel: string, thread: string|null}|null} place @param {string} placeholder */
  async open(place, placeholder = "") {
    if (place && this.place && this.key === keyOf(place.channel, place.thread)) return;
    this.place = place;
    this.log.clear();
    if (!place) return;
    this.composer.move(place, placeholder);
    this.settled = false;
    this.unreadOnArrival = this.app.store.channels.get(place.channel)?.unread ?? 0;
    this.show();
    await this.load();
  }

  /** Reads the conversation; after a lost connection once more. */
  async load() {
    const { channel, thread } = this.place;
    const { store, people } = this.app;
    store.loading(channel, thread);
    const work = thread
      ? people.read("thread", { channel, ts: thread })
      : people.read("history", { channel, limit: 50 });
    const answer = await attempt(() => work);
    if (!answer || this.key !== keyOf(channel, thread)) return;
    store.loaded(channel, thread, answer);
    this.markUnread();
    this.settled = true;
    this.show();
    this.seen();
  }

  async older() {
    const { channel, thread } = this.place;
    const before = this.conversation.messages.find((each) => !each.ephemeral)?.ts;
    const answer = await attempt(() => this.app.people.read("history", { channel, before, limit: 50 }));
    if (!answer || this.key !== keyOf(channel, thread)) return;
    this.app.store.loaded(channel, thread, answer, true);
    this.show();
  }

  /** The line "New" stands before the messages that were unread when the channel was opened. */
  markUnread() {
    if (this.place.thread || this.log.unreadFrom) return;
    const count = this.unreadOnArrival;
    const others = this.conversation.messages.filter((each) => !each.ephemeral && each.user !== this.app.store.you.id);
    this.log.unreadFrom = count ? ((others.at(-count) ?? others[0])?.ts ?? null) : null;
  }

  seen() {
    if (!this.place || !this.settled || this.place.thread || document.visibilityState !== "visible" || !this.log.atFoot)
      return;
    const channel = this.app.store.channels.get(this.place.channel);
    const last = this.conversation.messages.findLast((each) => !each.ephemeral);
    if (!channel?.unread || !last || this.reading === last.ts) return;
    this.reading = last.ts;
    this.app.people.do("read", { channel: channel.id, ts: last.ts }).catch(() => (this.reading = null));
  }

  show() {
    if (!this.place) return;
    this.log.show(
      this.conversation,
      this.conversation.loaded && this.options.intro ? this.options.intro(this.place) : null,
    );
    this.showMembership();
    this.showAgent();
    this.bar.showTyping(this.app.store.typing.get(this.key));
  }

  /** Who is not in a channel can read it and join it. */
  showMembership() {
    const outside = this.app.store.channels.get(this.place.channel)?.is_member === false;
    this.composer.node.hidden = outside;
    this.joining.hidden = !outside;
  }

  async join() {
    const done = await attempt(() => this.app.people.do("join", { channel: this.place.channel }));
    if (!done) return;
    this.app.updates.take({ type: "channel", channel: done.channel });
    this.composer.field.focus();
  }

  showAgent() {
    const { agent, thread } = this.agentHere();
    this.bar.show({ ...agent, prompts: this.conversation.agent.prompts }, (prompt) => this.takePrompt(prompt));
    this.composer.stoppable(agent.session?.status === "processing" ? thread : null);
    if (this.log.following) this.log.toFoot();
  }

  /** The agent to show: the conversation's own; in a direct message also that of a line whose answer is under way. */
  agentHere() {
    const { channel, thread } = this.place;
    const own = this.conversation.agent;
    const direct = this.app.store.channels.get(channel)?.kind === "dm" && !thread;
    if (!direct || own.status || own.session) return { agent: own, thread };
    const busy = this.app.store.busyThread(channel);
    return busy ? { agent: this.app.store.conversation(channel, busy).agent, thread: busy } : { agent: own, thread };
  }

  async takePrompt({ message }) {
    this.composer.field.focus();
    await attempt(() => this.app.people.do("prompt", { ...this.composer.target(), message }));
  }
}
