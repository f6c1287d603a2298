// Builds elements. Text always becomes text nodes: nothing here, or elsewhere in the page, parses HTML from a string.

/**
 * @param {string} tag
 * @param {Object<string, any>} [attributes] `class`, `on` (listeners by event), `data` (dataset), anything else an
 * attribute;
 *   false, null and undefined leave it out, true sets it empty.
 * @param {...any} children nodes, strings, nested arrays; null and false are left out
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(element, name, value);
  append(element, children);
  return element;
}

function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name === "value" && "value" in element) element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Appends nodes, strings and nested lists of them. */
export function append(element, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Puts `children` in place of all that `element` holds. */
export function replace(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** A line icon of 24 × 24 from path data; hidden from screen readers, for the control around it has the name. */
export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  const settings = {
    viewBox: "0 0 24 24",
    width: size,
    height: size,
    "aria-hidden": "true",
    class: `icon icon-${name}`,
  };
  for (const [key, value] of Object.entries(settings)) svg.setAttribute(key, String(value));
  for (const data of ICONS[name] ?? ICONS.dot) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", data);
    svg.append(path);
  }
  return svg;
}

const ICONS = {
  alert: ["M12 4 2.8 20h18.4L12 4Z", "M12 10v4.5", "M12 17.4v.1"],
  arrow: ["M5 12h14", "m13 6 6 6-6 6"],
  book: ["M5 4.5h11a3 3 0 0 1 3 3v12H8a3 3 0 0 1-3-3v-12Z", "M5 16.5a3 3 0 0 1 3-3h11"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  chevron: ["m7 10 5 5 5-5"],
  clock: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z", "M12 7.5V12l3 2"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  compass: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z", "m15.5 8.5-2 5-5 2 2-5 5-2Z"],
  dot: ["M12 11.5v1"],
  dots: ["M6 12v.1", "M12 12v.1", "M18 12v.1"],
  download: ["M12 4v11", "m7.5 11 4.5 4.5 4.5-4.5", "M5 20h14"],
  edit: ["M5 19l1-4L16 5l3 3L9 18l-4 1Z"],
  eye: [
    "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z",
    "M12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6Z",
  ],
  file: ["M6.5 3.5h7l4 4v13h-11v-17Z", "M13.5 3.5v4h4"],
  hash: ["M9 4 7.5 20", "M16.5 4 15 20", "M4.5 9h15.5", "M4 15h15.5"],
  home: ["M4 11.5 12 4.5l8 7", "M6.5 10v9.5h11V10"],
  info: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z", "M12 11v5", "M12 8v.1"],
  lock: ["M6 11h12v9H6v-9Z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  moon: ["M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z"],
  people: [
    "M9 4.8a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6Z",
    "M3 19.5c0-3.4 2.6-5.5 6-5.5s6 2.1 6 5.5",
    "M16 5.3a3 3 0 0 1 0 5.8",
    "M17.5 14.4c2.2.7 3.5 2.5 3.5 5.1",
  ],
  plus: ["M12 5v14", "M5 12h14"],
  reply: ["M5 5h14v11h-8l-4 3.5V16H5V5Z"],
  send: ["M4 12 20 4.5 15.5 20l-4-6.5L4 12Z", "m11.5 13.5 4-4"],
  stop: ["M7 7h10v10H7V7Z"],
  sun: [
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z",
    "M12 2.5V5",
    "M12 19v2.5",
    "M2.5 12H5",
    "M19 12h2.5",
    "m5.3 5.3 1.7 1.7",
    "m17 17 1.7 1.7",
    "m18.7 5.3-1.7 1.7",
    "m7 17-1.7 1.7",
  ],
  system: ["M4 5h16v11H4V5Z", "M9 20h6", "M12 16v4"],
  thumb: [
    "M7.5 11v8.5H4V11h3.5Z",
    "M7.5 11.5 11 4a2 2 0 0 1 2 2v4h5.2a1.5 1.5 0 0 1 1.5 1.8l-1.2 6.2a1.9 1.9 0 0 1-1.9 1.5H7.5",
  ],
  trash: ["M5 7h14", "M9 7V4.5h6V7", "M7 7l.8 12.5h8.4L17 7"],
};

/** The address if it is one a person may follow (http, https, mailto), else null. */
export function safeAddress(url) {
  if (typeof url !== "string") return null;
  try {
    const parsed = new URL(url, window.location.href);
    return ["http:", "https:", "mailto:"].includes(parsed.protocol) && /^[a-z]+:/i.test(url.trim())
      ? parsed.href
      : null;
  } catch {
    return null;
  }
}

/** A link that opens in a new tab and tells its target nothing; plain text where the address is not safe. */
export function link(url, ...children) {
  const address = safeAddress(url);
  if (address === null) return h("span", { class: "unsafe-link" }, children);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, children);
}

/** The address if the picture is served by this workspace, else null: the page loads nothing from another host. */
export function ownAddress(url) {
  try {
    const parsed = new URL(url, window.location.href);
    const loopback = ["127.0.0.1", "localhost", "[::1]"];
    const same = parsed.port === window.location.port && loopback.includes(parsed.hostname);
    if (parsed.origin === window.location.origin) return parsed.href;
    return same && loopback.includes(window.location.hostname) ? parsed.pathname + parsed.search : null;
  } catch {
    return null;
  }
}

let counter = 0;

/** An id that no other element of the page has. */
export function freshId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}
