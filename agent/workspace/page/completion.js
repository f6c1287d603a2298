// What can be completed while typing: a slash command, a person, a channel; shown in a list above the field.

import { freshId, h } from "./dom.js";

const MOST = 8;

/**
 * @param {string} text up to the cursor
 * @param {{commands: object[], people: object[], channels: object[]}} known
 * @returns {{start: number, rows: {insert: string, label: string, note: string, token?: string}[]}|null} pure
 */
export function completions(text, known) {
  const command = /^\/(\S*)$/.exec(text);
  if (command)
    return found(
      0,
      known.commands
        .filter((each) => each.command.startsWith(text))
        .map((each) => ({ insert: `${each.command} `, label: each.command, note: each.description ?? "" })),
    );
  const hint = commandHint(text, known.commands);
  if (hint) return hint;
  const word = /(?:^|[\s(])([@#])([\p{L}\p{N}._-]*)$/u.exec(text);
  if (!word) return null;
  const start = text.length - word[2].length - 1;
  const wanted = word[2].toLowerCase();
  const source = word[1] === "@" ? known.people : known.channels;
  const rows = source.filter(({ names }) =>
    names.some(
      (name) =>
        name
          .toLowerCase()
          .split(/\s+/)
          .some((part) => part.startsWith(wanted)) || name.toLowerCase().startsWith(wanted),
    ),
  );
  return found(
    start,
    rows.slice(0, MOST).map(({ id, label, note }) => ({
      insert: `${word[1]}${label} `,
      label: `${word[1]}${label}`,
      note,
      token: `<${word[1]}${id}>`,
    })),
  );
}

/**
 * After `/command `: the usage hint's parts that go on with what was typed (a hint reads "status | use PROJECT |
 * …").
 */
function commandHint(text, commands) {
  const typed = /^(\/\S+) (\S*)$/.exec(text);
  const command = typed && commands.find((each) => each.command === typed[1]);
  const parts = (command?.usage_hint ?? "").split(/\s*[|·]\s*/).filter((part) => /^\w/.test(part));
  if (!command || parts.length < 2) return null;
  const rows = parts.filter((part) => part.toLowerCase().startsWith(typed[2].toLowerCase()) && part !== typed[2]);
  const plainPart = (part) => part.replace(/\s*(\[.*|<.*|[A-Z]{2,}.*|….*)$/, "");
  return found(
    typed[1].length + 1,
    rows.map((part) => ({ insert: `${plainPart(part)} `, label: part, note: "" })),
  );
}

function found(start, rows) {
  return rows.length ? { start, rows: rows.slice(0, MOST) } : null;
}

/** The list above a text field; the field keeps the focus (combobox by aria-activedescendant). */
export class CompletionList {
  /**
   * @param {HTMLTextAreaElement} field
   * @param {() => object} known
   * @param {(row: object, start: number) => void} take
   */
  constructor(field, known, take) {
    Object.assign(this, { field, known, take, current: null, at: 0 });
    this.node = h("div", {
      class: "completions",
      role: "listbox",
      id: freshId("completions"),
      "aria-label": "Suggestions",
      hidden: true,
    });
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.node.id,
      "aria-haspopup": "listbox",
    }))
      field.setAttribute(name, value);
    field.addEventListener("blur", () => this.hide());
  }

  refresh() {
    const { selectionStart: start, selectionEnd: end, value } = this.field;
    this.current = start === end ? completions(value.slice(0, start), this.known()) : null;
    this.at = 0;
    this.render();
  }

  hide() {
    this.current = null;
    this.render();
  }

  render() {
    const rows = this.current?.rows ?? [];
    this.node.hidden = !rows.length;
    this.field.setAttribute("aria-expanded", String(rows.length > 0));
    this.node.replaceChildren(...rows.map((row, index) => this.row(row, index)));
    if (rows.length) this.field.setAttribute("aria-activedescendant", this.node.children[this.at].id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  row(row, index) {
    const node = h(
      "div",
      {
        class: "completion",
        role: "option",
        id: `${this.node.id}-${index}`,
        "aria-selected": String(index === this.at),
      },
      h("span", {}, row.label),
      h("span", { class: "note" }, row.note),
    );
    node.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.choose(index);
    });
    return node;
  }

  choose(index) {
    const { rows, start } = this.current;
    this.take(rows[index], start);
    this.refresh();
  }

  /** @returns {boolean} whether the key was for the list */
  key(event) {
    if (!this.current) return false;
    const count = this.current.rows.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp")
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
    else if (event.key === "Tab" || event.key === "Enter") {
      if (
        event.key === "Enter" &&
        this.field.value.slice(this.current.start).trim() === this.current.rows[this.at].insert.trim()
      )
        return false;
      this.choose(this.at);
      return true;
    } else if (event.key === "Escape") {
      this.hide();
      return true;
    } else return false;
    this.render();
    return true;
  }
}
