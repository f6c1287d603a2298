// Tasks and plans: what an agent does, step by step.

import { h, icon, link } from "./dom.js";
import { richText } from "./rich_text.js";
import { plain } from "./text_objects.js";

const STATES = {
  pending: ["clock", "waiting"],
  in_progress: ["dot", "under way"],
  complete: ["check", "done"],
  error: ["alert", "failed"],
};

/** One step: its state, title, and what can be unfolded: details, output, sources. */
export function taskNode(task, context) {
  const state = Object.hasOwn(STATES, task.status) ? task.status : "pending";
  const [picture, word] = STATES[state];
  const mark = h(
    "span",
    { class: `task-mark ${state}` },
    state === "in_progress" ? h("span", { class: "spinner" }) : icon(picture, 14),
  );
  const head = [
    mark,
    h("span", { class: "task-title" }, plain(task.title)),
    h("span", { class: "visually-hidden" }, `, ${word}`),
  ];
  const inside = [
    part("task-details", task.details, context),
    part("task-output", task.output, context),
    sources(task.sources),
  ].filter(Boolean);
  if (!inside.length) return h("div", { class: `task-card ${state}` }, h("div", { class: "task-head" }, head));
  const open = state === "in_progress" || state === "error";
  return h(
    "details",
    { class: `task-card ${state}`, open, data: { keep: `task/${task.task_id ?? plain(task.title)}` } },
    h("summary", { class: "task-head" }, head, icon("chevron", 16)),
    h("div", { class: "task-inside" }, inside),
  );
}

function part(name, block, context) {
  if (!block) return null;
  return h(
    "div",
    { class: name },
    typeof block === "string" ? h("span", { class: "text plain" }, block) : richText(block, context.names),
  );
}

function sources(list) {
  if (!list?.length) return null;
  return h(
    "ul",
    { class: "task-sources", "aria-label": "Sources" },
    list.map((each) => h("li", {}, link(each.url, each.text || each.url))),
  );
}

/** A plan: its title, how far it is, its steps. */
export function planNode(block, context) {
  const tasks = block.tasks ?? [];
  const done = tasks.filter((task) => task.status === "complete").length;
  const count = tasks.length ? h("span", { class: "plan-count" }, `${done} of ${tasks.length}`) : null;
  const bar = h("span", { class: "plan-bar", "aria-hidden": "true" }, h("span", {}));
  bar.firstChild.style.width = `${tasks.length ? Math.round((100 * done) / tasks.length) : 0}%`;
  const head = h("div", { class: "plan-head" }, h("span", { class: "plan-title" }, plain(block.title)), count);
  return h(
    "div",
    { class: "block plan" },
    head,
    bar,
    h(
      "ol",
      { class: "plan-steps" },
      tasks.map((task) => h("li", {}, taskNode(task, context))),
    ),
  );
}
