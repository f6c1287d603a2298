// CommonMark with GitHub's tables and task lists → nodes. HTML in it is shown as text, never as HTML.

import { h } from "./dom.js";
import { inlineMarkdown, literal } from "./markdown_inline.js";

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const FENCE = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})[ \t]*(\S*)/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-+*]|(\d{1,9})[.)])(?:([ \t]+)(.*)|$)/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const DEFINITION = /^ {0,3}\[([^\]]+)\]:[ \t]*<?([^\s>]+)>?(?:[ \t]+(?:"[^"]*"|'[^']*'|\([^)]*\)))?[ \t]*$/;
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const DEEPEST = 12; // lists and quotes nested deeper are shown as text

/**
 * @param {string} text
 * @param {{person: (id: string) => string, channel: (id: string) => string, viewer: string}} names
 * @returns {Node[]}
 */
export function markdown(text, names) {
  const references = new Map();
  const rows = text.replace(/\r\n?/g, "\n").replaceAll("\u0000", "\ufffd").split("\n");
  const kept = definitions(rows, references);
  return blocks(kept, { names, references, depth: 0 });
}

/** The rows without reference definitions, which go into `references`; those inside fences stay. */
function definitions(rows, references) {
  let fence = null;
  return rows.filter((row, index) => {
    const found = FENCE.exec(row);
    if (fence === null && found) fence = found[2];
    else if (fence !== null && found && found[2].startsWith(fence)) fence = null;
    const definition = fence === null ? DEFINITION.exec(row) : null;
    if (!definition || (index > 0 && rows[index - 1].trim() && !DEFINITION.test(rows[index - 1]))) return true;
    const key = definition[1].trim().toLowerCase().replace(/\s+/g, " ");
    if (!references.has(key)) references.set(key, literal(definition[2]));
    return false;
  });
}

/**
 * Rows → nodes. Each reader below takes rows from `at` and gives its node and the row after it, or null if it is
 * not its turn.
 */
function blocks(rows, context, tight = false) {
  const nodes = [];
  for (let at = 0; at < rows.length;) {
    if (!rows[at].trim()) {
      at += 1;
      continue;
    }
    const readers = [fenced, heading, rule, quote, list, indented, table];
    let found = null;
    for (const read of readers) if ((found = read(rows, at, context))) break;
    found ??= paragraph(rows, at, context, tight);
    nodes.push(...[found.node].flat());
    at = found.end;
  }
  return nodes;
}

function fenced(rows, at) {
  const open = FENCE.exec(rows[at]);
  if (!open) return null;
  const closing = new RegExp(`^ {0,3}${open[2][0]}{${open[2].length},}[ \\t]*$`);
  let end = at + 1;
  while (end < rows.length && !closing.test(rows[end])) end += 1;
  const margin = new RegExp(`^ {0,${open[1].length}}`);
  const code = rows
    .slice(at + 1, end)
    .map((row) => row.replace(margin, ""))
    .join("\n");
  return {
    node: h("pre", { data: open[3] ? { language: literal(open[3]) } : {}, tabindex: "0" }, h("code", {}, code)),
    end: end + 1,
  };
}

function heading(rows, at, context) {
  const found = HEADING.exec(rows[at]);
  return found ? { node: headingNode(found[1].length, found[2] ?? "", context), end: at + 1 } : null;
}

/** In a message all headings are below the pane's own: level 1 becomes <h3> in looks, by role for screen readers. */
function headingNode(level, source, context) {
  const attributes = { class: `heading level-${level}`, role: "heading", "aria-level": Math.min(6, level + 2) };
  return h("p", attributes, inlineMarkdown(source.trim(), context));
}

function rule(rows, at) {
  return RULE.test(rows[at]) ? { node: h("hr"), end: at + 1 } : null;
}

function quote(rows, at, context) {
  if (!QUOTE.test(rows[at]) || context.depth > DEEPEST) return null;
  let end = at;
  while (
    end < rows.length &&
    rows[end].trim() &&
    (QUOTE.test(rows[end]) || (end > at && lazy(rows[end], rows[end - 1])))
  )
    end += 1;
  const inner = rows.slice(at, end).map((row) => row.replace(QUOTE, ""));
  return { node: h("blockquote", {}, blocks(inner, { ...context, depth: context.depth + 1 })), end };
}

/** A row that goes on with the paragraph of the quote above it though it has no `>`. */
function lazy(row, above) {
  return above.replace(QUOTE, "").trim() !== "" && !interrupts(row) && !FENCE.test(above.replace(QUOTE, ""));
}

function interrupts(row) {
  const item = ITEM.exec(row);
  return (
    HEADING.test(row) ||
    FENCE.test(row) ||
    RULE.test(row) ||
    QUOTE.test(row) ||
    Boolean(item && item[5]?.trim() && (!item[3] || item[3] === "1"))
  );
}

function list(rows, at, context) {
  const first = ITEM.exec(rows[at]);
  if (!first || RULE.test(rows[at]) || context.depth > DEEPEST) return null;
  const mark = first[2].at(-1);
  const items = [];
  let end = at;
  let loose = false;
  while (end < rows.length) {
    const next = ITEM.exec(rows[end]);
    if (!next || next[2].at(-1) !== mark || RULE.test(rows[end])) break;
    const found = itemRows(rows, end, next);
    items.push(found.rows);
    loose ||= found.loose || (found.blanks > 0 && sameList(rows[found.end], mark));
    end = found.end;
  }
  const inner = { ...context, depth: context.depth + 1 };
  const nodes = items.map((each) => listItem(each, inner, !loose));
  if (!first[3]) return { node: h("ul", {}, nodes), end };
  const start = Number(first[3]);
  return { node: h("ol", { start: start === 1 ? null : start }, nodes), end };
}

function sameList(row, mark) {
  return ITEM.exec(row ?? "")?.[2].at(-1) === mark;
}

/** The rows of one item without its margin, how many blank rows follow it, and whether blank rows part its blocks. */
function itemRows(rows, at, found) {
  const spaces = (found[4] ?? " ").length;
  const width = found[1].length + found[2].length + (spaces > 4 ? 1 : spaces);
  const inner = [found[5] === undefined ? "" : " ".repeat(spaces > 4 ? spaces - 1 : 0) + found[5]];
  let end = at + 1;
  for (; end < rows.length; end += 1) {
    const blank = !rows[end].trim();
    const inside = /^ */.exec(rows[end])[0].length >= width;
    if (blank && inner.length === 1 && !inner[0].trim()) break;
    if (!blank && !inside && (!inner.at(-1).trim() || interrupts(rows[end]) || ITEM.test(rows[end]))) break;
    inner.push(blank ? "" : inside ? rows[end].slice(width) : rows[end].trimStart());
  }
  let blanks = 0;
  while (inner.length > 1 && inner.at(-1) === "") {
    inner.pop();
    blanks += 1;
  }
  return {
    rows: inner,
    end,
    blanks,
    loose: inner.some((row, index) => row === "" && index > 0 && !insideFence(inner, index)),
  };
}

function insideFence(rows, index) {
  return rows.slice(0, index).filter((row) => FENCE.test(row)).length % 2 === 1;
}

function listItem(rows, context, tight) {
  const task = /^\[([ xX])\][ \t]+(.*)$/.exec(rows[0]);
  if (!task) return h("li", {}, blocks(rows, context, tight));
  const done = task[1] !== " ";
  const box = h(
    "span",
    { class: done ? "task done" : "task", role: "img", "aria-label": done ? "done" : "to do" },
    done ? "☑" : "☐",
  );
  return h("li", { class: "task-item" }, box, " ", blocks([task[2], ...rows.slice(1)], context, tight));
}

function indented(rows, at) {
  if (!/^ {4}/.test(rows[at])) return null;
  let end = at;
  while (end < rows.length && (/^ {4}/.test(rows[end]) || !rows[end].trim())) end += 1;
  const code = rows
    .slice(at, end)
    .map((row) => row.slice(4))
    .join("\n")
    .replace(/\n+$/, "");
  return { node: h("pre", { tabindex: "0" }, h("code", {}, code)), end };
}

function table(rows, at, context) {
  if (!rows[at].includes("|") || !DELIMITERS.test(rows[at + 1] ?? "")) return null;
  const heads = cells(rows[at]);
  const sides = cells(rows[at + 1]).map((cell) =>
    /^:-*:$/.test(cell) ? "center" : /:$/.test(cell) ? "right" : "left",
  );
  if (heads.length !== sides.length) return null;
  let end = at + 2;
  while (end < rows.length && rows[end].trim() && !interrupts(rows[end])) end += 1;
  const cellNode = (tag, source, column) =>
    h(
      tag,
      { class: `side-${sides[column]}`, scope: tag === "th" ? "col" : null },
      inlineMarkdown(source ?? "", context),
    );
  const body = rows.slice(at + 2, end).map((row) => {
    const values = cells(row);
    return h(
      "tr",
      {},
      heads.map((_, column) => cellNode("td", values[column], column)),
    );
  });
  const head = h(
    "thead",
    {},
    h(
      "tr",
      {},
      heads.map((each, column) => cellNode("th", each, column)),
    ),
  );
  const node = h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {}, head, h("tbody", {}, body)),
  );
  return { node, end };
}

/** The cells of a row; a bar after a backslash or in a code span's escape is text. */
function cells(row) {
  const inner = row
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function paragraph(rows, at, context, tight) {
  let end = at + 1;
  while (end < rows.length && rows[end].trim()) {
    const under = UNDERLINE.exec(rows[end]);
    if (under) {
      const source = rows
        .slice(at, end)
        .map((row) => row.trim())
        .join("\n");
      return { node: headingNode(under[1][0] === "=" ? 1 : 2, source, context), end: end + 1 };
    }
    if (interrupts(rows[end]) || table(rows, end, context)) break;
    end += 1;
  }
  const source = rows
    .slice(at, end)
    .map((row) => row.replace(/^[ \t]+/, ""))
    .join("\n")
    .trimEnd();
  const nodes = inlineMarkdown(source, context);
  return { node: tight ? nodes : h("p", {}, nodes), end };
}
