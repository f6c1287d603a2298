// Slack's mrkdwn → nodes. `&amp;`, `&lt;`, `&gt;` are the only entities; `<…>` is a link, a mention or a date.

import { h, link, safeAddress } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { dateNode } from "./moments.js";

const MARKS = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const BARE = /https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}*_~]/uy;

/** The text with Slack's three entities decoded. */
export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/**
 * @param {string} text
 * @param {{person: (id: string) => string, channel: (id: string) => string, viewer: string}} names
 * @returns {Node[]}
 */
export function mrkdwn(text, names) {
  const nodes = [];
  for (const [index, piece] of text.split(/```/).entries()) {
    const closed = index % 2 === 1;
    if (closed && index === text.split(/```/).length - 1) nodes.push(...lines("```" + piece, names));
    else if (closed) nodes.push(h("pre", {}, h("code", {}, unescape(piece.replace(/^\n|\n$/g, "")))));
    else if (piece.trim() || (piece && index === 0)) nodes.push(...lines(piece.replace(/^\n|\n$/g, ""), names));
  }
  return nodes;
}

const QUOTE = /^(?:>|&gt;)(?!>|&gt;) ?/;
const LONG_QUOTE = /^(?:>>>|&gt;&gt;&gt;) ?/;
const BULLET = /^(\s*)[•◦▪‣-] +(?=\S)/;
const NUMBER = /^(\s*)(\d{1,3})[.)] +(?=\S)/;

/** Lines into quotes, lists and text. */
function lines(text, names) {
  const nodes = [];
  const rows = text.split("\n");
  for (let at = 0; at < rows.length;) {
    if (LONG_QUOTE.test(rows[at])) {
      const rest = [rows[at].replace(LONG_QUOTE, ""), ...rows.slice(at + 1)].join("\n");
      nodes.push(h("blockquote", {}, lines(rest, names)));
      break;
    }
    const kind = [QUOTE, BULLET, NUMBER].find((pattern) => pattern.test(rows[at]));
    let end = at + 1;
    while (end < rows.length && sameKind(rows[end], kind)) end += 1;
    nodes.push(...group(rows.slice(at, end), kind, names, end < rows.length));
    at = end;
  }
  return nodes;
}

function sameKind(row, kind) {
  if (kind) return kind.test(row);
  return ![QUOTE, LONG_QUOTE, BULLET, NUMBER].some((pattern) => pattern.test(row));
}

function group(rows, kind, names, more) {
  if (kind === QUOTE) return [h("blockquote", {}, lines(rows.map((row) => row.replace(QUOTE, "")).join("\n"), names))];
  if (kind === BULLET)
    return [
      h(
        "ul",
        {},
        rows.map((row) => item(row, BULLET, names)),
      ),
    ];
  if (kind === NUMBER) {
    const start = Number(NUMBER.exec(rows[0])[2]);
    return [
      h(
        "ol",
        { start: start === 1 ? null : start },
        rows.map((row) => item(row, NUMBER, names)),
      ),
    ];
  }
  const shown = more && rows.at(-1) === "" ? rows.slice(0, -1) : rows;
  return [h("span", { class: "text" }, inline(shown.join("\n"), names))];
}

function item(row, pattern, names) {
  const depth = Math.min(3, Math.floor(pattern.exec(row)[1].length / 2));
  return h("li", { class: depth ? `depth-${depth}` : null }, inline(row.replace(pattern, ""), names));
}

/** One stretch of text with its marks; line breaks become <br>. */
export function inline(text, names) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    for (const [index, part] of withEmoji(unescape(plain)).split("\n").entries()) {
      if (index) nodes.push(h("br"));
      if (part) nodes.push(document.createTextNode(part));
    }
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    const found = token(text, at, names);
    if (found) {
      flush();
      nodes.push(...[found.node].flat());
      at = found.end;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

/** What begins at `at`, if anything but text does: its node and where it ends. */
function token(text, at, names) {
  const sign = text[at];
  if (sign === "`") {
    const end = text.indexOf("`", at + 1);
    const inside = text.slice(at + 1, end);
    return end > at + 1 && !inside.includes("\n") ? { node: h("code", {}, unescape(inside)), end: end + 1 } : null;
  }
  if (sign === "<") {
    const end = text.indexOf(">", at);
    return end > at + 1 ? { node: special(text.slice(at + 1, end), names), end: end + 1 } : null;
  }
  if (sign === "h") {
    BARE.lastIndex = at;
    const match = WORD.test(text[at - 1] ?? " ") ? null : BARE.exec(text);
    return match ? { node: link(unescape(match[0]), unescape(match[0])), end: at + match[0].length } : null;
  }
  if (sign in MARKS && opens(text, at)) {
    const end = closing(text, at);
    return end < 0 ? null : { node: h(MARKS[sign], {}, inline(text.slice(at + 1, end), names)), end: end + 1 };
  }
  return null;
}

function opens(text, at) {
  return (
    !WORD.test(text[at - 1] ?? " ") &&
    text[at - 1] !== text[at] &&
    /[^\s]/.test(text[at + 1] ?? " ") &&
    text[at + 1] !== text[at]
  );
}

function closing(text, start) {
  const sign = text[start];
  for (let at = start + 1; at < text.length && text[at] !== "\n"; at += 1) {
    const skip = { "`": "`", "<": ">" }[text[at]];
    const end = skip ? text.indexOf(skip, at + 1) : -1;
    if (end > at) at = end;
    else if (text[at] === sign && at > start + 1 && !/\s/.test(text[at - 1]) && !WORD.test(text[at + 1] ?? " "))
      return at;
  }
  return -1;
}

/** What stands between `<` and `>`. */
function special(inside, names) {
  const [head, ...rest] = inside.split("|");
  const label = rest.length ? withEmoji(unescape(rest.join("|"))) : null;
  if (head.startsWith("@")) return mention(head.slice(1), names, label);
  if (head.startsWith("#")) return h("span", { class: "mention" }, `#${label || names.channel(head.slice(1))}`);
  if (head.startsWith("!date^")) return dateNode(head, label);
  if (/^!(here|channel|everyone)$/.test(head)) return h("span", { class: "mention broadcast" }, `@${head.slice(1)}`);
  if (head.startsWith("!")) return h("span", { class: "mention" }, label ?? head);
  const address = unescape(head);
  if (safeAddress(address) === null) return document.createTextNode(label ?? `<${address}>`);
  return link(address, label ?? address.replace(/^mailto:/, ""));
}

/** A person's or the app's name as a mention; one's own stands out. */
export function mention(id, names, label = null) {
  return h(
    "span",
    { class: id === names.viewer ? "mention me" : "mention", data: { user: id } },
    `@${label || names.person(id)}`,
  );
}
