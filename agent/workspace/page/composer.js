// Where a person writes: growing field, completion, files by button, drop and paste; drafts stay until they are sent.

import { notice } from "./announce.js";
import { CompletionList } from "./completion.js";
import { attempt, upload } from "./contexts.js";
import { h, icon } from "./dom.js";
import { sizeText } from "./pictures.js";
import { keyOf } from "./store.js";

const TYPING_EVERY = 3000; // milliseconds

export class Composer {
  /** @param {object} app @param {{label: string}} options */
  constructor(app, options) {
    Object.assign(this, { app, place: null, files: [], tokens: new Map(), drafts: new Map(), typedAt: 0 });
    this.sending = Promise.resolve(null); // ends when the last message so far has been answered
    this.field = h("textarea", { class: "composer-field", rows: 1, "aria-label": options.label, autocomplete: "off" });
    this.completion = new CompletionList(
      this.field,
      () => app.completable(),
      (row, start) => this.complete(row, start),
    );
    this.picker = h("input", {
      type: "file",
      multiple: true,
      class: "visually-hidden",
      tabindex: "-1",
      "aria-hidden": "true",
    });
    this.chips = h("ul", { class: "chosen-files", "aria-label": "Files to send" });
    const attach = h(
      "button",
      {
        type: "button",
        class: "button quiet attach",
        "aria-label": "Attach files",
        title: "Attach files",
        on: { click: () => this.picker.click() },
      },
      icon("plus"),
    );
    this.sendButton = h(
      "button",
      {
        type: "button",
        class: "button primary send",
        "aria-label": "Send",
        title: "Send (Enter)",
        on: { click: () => this.send() },
      },
      icon("send"),
    );
    this.stopButton = h(
      "button",
      { type: "button", class: "button danger stop", hidden: true, on: { click: () => this.stop() } },
      icon("stop", 16),
      "Stop",
    );
    this.box = h(
      "div",
      { class: "composer-box" },
      this.completion.node,
      this.chips,
      h("div", { class: "composer-row" }, attach, this.picker, this.field, this.stopButton, this.sendButton),
    );
    this.node = h("div", { class: "composer" }, this.box);
    this.listen();
  }

  listen() {
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("paste", (event) => this.dropped(event, event.clipboardData));
    this.picker.addEventListener("change", () => {
      void this.attach([...this.picker.files]);
      this.picker.value = "";
    });
  }

  /** Files dropped anywhere on `pane` go into this composer. */
  catchDrops(pane) {
    pane.addEventListener("dragover", (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      pane.classList.add("dropping");
    });
    pane.addEventListener(
      "dragleave",
      (event) => !pane.contains(event.relatedTarget) && pane.classList.remove("dropping"),
    );
    pane.addEventListener("drop", (event) => {
      pane.classList.remove("dropping");
      this.dropped(event, event.dataTransfer);
    });
  }

  dropped(event, data) {
    if (!data?.files?.length) return;
    event.preventDefault();
    void this.attach([...data.files]);
  }

  /** @param {{channel: string, thread: string|null}} place @param {string} placeholder */
  move(place, placeholder) {
    if (this.place)
      this.drafts.set(this.draftKey(), { text: this.field.value, files: this.files, tokens: this.tokens });
    this.place = place;
    const draft = this.drafts.get(this.draftKey()) ?? { text: "", files: [], tokens: new Map() };
    Object.assign(this, { files: draft.files, tokens: draft.tokens });
    this.field.value = draft.text;
    this.field.placeholder = placeholder;
    this.completion.hide();
    this.showFiles();
    this.grow();
  }

  draftKey() {
    return keyOf(this.place.channel, this.place.thread);
  }

  /** @param {string|null} thread the thread whose session can be stopped */
  stoppable(thread) {
    const had = document.activeElement === this.stopButton;
    this.running = thread;
    this.stopButton.hidden = !thread;
    if (had && !thread) this.field.focus();
  }

  stop() {
    return attempt(() => this.app.people.do("stop", { channel: this.place.channel, thread_ts: this.running }));
  }

  from() {
    return { person: this.app.people.person };
  }

  target() {
    return { channel: this.place.channel, ...(this.place.thread ? { thread_ts: this.place.thread } : {}) };
  }

  changed() {
    this.grow();
    this.completion.refresh();
    const now = Date.now();
    if (now - this.typedAt < TYPING_EVERY || !this.field.value.trim() || this.field.value.startsWith("/")) return;
    this.typedAt = now;
    this.app.people.do("typing", this.target()).catch(() => null); // nobody misses it
  }

  grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, Math.round(window.innerHeight * 0.4))}px`;
  }

  key(event) {
    if (event.isComposing) return;
    if (this.completion.key(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void this.send();
    }
  }

  complete(row, start) {
    const { value, selectionStart } = this.field;
    if (row.token) this.tokens.set(row.insert.trim(), row.token);
    this.field.value = value.slice(0, start) + row.insert + value.slice(selectionStart);
    const cursor = start + row.insert.length;
    this.field.setSelectionRange(cursor, cursor);
    this.grow();
  }

  async attach(files) {
    const place = this.draftKey();
    for (const file of files) {
      const chip = { name: file.name, size: file.size, id: null };
      this.files.push(chip);
      this.showFiles();
      const kept = await upload(this.app, file);
      if (kept) chip.id = kept.id;
      else this.files.splice(this.files.indexOf(chip), 1);
      if (this.draftKey() === place) this.showFiles();
    }
    this.field.focus();
  }

  showFiles() {
    this.chips.replaceChildren(
      ...this.files.map((chip) => {
        const remove = h(
          "button",
          { type: "button", class: "button quiet", "aria-label": `Remove ${chip.name}` },
          icon("close", 14),
        );
        remove.addEventListener("click", () => {
          this.files.splice(this.files.indexOf(chip), 1);
          this.showFiles();
          this.field.focus();
        });
        return h(
          "li",
          { class: chip.id ? "" : "loading", "aria-busy": chip.id ? null : "true" },
          icon("file", 16),
          h("span", {}, chip.name),
          h("span", { class: "note" }, chip.id ? sizeText(chip.size) : "uploading …"),
          remove,
        );
      }),
    );
  }

  /** What is sent: the mentions that were completed as Slack's own. */
  text() {
    const marks = [...this.tokens].sort(([a], [b]) => b.length - a.length);
    return marks.reduce((text, [shown, token]) => text.replaceAll(shown, token), this.field.value).trim();
  }

  /** What is sent while an earlier message is on its way goes after it, in order, to where it was written. */
  async send() {
    const text = this.text();
    if (!text && !this.files.length) return;
    if (this.files.some((chip) => !chip.id))
      return void notice("A file is still being uploaded; send again in a moment.");
    const command = /^\/\S+/.exec(this.field.value)?.[0]; // a space before it makes it text
    if (command && !this.allowed(command)) return;
    const draft = { value: this.field.value, files: this.files, tokens: this.tokens };
    const request = command ? this.command(command, text) : this.say(text, draft.files);
    const place = this.place;
    this.empty();
    const done = this.sending.then(() => attempt(request));
    this.sending = done.catch(() => null);
    if ((await done) === null) this.giveBack(draft, place);
    this.app.sent(place);
  }

  allowed(command) {
    const { commands } = this.app.store;
    const known = commands.some((each) => each.command === command);
    const names = commands.map((each) => each.command).join(", ") || "none";
    if (!known) notice(`${command} is no command here (${names} is). To say it as text, begin with a space.`, "error");
    else if (this.place.thread)
      notice("Slack runs no commands in threads: use the channel, or mention the app.", "error");
    return known && !this.place.thread;
  }

  /** @returns {() => Promise<object>} the request, for the place and the person of now */
  say(text, files) {
    const said = { ...this.from(), ...this.target(), text, ...(files.length ? { files: files.map((chip) => chip.id) } : {}) };
    return () => this.app.people.do("say", said);
  }

  /** @returns {() => Promise<object>} the request, for the place and the person of now */
  command(command, text) {
    const said = { ...this.from(), channel: this.place.channel, command, text: text.slice(command.length).trim() };
    return () => this.app.people.do("command", said);
  }

  empty() {
    this.field.value = "";
    Object.assign(this, { files: [], tokens: new Map() });
    this.completion.hide();
    this.showFiles();
    this.grow();
  }

  /** A draft that was refused stands again where it was written, before what has been written there since. */
  giveBack({ value, files, tokens }, place) {
    const joined = (since) => ({
      text: [value, since.text].filter(Boolean).join("\n"),
      files: [...files, ...since.files],
      tokens: new Map([...tokens, ...since.tokens]),
    });
    const key = keyOf(place.channel, place.thread);
    if (key !== this.draftKey())
      return void this.drafts.set(key, joined(this.drafts.get(key) ?? { text: "", files: [], tokens: new Map() }));
    const { text, ...rest } = joined({ text: this.field.value, files: this.files, tokens: this.tokens });
    this.field.value = text;
    Object.assign(this, rest);
    this.showFiles();
    this.grow();
  }
}
