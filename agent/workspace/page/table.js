// The table block: the first row is its head.

import { h } from "./dom.js";
import { richText } from "./rich_text.js";
import { textNodes } from "./text_objects.js";

const COLUMNS = 20; // more are refused by Slack

/** @returns {HTMLElement} a frame that scrolls sideways, with the table in it */
export function tableNode(block, context) {
  const rows = block.rows ?? [];
  const [head, ...body] = rows.map((row, at) =>
    h(
      "tr",
      {},
      row.slice(0, COLUMNS).map((cell, column) => cellNode(cell, column, at === 0, block, context)),
    ),
  );
  const table = h("table", {}, head && h("thead", {}, head), h("tbody", {}, body));
  return h("div", { class: "block table-frame", tabindex: "0", role: "region", "aria-label": "Table" }, table);
}

function cellNode(cell, column, isHead, block, context) {
  const settings = block.column_settings?.[column] ?? {};
  const side = settings.align ?? (cell?.type === "raw_number" ? "right" : "left");
  const classes = [`side-${side}`, settings.is_wrapped ? "wrapped" : ""].join(" ").trim();
  return h(isHead ? "th" : "td", { class: classes, scope: isHead ? "col" : null }, content(cell, context));
}

function content(cell, context) {
  if (cell?.type === "rich_text") return richText(cell, context.names);
  if (cell?.type === "raw_number") return String(cell.text ?? cell.value ?? cell.number ?? "");
  if (cell?.type === "mrkdwn") return textNodes(cell, context.names);
  return String(cell?.text ?? "");
}
