// Elements in which a person chooses: selects, multi-selects, overflow menus, radio buttons, checkboxes.

import { freshId, h, icon, safeAddress } from "./dom.js";
import { openMenu } from "./menu.js";
import { plain, textNodes } from "./text_objects.js";

const KINDS = { users: "person", conversations: "conversation", channels: "channel" };

/** @returns {object[]} the rows of an element's menu */
function rowsOf(element, context, chosen) {
  const selected = (value) => (Array.isArray(chosen) ? chosen.includes(value) : chosen === value);
  const source = element.type.replace(/^multi_/, "").replace(/_select$/, "");
  if (source === "users")
    return context.people().map(({ id, label }) => ({ label, value: id, selected: selected(id) }));
  if (source === "channels")
    return context.channels(false).map(({ id, label }) => ({ label, value: id, selected: selected(id) }));
  if (source === "conversations")
    return context.channels(true).map(({ id, label }) => ({ label, value: id, selected: selected(id) }));
  return optionRows(element, selected);
}

function optionRows({ options, option_groups: groups }, selected) {
  const row = (option, group) => ({
    label: plain(option.text),
    value: option.value,
    description: option.description ? plain(option.description) : undefined,
    group,
    selected: selected(option.value),
    url: option.url,
  });
  return groups?.length
    ? groups.flatMap((group) => group.options.map((option) => row(option, plain(group.label))))
    : (options ?? []).map((option) => row(option));
}

/** The value an element begins with, in the form the workspace takes back. */
export function initialChoice(element) {
  const { type } = element;
  if (type === "checkboxes" || type === "multi_static_select" || type === "multi_external_select")
    return (element.initial_options ?? []).map((option) => option.value);
  if (type === "multi_users_select") return [...(element.initial_users ?? [])];
  if (type === "multi_conversations_select") return [...(element.initial_conversations ?? [])];
  if (type === "multi_channels_select") return [...(element.initial_channels ?? [])];
  return (
    element.initial_option?.value ??
    element.initial_user ??
    element.initial_conversation ??
    element.initial_channel ??
    null
  );
}

/** A select of any source, of one value or several. */
export function selectNode(element, field, context) {
  const multiple = element.type.startsWith("multi_");
  const value = h("span", { class: "select-value" });
  const button = h(
    "button",
    { type: "button", class: "select", "aria-haspopup": "listbox", "aria-expanded": "false", ...field.attributes },
    value,
    icon("chevron", 16),
  );
  const known = new Map(); // labels of options that were found by searching
  const refresh = () => showChosen(value, button, element, context, field, known);
  button.addEventListener("click", () => {
    const items = rowsOf(element, context, field.get());
    const search = element.type.endsWith("external_select") ? searching(element, field, known) : undefined;
    openMenu(button, items, {
      label: field.name,
      role: "listbox",
      multiple,
      search,
      pick: (item) => {
        const before = field.get() ?? [];
        field.set(
          multiple
            ? item.selected
              ? [...before, item.value]
              : before.filter((each) => each !== item.value)
            : item.value,
        );
        refresh();
        if (!multiple) field.act();
      },
      closed: () => multiple && field.act(),
    });
  });
  refresh();
  return button;
}

function searching(element, field, known) {
  return async (typed) => {
    if (typed.length < (element.min_query_length ?? 3) && typed) return [];
    const chosen = [field.get()].flat();
    const rows = optionRows(await field.suggest(typed), (value) => chosen.includes(value));
    for (const row of rows) known.set(row.value, row.label);
    return rows;
  };
}

function showChosen(node, button, element, context, field, known) {
  const chosen = [field.get()].flat().filter((each) => each !== null && each !== undefined);
  const initial = [element.initial_option, ...(element.initial_options ?? [])].filter(Boolean);
  const rows = [
    ...rowsOf(element, context, null),
    ...initial.map((option) => ({ label: plain(option.text), value: option.value })),
  ];
  const labels = chosen.map((value) => rows.find((row) => row.value === value)?.label ?? known.get(value) ?? value);
  const fallback = `Choose a ${KINDS[element.type.replace(/^multi_/, "").replace(/_select$/, "")] ?? "value"}`;
  node.textContent = labels.length ? labels.join(", ") : plain(element.placeholder) || fallback;
  node.classList.toggle("placeholder", !labels.length);
  button.setAttribute("aria-label", `${field.name}: ${labels.join(", ") || "nothing chosen"}`);
}

/** `⋯` with a menu of actions. */
export function overflowNode(element, field) {
  const label = field.name || "More actions";
  const button = h(
    "button",
    {
      type: "button",
      class: "button icon-only",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": label,
      title: label,
      ...field.attributes,
    },
    icon("dots"),
  );
  button.addEventListener("click", () => {
    openMenu(
      button,
      optionRows(element, () => false),
      {
        label,
        pick: (item) => {
          const address = item.url && safeAddress(item.url);
          if (address) window.open(address, "_blank", "noopener,noreferrer");
          field.set(item.value);
          field.act();
        },
      },
    );
  });
  return button;
}

/** radio_buttons and checkboxes. */
export function tickNode(element, field, context) {
  const many = element.type === "checkboxes";
  const group = freshId("ticks");
  const chosen = [field.get()].flat();
  const rows = (element.options ?? []).map((option) => {
    const box = h("input", { type: many ? "checkbox" : "radio", name: group, value: option.value });
    box.checked = chosen.includes(option.value);
    box.addEventListener("change", () => {
      const ticked = [...set.querySelectorAll("input:checked")].map((each) => each.value);
      field.set(many ? ticked : (ticked[0] ?? null));
      field.act();
    });
    const note = option.description && h("span", { class: "tick-note" }, textNodes(option.description, context.names));
    return h("label", { class: "tick" }, box, h("span", {}, textNodes(option.text, context.names), note));
  });
  const set = h(
    "div",
    { class: "ticks", role: many ? "group" : "radiogroup", "aria-label": field.name, ...field.attributes },
    rows,
  );
  return set;
}
