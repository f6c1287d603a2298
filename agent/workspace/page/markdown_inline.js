// CommonMark inline text → nodes: emphasis by the delimiter rules, code, links, autolinks, images (as links),
// strikethrough, breaks.

import { h, link } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { mention } from "./mrkdwn.js";

const ESCAPED = /\\([!-/:-@[-`{-~])/g;
const ENTITIES = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  copy: "©",
  hellip: "…",
  mdash: "—",
  ndash: "–",
  times: "×",
  plusmn: "±",
  le: "≤",
  ge: "≥",
  rarr: "→",
};
const ENTITY = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]+));/y;
const AUTOLINK = /<((?:https?|mailto):[^\s<>]*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)>/y;
const MENTION = /<([@#])([A-Z0-9]+)(?:\|([^>]*))?>/y;
const BARE = /https?:\/\/[^\s<>"'`|]+[^\s<>"'`|.,;:!?)\]}*_~]/y;
const DESTINATION =
  /\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/y;
const REFERENCE = /\[([^\]]*)\]/y;
const PUNCTUATION = /[\p{P}\p{S}]/u;

/** The text with backslash escapes and entities decoded: of addresses and of info strings. */
export function literal(text) {
  return text.replace(ESCAPED, "$1").replace(new RegExp(ENTITY, "g"), (...found) => entity(found) ?? found[0]);
}

function entity([, decimal, hex, name]) {
  if (name !== undefined) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : null;
  const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

/**
 * @param {string} text a paragraph's, a heading's or a table cell's source
 * @param {{names: object, references: Map<string, string>}} context
 * @returns {Node[]}
 */
export function inlineMarkdown(text, context) {
  const parts = []; // {node} or a run of delimiters {sign, count, opens, closes}
  let at = 0;
  while (at < text.length) {
    const found = part(text, at, context);
    parts.push(...found.parts);
    at = found.end;
  }
  return joined(emphasised(parts));
}

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const text = (value) => ({ text: value });

/** What begins at `at`: its parts and where it ends. */
function part(source, at, context) {
  const sign = source[at];
  if (sign === "\\") return backslash(source, at);
  if (sign === "`") return code(source, at);
  if (sign === "*" || sign === "_" || sign === "~") return run(source, at);
  if (sign === "\n") return newline(source, at);
  if (sign === "!" && source[at + 1] === "[") return linked(source, at, context, true);
  if (sign === "[") return linked(source, at, context, false);
  if (sign === "<") return angle(source, at, context);
  if (sign === "&") {
    const found = match(ENTITY, source, at);
    const decoded = found && entity(found);
    if (decoded) return { parts: [text(decoded)], end: at + found[0].length };
  }
  const bare = sign === "h" && !/[\p{L}\p{N}]/u.test(source[at - 1] ?? " ") ? match(BARE, source, at) : null;
  if (bare) return { parts: [{ node: link(bare[0], bare[0]) }], end: at + bare[0].length };
  return { parts: [text(sign)], end: at + 1 };
}

function backslash(source, at) {
  const next = source[at + 1];
  if (next === "\n") return { parts: [{ node: h("br") }], end: at + 2 };
  if (next !== undefined && /[!-/:-@[-`{-~]/.test(next)) return { parts: [text(next)], end: at + 2 };
  return { parts: [text("\\")], end: at + 1 };
}

function newline(source, at) {
  return {
    parts: [/ {2,}$/.test(source.slice(Math.max(0, at - 3), at)) ? { node: h("br") } : text("\n")],
    end: at + 1,
  };
}

function code(source, at) {
  const fence = /^`+/.exec(source.slice(at))[0];
  const closing = new RegExp(`(?<!\`)${fence}(?!\`)`, "g");
  closing.lastIndex = at + fence.length;
  const end = closing.exec(source);
  if (!end) return { parts: [text(fence)], end: at + fence.length };
  const inside = source.slice(at + fence.length, end.index).replaceAll("\n", " ");
  const trimmed = /^ .*[^ ].* $|^ [^ ] $/.test(inside) ? inside.slice(1, -1) : inside;
  return { parts: [{ node: h("code", {}, trimmed) }], end: end.index + fence.length };
}

function angle(source, at, context) {
  const known = match(MENTION, source, at);
  if (known) {
    const [whole, kind, id, label] = known;
    const node =
      kind === "@"
        ? mention(id, context.names, label)
        : h("span", { class: "mention" }, `#${label || context.names.channel(id)}`);
    return { parts: [{ node }], end: at + whole.length };
  }
  const auto = match(AUTOLINK, source, at);
  if (!auto) return { parts: [text("<")], end: at + 1 };
  const address = auto[1].includes(":") ? auto[1] : `mailto:${auto[1]}`;
  return { parts: [{ node: link(address, auto[1]) }], end: at + auto[0].length };
}

/**
 * `[text](address)`, `[text][reference]`, `[reference]`; a picture becomes a link to it, for nothing is loaded
 * from elsewhere.
 */
function linked(source, at, context, picture) {
  const open = picture ? at + 1 : at;
  const close = closingBracket(source, open);
  const plain = { parts: [text(source.slice(at, open + 1))], end: open + 1 };
  if (close < 0) return plain;
  const label = source.slice(open + 1, close);
  const [address, end] = target(source, close + 1, label, context);
  if (address === null) return plain;
  const inside = picture ? [`🖼 ${label || address}`] : inlineMarkdown(label, context);
  return { parts: [{ node: link(address, inside) }], end };
}

function target(source, after, label, context) {
  const direct = match(DESTINATION, source, after);
  if (direct) return [literal(direct[1] ?? direct[2] ?? ""), after + direct[0].length];
  const named = match(REFERENCE, source, after);
  const key = (named?.[1] || label).trim().toLowerCase().replace(/\s+/g, " ");
  const address = context.references.get(key);
  return address === undefined ? [null, after] : [address, named ? after + named[0].length : after];
}

function closingBracket(source, open) {
  let depth = 0;
  for (let at = open; at < source.length; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === "`") {
      const end = code(source, at).end;
      at = end - 1;
    } else if (source[at] === "[") depth += 1;
    else if (source[at] === "]" && (depth -= 1) === 0) return at;
  }
  return -1;
}

/** A run of `*`, `_` or `~` with what CommonMark's flanking rules allow it to do. */
function run(source, at) {
  const sign = source[at];
  let end = at;
  while (source[end] === sign) end += 1;
  const before = at === 0 ? " " : source[at - 1];
  const after = end >= source.length ? " " : source[end];
  const left = !/\s/.test(after) && (!PUNCTUATION.test(after) || /\s/.test(before) || PUNCTUATION.test(before));
  const right = !/\s/.test(before) && (!PUNCTUATION.test(before) || /\s/.test(after) || PUNCTUATION.test(after));
  const opens = sign === "_" ? left && (!right || PUNCTUATION.test(before)) : left;
  const closes = sign === "_" ? right && (!left || PUNCTUATION.test(after)) : right;
  const count = end - at;
  if (sign === "~" && count > 2) return { parts: [text(sign.repeat(count))], end };
  return { parts: [{ sign, count, original: count, opens, closes, both: opens && closes }], end };
}

/** Pairs the runs of delimiters, inner ones first, as CommonMark's "process emphasis" does. */
function emphasised(parts) {
  for (let closer = 0; closer < parts.length; closer += 1) {
    if (!parts[closer].closes || !parts[closer].count) continue;
    const opener = openerOf(parts, closer);
    if (opener < 0) continue;
    const used =
      parts[closer].sign === "~" ? parts[closer].count : Math.min(2, parts[opener].count, parts[closer].count);
    const tag = parts[closer].sign === "~" ? "s" : used === 2 ? "strong" : "em";
    const node = h(tag, {}, joined(parts.slice(opener + 1, closer)));
    parts[opener].count -= used;
    parts[closer].count -= used;
    parts.splice(opener + 1, closer - opener - 1, { node });
    closer = opener + 1; // the closer stands at opener + 2 now, and may close once more
  }
  return parts;
}

function openerOf(parts, closer) {
  const closing = parts[closer];
  for (let at = closer - 1; at >= 0; at -= 1) {
    const opening = parts[at];
    if (opening.sign !== closing.sign || !opening.opens || !opening.count) continue;
    if (closing.sign === "~") {
      if (opening.count === closing.count) return at;
      continue;
    }
    const odd = (opening.both || closing.both) && (opening.original + closing.original) % 3 === 0;
    if (!odd || (opening.original % 3 === 0 && closing.original % 3 === 0)) return at;
  }
  return -1;
}

/** Parts as nodes; neighbouring text in one node. */
function joined(parts) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(withEmoji(plain)));
    plain = "";
  };
  for (const each of parts) {
    if (each.node) {
      flush();
      nodes.push(each.node);
    } else plain += each.text ?? each.sign.repeat(each.count);
  }
  flush();
  return nodes;
}
