// What a screen reader is told: new messages (a log) and states (a status); and short notices for everybody.

import { h, icon } from "./dom.js";

const KEPT = 20; // announced messages that stay in the log
const SHOWN_FOR = 7000; // milliseconds a notice stays; one that is hovered or focused stays longer

/** The sentence goes to the log of new messages. */
export function announceMessage(text) {
  const log = document.getElementById("spoken-log");
  log.append(h("p", {}, text.length > 600 ? `${text.slice(0, 600)} …` : text));
  while (log.children.length > KEPT) log.firstElementChild.remove();
}

/** A short state: "connection lost", "Odyssey is thinking". */
export function announceStatus(text) {
  const status = document.getElementById("spoken-status");
  if (status.textContent !== text) status.textContent = text;
}

/** A notice at the foot of the page. @param {"info"|"error"} kind */
export function notice(text, kind = "info") {
  const remove = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": "Dismiss this notice" },
    icon("close", 14),
  );
  const node = h(
    "div",
    { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" },
    icon(kind === "error" ? "alert" : "info", 16),
    h("span", {}, text),
    remove,
  );
  remove.addEventListener("click", () => node.remove());
  const host = document.querySelector("dialog[open] .notices") ?? document.getElementById("notices");
  for (const old of host.children) if (old.textContent === node.textContent) old.remove();
  host.append(node);
  const leave = () => (node.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : node.remove());
  setTimeout(leave, SHOWN_FOR);
}
