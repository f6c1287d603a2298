// The page: one store, the live line, the panes; where the person is stands in the address.

import { People } from "./api.js";
import { attempt } from "./contexts.js";
import { append, h, icon, replace } from "./dom.js";
import { intro, showHeader } from "./header.js";
import { HomePane } from "./home.js";
import { keyboard } from "./keyboard.js";
import { Live } from "./live.js";
import { openMessageMenu } from "./message_menu.js";
import { Modals } from "./modal.js";
import { Pane } from "./pane.js";
import { showPicker } from "./picker.js";
import { hashOf, placeOf } from "./place.js";
import { Sidebar } from "./sidebar.js";
import { keyOf, Store } from "./store.js";
import { applyTheme } from "./theme.js";
import { Updates } from "./updates.js";

class App {
  constructor(root) {
    this.root = root;
    this.store = new Store();
    this.people = new People();
    this.place = placeOf(window.location.hash);
    this.sidebar = new Sidebar(this);
    this.channelPane = new Pane(this, {
      label: "Messages",
      composer: "Write a message",
      inThread: false,
      intro: (place) => intro(this, place),
    });
    this.threadPane = new Pane(this, { label: "Thread", composer: "Reply in the thread", inThread: true });
    this.home = new HomePane(this);
    this.modals = new Modals(this);
    this.updates = new Updates(this);
    this.live = new Live({
      event: (event) => this.updates.take(event),
      state: (state) => this.updates.line(state),
      again: () => this.again(),
    });
    this.build();
    window.addEventListener("hashchange", () => this.arrive());
    document.addEventListener("visibilitychange", () => this.channelPane.seen());
    keyboard(this);
  }

  build() {
    this.head = h("header", { class: "pane-head" });
    this.content = h("div", { class: "main-content" }, this.channelPane.node, this.home.node);
    this.main = h("main", { class: "main", id: "main", tabindex: "-1" }, this.head, this.content);
    const shut = h(
      "button",
      {
        type: "button",
        class: "button quiet",
        "aria-label": "Close the thread",
        on: { click: () => this.closeThread() },
      },
      icon("close"),
    );
    this.threadWhere = h("span", { class: "note" });
    this.thread = h(
      "aside",
      { class: "thread", "aria-label": "Thread", hidden: true },
      h("header", { class: "pane-head" }, h("h2", {}, "Thread"), this.threadWhere, shut),
      this.threadPane.node,
    );
    this.veil = h("div", { class: "veil", on: { click: () => this.toggleSidebar(false) } });
    this.line = h(
      "div",
      { class: "line-state", hidden: true },
      h("span", { class: "spinner", "aria-hidden": "true" }),
      "Connection lost. Trying again …",
    );
    this.frame = h("div", { class: "frame" }, this.sidebar.node, this.veil, this.main, this.thread, this.line);
  }

  async start() {
    applyTheme();
    const permalink = /^\/archives\/([A-Z0-9]+)(?:\/p(\d{10})(\d{6}))?/.exec(window.location.pathname);
    if (permalink && !this.place.channel)
      Object.assign(this.place, {
        channel: permalink[1],
        thread: new URLSearchParams(window.location.search).get("thread_ts"),
      });
    const person = this.place.person ?? localStorage.getItem("odyssey-workspace-person");
    const state = await attempt(() => this.people.read("state", { person: null }));
    if (!state) return void setTimeout(() => this.start(), 1500);
    this.store.begin(state);
    if (state.people.some((each) => each.id === person && !each.is_bot)) return this.become(person, this.place);
    showPicker(this, state, (chosen) => this.become(chosen, this.place));
  }

  /** From now on the page acts as this person. */
  async become(person, place = this.place) {
    this.people.person = person;
    localStorage.setItem("odyssey-workspace-person", person);
    this.store.clear();
    await this.channelPane.open(null);
    await this.threadPane.open(null);
    if (!(await this.readState())) return;
    if (!this.frame.isConnected) replace(this.root, this.frame, this.modals.node);
    this.modals.show();
    this.live.follow(person);
    this.go({ ...this.known(place), person }, true);
  }

  /** The place if this person can be there, else their first channel. */
  known(place) {
    if (place.home || (place.channel && this.store.channels.has(place.channel))) return place;
    const first = [...this.store.channels.values()].find((each) => each.kind === "channel" && each.is_member);
    return { home: !first, channel: first?.id ?? null, thread: null };
  }

  async readState() {
    const [state, views] = await Promise.all([
      attempt(() => this.people.read("state")),
      attempt(() => this.people.read("views")),
    ]);
    if (!state) return false;
    this.store.begin(state);
    if (views) this.store.views = views.views;
    return true;
  }

  /** The line is back: what happened meanwhile is read. */
  async again() {
    await this.readState();
    this.modals.show();
    this.sidebar.show(this.place);
    if (this.place.home) await this.openHome();
    else await this.channelPane.load();
    if (this.place.thread) await this.threadPane.load();
  }

  go(place, always = false) {
    const next = { ...this.place, ...place };
    this.toggleSidebar(false);
    const hash = hashOf(next);
    if (hash !== window.location.hash) {
      window.location.hash = hash; // arrive() follows
      if (!always) return;
    }
    void this.arrive(always);
  }

  async arrive(always = false) {
    const next = placeOf(window.location.hash);
    if (next.person && next.person !== this.people.person) return this.become(next.person, next);
    const same = hashOf(next) === this.shownHash && !always;
    if (same) return;
    this.shownHash = hashOf(next);
    const moved = next.channel !== this.place.channel || next.home !== this.place.home || always;
    this.place = next;
    this.sidebar.show(next);
    showHeader(this, this.head, next);
    this.titled();
    this.channelPane.node.hidden = next.home;
    this.home.node.hidden = !next.home;
    this.showThread(next);
    if (next.home) return this.openHome();
    await this.channelPane.open({ channel: next.channel, thread: null }, this.invitation(next.channel));
    if (moved && next.channel === this.directWithBot())
      await attempt(() => this.people.do("home", { tab: "messages" }));
    if (moved && !next.thread && matchMedia("(hover: hover)").matches && !this.modals.node.open)
      this.channelPane.composer.field.focus();
  }

  invitation(channel) {
    return `Write to ${this.store.title(channel)}`;
  }

  async openHome() {
    this.home.show();
    const { homesSeen } = this.store;
    const answer = await attempt(() => this.people.do("home", { tab: "home" }));
    const overtaken = this.store.homesSeen !== homesSeen; // the app published a newer one while this was asked
    if (answer && !overtaken) this.store.home = answer.view;
    this.home.show();
  }

  directWithBot() {
    return (
      [...this.store.channels.values()].find((each) => each.kind === "dm" && each.user === this.store.bot.user_id)
        ?.id ?? null
    );
  }

  showThread({ channel, thread }) {
    this.thread.hidden = !thread;
    this.frame.classList.toggle("with-thread", Boolean(thread));
    if (thread) this.threadWhere.textContent = this.store.title(channel);
    void this.threadPane.open(thread ? { channel, thread } : null, "Reply …");
  }

  openThread(channel, thread, write = false) {
    this.go({ channel, thread, home: false });
    if (write || matchMedia("(hover: hover)").matches) setTimeout(() => this.threadPane.composer.field.focus());
  }

  closeThread() {
    const ts = this.place.thread;
    this.go({ thread: null });
    const root = this.channelPane.log.nodes.get(ts)?.node;
    (root?.querySelector(".thread-link") ?? root ?? this.channelPane.composer.field).focus();
  }

  toggleSidebar(open = !this.frame.classList.contains("with-sidebar")) {
    this.frame.classList.toggle("with-sidebar", open);
    this.head.querySelector(".opener")?.setAttribute("aria-expanded", String(open));
    if (open) this.sidebar.node.querySelector("[aria-current], button")?.focus();
  }

  /** What a message of the channel shows of its thread beyond itself: rendered anew when it changes. */
  threadState(message) {
    return this.store.conversations.get(keyOf(message.channel, message.ts))?.agent.status ?? "";
  }

  refreshMessage(message) {
    for (const pane of [this.channelPane, this.threadPane]) {
      pane.log.refresh(message.ts);
      if (pane.place) pane.show();
    }
  }

  messageMenu(anchor, message) {
    openMessageMenu(this, anchor, message);
  }

  react(message, name, add) {
    return attempt(() => this.people.do("react", { channel: message.channel, ts: message.ts, name, add }));
  }

  /** Something was said here: its log goes to the foot, and what was suggested for a beginning has served. */
  sent(place) {
    const pane = place.thread ? this.threadPane : this.channelPane;
    this.store.conversation(place.channel, place.thread).agent.prompts = null;
    if (pane.place) pane.showAgent();
    pane.log.toFoot();
  }

  completable() {
    const { store } = this;
    const people = [...store.people.values()].map((each) => ({
      id: each.id,
      label: each.name,
      names: [each.name, each.real_name ?? ""],
      note: each.real_name ?? "",
    }));
    people.sort((a, b) => Number(b.id === store.bot.user_id) - Number(a.id === store.bot.user_id));
    const channels = [...store.channels.values()]
      .filter((each) => each.kind === "channel")
      .map((each) => ({ id: each.id, label: each.name, names: [each.name], note: "" }));
    return { commands: store.commands, people, channels };
  }

  titled() {
    const count = [...this.store.channels.values()].reduce((sum, each) => sum + (each.unread ?? 0), 0);
    const { channel, home } = this.place;
    const known = this.store.channels.get(channel);
    const where = home ? (this.store.bot.name ?? "App") : known ? this.store.title(channel) : "";
    document.title = `${count ? `(${count}) ` : ""}${where} · ${this.store.team?.name ?? "Local workspace"}`;
  }
}

const app = new App(document.getElementById("root"));
append(app.root, [h("p", { class: "starting" }, "Opening the workspace …")]);
void app.start();
