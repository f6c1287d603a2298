// A person's or the app's mark: initials on their colour, a compass for the app.

import { h, icon } from "./dom.js";

/** @param {{id: string, name: string, real_name?: string, is_bot?: boolean, color?: string}|undefined} person */
export function avatar(person, size = "") {
  const node = h("span", {
    class: `avatar ${size} ${person?.is_bot ? "app" : ""}`.trim().replace(/\s+/g, " "),
    "aria-hidden": "true",
  });
  if (person?.is_bot) node.append(icon("compass", size === "small" ? 14 : 20));
  else node.append(initials(person?.real_name || person?.name || "?"));
  if (/^#[0-9a-f]{6}$/i.test(person?.color ?? "")) node.style.setProperty("--tone", person.color);
  return node;
}

function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  return (
    [words[0], words.length > 1 ? words.at(-1) : ""]
      .map((word) => Array.from(word ?? "")[0] ?? "")
      .join("")
      .toUpperCase() || "?"
  );
}
