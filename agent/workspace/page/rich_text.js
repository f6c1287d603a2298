// rich_text blocks ↔ nodes and plain text.

import { h, link } from "./dom.js";
import { emojiOf } from "./emoji.js";
import { dateNode } from "./moments.js";
import { mention } from "./mrkdwn.js";

/** @returns {Node[]} the block's sections, lists, quotes and code */
export function richText(block, names) {
  const nodes = [];
  for (const element of block.elements ?? []) nodes.push(part(element, names));
  return nestedLists(nodes);
}

function part(element, names) {
  const inside = element.elements ?? [];
  if (element.type === "rich_text_list") return listNode(element, names);
  if (element.type === "rich_text_quote") return h("blockquote", {}, spans(inside, names));
  if (element.type === "rich_text_preformatted") return h("pre", { tabindex: "0" }, h("code", {}, inside.map(plainOf)));
  if (element.type === "rich_text_section") return h("div", { class: "text" }, spans(inside, names));
  return h("div", { class: "text" }, plainOf(element));
}

function listNode(element, names) {
  const ordered = element.style === "ordered";
  const items = (element.elements ?? []).map((each) => h("li", {}, spans(each.elements ?? [], names)));
  const attributes = {
    start: ordered && element.offset ? element.offset + 1 : null,
    data: { indent: element.indent ?? 0 },
  };
  return h(ordered ? "ol" : "ul", attributes, items);
}

/** Slack sends a deeper level as a list of its own after its parent: it goes into the last item of the list before. */
function nestedLists(nodes) {
  const shown = [];
  for (const node of nodes) {
    const indent = Number(node.dataset.indent ?? 0);
    const parent = shown.at(-1);
    if (indent > 0 && parent?.dataset.indent !== undefined) hang(parent, node, indent);
    else shown.push(node);
  }
  return shown;
}

function hang(parent, node, indent) {
  let list = parent;
  while (Number(list.dataset.indent) < indent) {
    const deeper = list.lastElementChild?.querySelector(":scope > ul:last-child, :scope > ol:last-child");
    if (!deeper || Number(deeper.dataset.indent) > indent) break;
    list = deeper;
  }
  if (Number(list.dataset.indent) === indent) list.after(node);
  else (list.lastElementChild ?? list).append(node);
}

function spans(elements, names) {
  return elements.map((element) => styled(span(element, names), element.style ?? {}));
}

function span(element, names) {
  if (element.type === "text") return withBreaks(element.text ?? "");
  if (element.type === "link") return [link(element.url, element.text || element.url)];
  if (element.type === "user") return [mention(element.user_id, names)];
  if (element.type === "channel") return [h("span", { class: "mention" }, `#${names.channel(element.channel_id)}`)];
  if (element.type === "date")
    return [
      dateNode(
        `!date^${element.timestamp}^${element.format ?? "{date}"}${element.url ? `^${element.url}` : ""}`,
        element.fallback,
      ),
    ];
  if (element.type === "color") return [colour(element.value)];
  return [plainOf(element)];
}

function withBreaks(text) {
  return text.split("\n").flatMap((row, index) => (index ? [h("br"), row] : [row]));
}

function colour(value) {
  const swatch = h("span", { class: "swatch" });
  if (/^#[0-9a-f]{3,8}$/i.test(value ?? "")) swatch.style.backgroundColor = value;
  return h("span", {}, swatch, value ?? "");
}

function styled(nodes, style) {
  let inside = nodes;
  for (const [name, tag] of [
    ["code", "code"],
    ["bold", "strong"],
    ["italic", "em"],
    ["strike", "s"],
    ["underline", "u"],
  ]) {
    if (style[name]) inside = [h(tag, {}, inside)];
  }
  return inside;
}

/** An inline element as plain text. */
export function plainOf(element) {
  if (element.type === "emoji") return emojiOf(element.name) ?? drawn(element.unicode) ?? `:${element.name}:`;
  if (element.type === "broadcast") return `@${element.range}`;
  if (element.type === "usergroup") return "@group";
  return element.text ?? element.url ?? element.name ?? "";
}

/** "1f1ec-1f1e7" → the picture. */
function drawn(unicode) {
  return /^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(unicode ?? "")
    ? String.fromCodePoint(...unicode.split("-").map((code) => Number.parseInt(code, 16) % 0x110000))
    : null;
}

/** What a person typed into a rich text input, as the block Slack would send. */
export function richTextOf(text) {
  return {
    type: "rich_text",
    elements: [{ type: "rich_text_section", elements: text ? [{ type: "text", text }] : [] }],
  };
}
