// Elements that a person types into: text, numbers, addresses, dates, times, files.

import { h, icon } from "./dom.js";
import { plainOf, richTextOf } from "./rich_text.js";
import { plain } from "./text_objects.js";

/** plain_text_input, email_text_input, url_text_input, number_input and rich_text_input. */
export function textNode(element, field) {
  const long = element.multiline || element.type === "rich_text_input";
  const tag = long ? "textarea" : "input";
  const limits = { minlength: element.min_length, maxlength: element.max_length };
  const kinds = { email_text_input: "email", url_text_input: "url" };
  const attributes = {
    ...field.attributes,
    class: "field",
    placeholder: plain(element.placeholder) || null,
    ...limits,
  };
  const number = element.type === "number_input";
  if (!long)
    Object.assign(attributes, {
      type: kinds[element.type] ?? "text",
      inputmode: number ? (element.is_decimal_allowed ? "decimal" : "numeric") : null,
      autocomplete: "off",
    });
  const node = h(tag, { ...attributes, rows: long ? 4 : null });
  if (!field.attributes["aria-labelledby"] && !field.attributes.id) node.setAttribute("aria-label", field.name);
  const rich = element.type === "rich_text_input";
  const kept = field.get();
  node.value = rich ? plainOfBlock(kept) : (kept ?? "");
  node.addEventListener("input", () =>
    field.set(node.value === "" ? null : rich ? richTextOf(node.value) : node.value),
  );
  dispatchWhen(element, node, field);
  if (element.focus_on_load) node.dataset.autofocus = "true";
  return node;
}

function plainOfBlock(block) {
  if (!block || typeof block !== "object") return block ?? "";
  return (block.elements ?? []).map((part) => (part.elements ?? []).map(plainOf).join("")).join("\n");
}

function dispatchWhen(element, node, field) {
  const wanted = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || !field.dispatches || !wanted.includes("on_enter_pressed")) return;
    event.preventDefault();
    void field.act();
  });
  let timer;
  node.addEventListener("input", () => {
    if (!field.dispatches || !wanted.includes("on_character_entered")) return;
    clearTimeout(timer);
    timer = setTimeout(() => field.act(), 500); // as Slack: when the typing rests
  });
}

const DATES = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };

/** datepicker, timepicker and datetimepicker. */
export function dateField(element, field) {
  const node = h("input", {
    type: DATES[element.type],
    class: "field date",
    "aria-label": field.name,
    ...field.attributes,
  });
  node.value = element.type === "datetimepicker" ? localTime(field.get()) : (field.get() ?? "");
  node.addEventListener("change", () => {
    const seconds = node.value && Math.floor(new Date(node.value).getTime() / 1000);
    field.set(node.value === "" ? null : element.type === "datetimepicker" ? seconds : node.value);
    if (node.value) field.act();
  });
  return node;
}

function localTime(seconds) {
  if (!seconds) return "";
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** file_input: files are uploaded as they are chosen. */
export function fileField(element, field, context) {
  const accept = element.filetypes?.length ? element.filetypes.map((type) => `.${type}`).join(",") : null;
  const node = h("input", {
    type: "file",
    class: "visually-hidden",
    accept,
    multiple: (element.max_files ?? 10) > 1,
    tabindex: "-1",
    "aria-label": field.name,
  });
  const list = h("ul", { class: "chosen-files", "aria-live": "polite" });
  const button = h(
    "button",
    {
      type: "button",
      class: "button",
      ...field.attributes,
      "aria-label": `${field.name}: choose files`,
      on: { click: () => node.click() },
    },
    icon("file", 16),
    "Choose files",
  );
  node.addEventListener("change", async () => {
    const room = (element.max_files ?? 10) - (field.get() ?? []).length;
    for (const file of [...node.files].slice(0, room)) {
      const kept = await context.upload(file);
      if (kept) field.set([...(field.get() ?? []), kept.id]);
      if (kept) list.append(fileRow(kept, field));
    }
    node.value = "";
    if (field.dispatches) field.act();
  });
  return h("div", { class: "file-input" }, button, node, list);
}

function fileRow(file, field) {
  const remove = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": `Remove ${file.name}` },
    icon("close", 14),
  );
  const row = h("li", {}, icon("file", 16), h("span", {}, file.name), remove);
  remove.addEventListener("click", () => {
    field.set((field.get() ?? []).filter((id) => id !== file.id));
    row.remove();
  });
  return row;
}

/** What a typed element begins with. */
export function initialText(element) {
  return element.initial_value ?? element.initial_date ?? element.initial_time ?? element.initial_date_time ?? null;
}
