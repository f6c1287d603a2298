// Below a conversation's messages: what the app is doing, who is typing, and the prompts it suggests.

import { announceStatus } from "./announce.js";
import { append, h, icon, replace } from "./dom.js";
import { withEmoji } from "./emoji.js";

const NEXT_LINE = 2500; // milliseconds between two loading messages
const TYPING_FOR = 4000;

export class AgentBar {
  constructor(app) {
    this.app = app;
    this.words = h("span", {});
    this.status = h(
      "div",
      { class: "agent-status", hidden: true },
      h("span", { class: "avatar small app", "aria-hidden": "true" }, icon("compass", 14)),
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
      this.words,
    );
    this.typing = h("div", { class: "typing" });
    this.prompts = h("div", { class: "prompts", role: "group", "aria-label": "Suggested prompts", hidden: true });
    this.node = h("div", { class: "agent-bar" }, this.prompts, this.status, this.typing);
  }

  /** @param {object} agent the conversation's agent @param {(prompt: {title: string, message: string}) => void} take */
  show(agent, take) {
    this.showStatus(agent);
    this.showPrompts(agent.prompts, take);
  }

  showStatus({ status, loading_messages: lines, session }) {
    clearInterval(this.timer);
    const running = session?.status === "processing";
    const name = this.app.store.bot.name ?? "The app";
    this.status.hidden = !status && !running;
    const sentence = status ? `${name} ${withEmoji(status)}` : running ? `${name} is working` : "";
    const turns = [sentence, ...(lines ?? []).map(withEmoji)].filter(Boolean);
    let at = lines?.length ? 1 : 0;
    this.words.textContent = turns[at] ?? "";
    if (turns.length > 2)
      this.timer = setInterval(() => (this.words.textContent = turns[(at = 1 + (at % (turns.length - 1)))]), NEXT_LINE);
    if (sentence !== this.said) announceStatus(sentence);
    this.said = sentence;
  }

  showPrompts(prompts, take) {
    this.prompts.hidden = !prompts?.prompts?.length;
    if (this.prompts.hidden) return void this.prompts.replaceChildren();
    const buttons = prompts.prompts.map((prompt) =>
      h(
        "button",
        { type: "button", class: "prompt", on: { click: () => take(prompt) } },
        h("span", {}, prompt.title),
        icon("arrow", 14),
      ),
    );
    replace(
      this.prompts,
      prompts.title && h("div", { class: "prompts-title" }, prompts.title),
      h("div", { class: "prompts-row" }, buttons),
    );
  }

  /** @param {Object<string, number>} typists when each person last typed */
  showTyping(typists) {
    clearTimeout(this.typingTimer);
    const { store } = this.app;
    const names = Object.entries(typists ?? {})
      .filter(([id, at]) => id !== store.you?.id && Date.now() - at < TYPING_FOR)
      .map(([id]) => store.name(id));
    this.typing.replaceChildren();
    if (!names.length) return;
    append(this.typing, [`${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing …`]);
    this.typingTimer = setTimeout(() => this.showTyping(typists), 1000);
  }
}
