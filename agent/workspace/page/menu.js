// One popover for all menus and lists of choices: arrows, Home, End, typing, Enter, Escape; focus goes back to
// where it was.

import { append, freshId, h, icon } from "./dom.js";

const SEARCH_FROM = 9; // this many choices and more get a field to narrow them

/**
 * Opens a menu under `anchor`.
 * @param {HTMLElement} anchor
 * @param {{label: string, value: any, description?: string, group?: string, selected?: boolean, danger?: boolean,
 * picture?: string}[]} items
 * @param {{label: string, role?: "menu"|"listbox", multiple?: boolean, search?: (typed: string) => Promise<object[]>,
 *   pick: (item: object, items: object[]) => void, closed?: () => void}} options
 */
export function openMenu(anchor, items, options) {
  const menu = new Menu(anchor, items, options);
  menu.open();
  return menu;
}

class Menu {
  constructor(anchor, items, options) {
    Object.assign(this, { anchor, items, options, shown: items, typed: "", typedAt: 0 });
    this.role = options.role ?? "menu";
    this.list = h("div", {
      class: "menu-list",
      role: this.role,
      "aria-label": options.label,
      id: freshId("menu"),
      tabindex: "-1",
    });
    if (options.multiple) this.list.setAttribute("aria-multiselectable", "true");
    this.panel = h("div", { class: "menu", popover: "auto" });
  }

  open() {
    const searchable = this.options.search || this.items.length >= SEARCH_FROM;
    if (searchable) this.panel.append(this.searchField());
    this.panel.append(this.list);
    this.panel.addEventListener("keydown", (event) => this.key(event));
    this.panel.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    (this.anchor.closest("dialog") ?? document.body).append(this.panel);
    this.anchor.setAttribute("aria-expanded", "true");
    this.render();
    this.panel.showPopover();
    this.place();
    if (searchable) this.panel.querySelector("input").focus();
    else
      this.focus(
        Math.max(
          0,
          this.shown.findIndex((item) => item.selected),
        ),
      );
    if (this.options.search) void this.searchElsewhere("");
  }

  searchField() {
    const field = h("input", {
      type: "search",
      class: "menu-search",
      placeholder: "Find …",
      "aria-label": `Find in ${this.options.label}`,
      "aria-controls": this.list.id,
      autocomplete: "off",
    });
    field.addEventListener("input", () => this.narrow(field.value));
    return field;
  }

  narrow(typed) {
    if (this.options.search) return void this.searchElsewhere(typed);
    const wanted = typed.trim().toLowerCase();
    this.shown = this.items.filter((item) => `${item.label} ${item.description ?? ""}`.toLowerCase().includes(wanted));
    this.render();
  }

  async searchElsewhere(typed) {
    this.wanted = typed;
    const found = await this.options.search(typed).catch(() => []);
    if (this.wanted !== typed) return;
    this.shown = found;
    this.render();
    this.place();
  }

  render() {
    this.list.replaceChildren();
    let group;
    for (const item of this.shown) {
      if (item.group && item.group !== group)
        this.list.append(h("div", { class: "menu-group", role: "presentation" }, item.group));
      group = item.group;
      this.list.append(this.row(item));
    }
    if (!this.shown.length)
      this.list.append(
        h(
          "div",
          { class: "menu-none", role: this.role === "menu" ? "menuitem" : "option", "aria-disabled": "true" },
          "Nothing found",
        ),
      );
  }

  row(item) {
    const choice = this.role === "listbox";
    const row = h("div", {
      class: item.danger ? "menu-row danger" : "menu-row",
      role: choice ? "option" : "menuitem",
      tabindex: "-1",
    });
    if (choice) row.setAttribute("aria-selected", String(Boolean(item.selected)));
    const text = h(
      "span",
      { class: "menu-text" },
      h("span", {}, item.label),
      item.description && h("span", { class: "menu-note" }, item.description),
    );
    append(row, [item.picture && icon(item.picture, 16), text, choice && item.selected && icon("check", 16)]);
    row.addEventListener("click", () => this.pick(item));
    row.addEventListener("pointermove", () => row.focus({ preventScroll: true }));
    return row;
  }

  pick(item) {
    if (!this.options.multiple) {
      this.panel.hidePopover();
      this.options.pick(item, this.items);
      return;
    }
    item.selected = !item.selected;
    const at = this.shown.indexOf(item);
    this.options.pick(item, this.items);
    this.render();
    this.focus(at);
  }

  rows() {
    return [...this.list.querySelectorAll(".menu-row")];
  }

  focus(index) {
    const rows = this.rows();
    rows.at(Math.min(index, rows.length - 1))?.focus();
  }

  key(event) {
    const rows = this.rows();
    const at = rows.indexOf(document.activeElement);
    const inField = event.target.tagName === "INPUT";
    const moves = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? -1 : (at - 1 + rows.length) % rows.length,
      ...(inField ? {} : { Home: 0, End: -1 }),
    };
    if (event.key in moves && rows.length)
      this.focus(event.key === "ArrowDown" ? moves.ArrowDown % rows.length : moves[event.key]);
    else if (event.key === "Enter" && inField && rows.length) rows[0].click();
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) rows[at].click();
    else if (event.key === "Tab") this.panel.hidePopover();
    else if (event.key.length === 1 && !inField && !event.ctrlKey && !event.metaKey && !event.altKey)
      this.find(event.key);
    else return;
    event.stopPropagation();
    event.preventDefault();
  }

  /** Typing goes to the first row that begins with what was typed within a second. */
  find(letter) {
    this.typed = performance.now() - this.typedAt < 1000 ? this.typed + letter.toLowerCase() : letter.toLowerCase();
    this.typedAt = performance.now();
    this.rows()
      .find((row) => row.textContent.toLowerCase().startsWith(this.typed))
      ?.focus();
  }

  /** Under the anchor, or above it where there is more room, and inside the window. */
  place() {
    const anchor = this.anchor.getBoundingClientRect();
    const panel = this.panel.getBoundingClientRect();
    const below = window.innerHeight - anchor.bottom - 12;
    const above = anchor.top - 12;
    const up = below < Math.min(panel.height, 260) && above > below;
    const height = Math.min(panel.height, up ? above : below);
    this.panel.style.maxHeight = `${Math.max(120, up ? above : below)}px`;
    this.panel.style.minWidth = `${Math.min(anchor.width, 360)}px`;
    this.panel.style.left = `${Math.max(8, Math.min(anchor.left, window.innerWidth - panel.width - 8))}px`;
    this.panel.style.top = `${up ? Math.max(8, anchor.top - height - 4) : anchor.bottom + 4}px`;
  }

  closed() {
    const within = this.panel.contains(document.activeElement) || document.activeElement === document.body;
    this.panel.remove();
    this.anchor.setAttribute("aria-expanded", "false");
    if (within && this.anchor.isConnected) this.anchor.focus();
    this.options.closed?.();
  }
}
