// The list of a conversation's messages: day lines, the line of what is new, staying at the foot, earlier messages
// on request.

import { h, icon } from "./dom.js";
import { messageNode } from "./message.js";
import { dateOf, day } from "./moments.js";
import { keeping } from "./rendering.js";

const TOGETHER = 300; // seconds in which messages of one author stand under one name
const NEAR = 80; // pixels from the foot that count as being there

export class Log {
  /**
   * @param {object} app
   * @param {{label: string, inThread: boolean, older?: () => Promise<void>, seen?: () => void}} options
   */
  constructor(app, options) {
    Object.assign(this, { app, options, nodes: new Map(), unreadFrom: null, tail: null });
    this.list = h("div", { class: "log-list" });
    this.jump = h(
      "button",
      { type: "button", class: "button jump", hidden: true, on: { click: () => this.toFoot(true) } },
      "New messages",
      icon("chevron", 14),
    );
    this.scroller = h(
      "div",
      { class: "log", role: "log", "aria-live": "off", "aria-label": options.label, tabindex: "0" },
      this.list,
    );
    this.node = h("div", { class: "log-frame" }, this.scroller, this.jump);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    const resized = new ResizeObserver(() => this.following && this.toFoot());
    for (const node of [this.scroller, this.list]) resized.observe(node);
    Object.assign(this, { atFoot: true, footTop: 0 });
  }

  /** Whether the reader is at the foot, or was until something grew there: who has just scrolled up is not. */
  get following() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR || (this.atFoot && scrollTop >= this.footTop - NEAR);
  }

  /** Another conversation: nothing of the old one stays. */
  clear() {
    this.nodes.clear();
    this.list.replaceChildren();
    Object.assign(this, { unreadFrom: null, atFoot: true, footTop: 0 });
    this.jump.hidden = true;
  }

  /**
   * @param {{messages: object[], hasMore: boolean, loaded: boolean}} conversation
   * @param {Node|null} intro shown above the first message
   */
  show(conversation, intro = null) {
    const before = this.scroller.scrollHeight - this.scroller.scrollTop;
    const grew = this.lastTs && conversation.messages.at(-1)?.ts > this.lastTs;
    const keptFoot = this.following;
    const wanted = [
      conversation.hasMore ? this.earlier() : intro,
      ...this.rows(conversation.messages),
      this.tail,
    ].filter(Boolean);
    this.reconcile(wanted);
    this.lastTs = conversation.messages.at(-1)?.ts ?? "";
    if (keptFoot) this.toFoot();
    else if (grew) this.jump.hidden = false;
    else if (this.prepending) this.scroller.scrollTop = this.scroller.scrollHeight - before;
    this.prepending = false;
  }

  /** The rows in order: a new element only for a message that is another object than before. */
  rows(messages) {
    const rows = [];
    let above = null;
    for (const message of messages) {
      const date = dateOf(message.ts);
      const newDay = !above || day(dateOf(above.ts)) !== day(date);
      if (newDay && !this.options.inThread) rows.push(this.line(`day-${date.toDateString()}`, "day-line", day(date)));
      if (message.ts === this.unreadFrom) rows.push(this.line("unread", "unread-line", "New"));
      const compact = !newDay && message.ts !== this.unreadFrom && together(above, message);
      rows.push(this.row(message, compact));
      if (this.options.inThread && messages[0] === message && message.reply_count)
        rows.push(
          this.line("replies", "day-line", `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`),
        );
      above = message;
    }
    return rows;
  }

  row(message, compact) {
    const known = this.nodes.get(message.ts);
    const summary = this.options.inThread ? "" : this.app.threadState(message);
    if (known && known.message === message && known.compact === compact && known.summary === summary) return known.node;
    const fresh = messageNode(this.app, message, { compact, inThread: this.options.inThread });
    if (known) keeping(known.node, () => become(known.node, fresh));
    const node = known?.node ?? fresh;
    if (!known) keeping(node, () => {});
    this.nodes.set(message.ts, { message, compact, summary, node });
    return node;
  }

  line(key, classes, text) {
    const known = this.nodes.get(key);
    if (known && known.text === text) return known.node;
    const node = h("div", { class: classes, role: "separator", "aria-label": text }, h("span", {}, text));
    this.nodes.set(key, { node, text });
    return node;
  }

  earlier() {
    this.earlierNode ??= h(
      "button",
      { type: "button", class: "button earlier", on: { click: () => this.loadEarlier() } },
      "Show earlier messages",
    );
    return this.earlierNode;
  }

  async loadEarlier() {
    if (this.loadingEarlier) return;
    this.loadingEarlier = true;
    this.prepending = true;
    await this.options.older();
    this.loadingEarlier = false;
  }

  /** Puts the children in order, touching only those out of place, so that focus and selections live. */
  reconcile(wanted) {
    const keep = new Set(wanted);
    for (const child of [...this.list.children]) if (!keep.has(child)) child.remove();
    for (const [at, node] of wanted.entries())
      if (this.list.children[at] !== node) this.list.insertBefore(node, this.list.children[at] ?? null);
    for (const [key, entry] of this.nodes) if (!keep.has(entry.node)) this.nodes.delete(key);
  }

  /** Renders one message anew though it is the same. */
  refresh(ts) {
    const known = this.nodes.get(ts);
    if (known) known.message = null;
  }

  toFoot(smooth = false) {
    this.scroller.scrollTo({
      top: this.scroller.scrollHeight,
      behavior: smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "instant",
    });
    this.footTop = this.scroller.scrollTop;
    this.jump.hidden = true;
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.atFoot = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.atFoot) {
      this.jump.hidden = true;
      this.options.seen?.();
    }
    if (scrollTop < 40 && this.earlierNode?.isConnected) void this.loadEarlier();
  }

  /** Arrows go from message to message once one of them, or the log itself, has the focus. */
  key(event) {
    if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key) || event.altKey || event.ctrlKey || event.metaKey)
      return;
    const rows = [...this.list.querySelectorAll(".message")];
    const at = rows.indexOf(document.activeElement);
    if (at < 0 && document.activeElement !== this.scroller) return;
    const next = {
      ArrowDown: at < 0 ? rows.length - 1 : at + 1,
      ArrowUp: at < 0 ? rows.length - 1 : at - 1,
      Home: 0,
      End: rows.length - 1,
    }[event.key];
    if (!rows[next]) return;
    event.preventDefault();
    rows[next].focus();
    rows[next].scrollIntoView({ block: "nearest" });
  }
}

function together(above, message) {
  if (!above || above.user !== message.user || above.bot_id !== message.bot_id) return false;
  return (
    !above.ephemeral &&
    !message.ephemeral &&
    !above.subtype?.startsWith("channel_") &&
    Number(message.ts) - Number(above.ts) < TOGETHER
  );
}

/** `node` takes over what `fresh` is, and stays the same element. */
function become(node, fresh) {
  for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name)) node.removeAttribute(name);
  for (const { name, value } of fresh.attributes) node.setAttribute(name, value);
  node.replaceChildren(...fresh.childNodes);
}
