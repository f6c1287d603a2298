// Light, dark, or as the system says; kept in this browser.

import { h, icon, replace } from "./dom.js";

const KEY = "odyssey-workspace-theme";
const ORDER = ["system", "light", "dark"];
const PICTURES = { system: "system", light: "sun", dark: "moon" };

function current() {
  const kept = localStorage.getItem(KEY);
  return ORDER.includes(kept) ? kept : "system";
}

/** Puts the kept choice in force. */
export function applyTheme() {
  const theme = current();
  if (theme === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = theme;
}

/** A button that goes from one to the next. */
export function themeButton() {
  const button = h("button", { type: "button", class: "button quiet theme" });
  const label = () => {
    const name = `Theme: ${current()}`;
    button.setAttribute("aria-label", `${name}. Change it`);
    button.setAttribute("title", name);
    replace(button, icon(PICTURES[current()], 18));
  };
  button.addEventListener("click", () => {
    localStorage.setItem(KEY, ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]);
    applyTheme();
    label();
  });
  label();
  return button;
}
