// The first page: who one is here.

import { avatar } from "./avatar.js";
import { h, icon, replace } from "./dom.js";
import { byName } from "./sidebar.js";

export function showPicker(app, state, choose) {
  const people = state.people.filter((each) => !each.is_bot).sort(byName);
  const rows = people.map((each) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "pick", on: { click: () => choose(each.id) } },
        avatar(each),
        h("span", {}, each.real_name || each.name),
        icon("arrow", 16),
      ),
    ),
  );
  const card = h(
    "main",
    { class: "picker", id: "main" },
    h("span", { class: "team-mark large", "aria-hidden": "true" }, icon("compass", 34)),
    h("h1", {}, state.team?.name ?? "Local workspace"),
    h("p", { class: "team-notice" }, state.notice),
    h("h2", {}, "Who are you here?"),
    h("ul", {}, rows),
    h("p", { class: "note" }, "You can switch at any time, or open a second window as somebody else."),
  );
  replace(app.root, card);
}
