// Times and dates as a person reads them, in the browser's zone and the page's language.

import { h, link } from "./dom.js";

const LANGUAGE = "en-GB";

function formatted(date, options) {
  return new Intl.DateTimeFormat(LANGUAGE, options).format(date);
}

/** Slack's `ts` ("1700000000.000100") as a Date. */
export function dateOf(ts) {
  return new Date(Number(ts) * 1000);
}

/** `14:05` */
export function clock(date) {
  return formatted(date, { hour: "2-digit", minute: "2-digit" });
}

/** `Tuesday 3 March 2026, 14:05:09`, for hovering. */
export function whole(date) {
  return formatted(date, { dateStyle: "full", timeStyle: "medium" });
}

/** `Today`, `Yesterday`, `Tuesday 3 March`, with the year where it is another. */
export function day(date, now = new Date()) {
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return formatted(date, { weekday: "long", day: "numeric", month: "long", year });
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** A <time> that shows the hour and tells the whole moment on hovering. */
export function timeNode(ts) {
  const date = dateOf(ts);
  if (Number.isNaN(date.getTime())) return h("span", { class: "time" }, "");
  return h("time", { class: "time", datetime: date.toISOString(), title: whole(date) }, clock(date));
}

const FORMATS = {
  "{date_num}": (date) => date.toISOString().slice(0, 10),
  "{date_slash}": (date) => formatted(date, { day: "2-digit", month: "2-digit", year: "numeric" }),
  "{date}": (date) => formatted(date, { day: "numeric", month: "long", year: "numeric" }),
  "{date_long}": (date) => formatted(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
  "{date_long_full}": (date) => formatted(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
  "{date_short}": (date) => formatted(date, { day: "numeric", month: "short", year: "numeric" }),
  "{date_pretty}": (date) => near(date) ?? FORMATS["{date}"](date),
  "{date_long_pretty}": (date) => near(date) ?? FORMATS["{date_long}"](date),
  "{date_short_pretty}": (date) => near(date) ?? FORMATS["{date_short}"](date),
  "{day_divider_pretty}": (date) => day(date),
  "{time}": clock,
  "{time_secs}": (date) => formatted(date, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  "{ago}": ago,
};

function near(date) {
  const shown = day(date);
  return shown === "Today" || shown === "Yesterday" ? shown.toLowerCase() : null;
}

/** `3 min ago`, `in 2 h`. */
export function ago(date, now = new Date()) {
  const seconds = (now - date) / 1000;
  const size = Math.abs(seconds);
  const [count, unit] =
    size < 60
      ? [size, "s"]
      : size < 3600
        ? [size / 60, "min"]
        : size < 86_400
          ? [size / 3600, "h"]
          : [size / 86_400, "d"];
  return seconds >= 0 ? `${Math.round(count)} ${unit} ago` : `in ${Math.round(count)} ${unit}`;
}

/** `!date^1392734382^{date} at {time}^https://…` with its fallback. */
export function dateNode(token, fallback) {
  const [, seconds, format, url] = token.split("^");
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime()) || !format) return document.createTextNode(fallback ?? "");
  const text = format.replace(/\{[a-z_]+\}/g, (name) => (Object.hasOwn(FORMATS, name) ? FORMATS[name](date) : name));
  const node = h("time", { datetime: date.toISOString(), title: whole(date) }, text);
  return url ? link(url, node) : node;
}
