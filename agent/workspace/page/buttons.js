// Buttons of messages and views: plain, icon and feedback buttons. A press is busy until the workspace has passed
// it on.

import { h, icon, safeAddress } from "./dom.js";
import { plain } from "./text_objects.js";

/** Runs a press once at a time; the button shows that it is under way. */
async function press(button, element, work, context) {
  if (button.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await context.confirm(element.confirm))) return;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Some buttons are for some people only. */
function isFor({ visible_to_user_ids: allowed }, context) {
  return !allowed?.length || allowed.includes(context.names.viewer);
}

/** button and workflow_button; one with an address opens it as well. */
export function buttonNode(element, field, context) {
  if (!isFor(element, context)) return null;
  const style = ["primary", "danger"].includes(element.style) ? ` ${element.style}` : "";
  const label = element.accessibility_label || null;
  const address = element.url && safeAddress(element.url);
  if (address) {
    const open = h(
      "a",
      {
        class: `button${style}`,
        href: address,
        target: "_blank",
        rel: "noopener noreferrer",
        "aria-label": label,
        ...field.attributes,
      },
      plain(element.text),
    );
    open.addEventListener("click", () => void field.act());
    return open;
  }
  const button = h(
    "button",
    { type: "button", class: `button${style}`, "aria-label": label, ...field.attributes },
    plain(element.text),
  );
  button.addEventListener("click", () => press(button, element, () => field.act(), context));
  return button;
}

const PICTURES = {
  trash: "trash",
  edit: "edit",
  pencil: "edit",
  book: "book",
  copy: "file",
  file: "file",
  info: "info",
  eye: "eye",
  link: "arrow",
};

/** icon_button, shown to those whom it is for. */
export function iconButtonNode(element, field, context) {
  if (!isFor(element, context)) return null;
  const label = element.accessibility_label || plain(element.text);
  const picture = icon(PICTURES[element.icon] ?? "dots", 16);
  const button = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": label, title: plain(element.text), ...field.attributes },
    picture,
  );
  button.addEventListener("click", () => press(button, element, () => field.act(), context));
  return button;
}

/** Two thumbs; the chosen one stays pressed. */
export function feedbackNode(element, field, context) {
  const group = h("span", { class: "feedback", role: "group", "aria-label": "Was this helpful?" });
  const sides = [
    ["positive", element.positive_button],
    ["negative", element.negative_button],
  ].filter(([, side]) => side);
  for (const [index, [kind, side]] of sides.entries()) {
    const label = side.accessibility_label || plain(side.text);
    const attributes = { ...field.attributes, "data-focus": `${field.attributes["data-focus"]}/${index}` };
    const button = h(
      "button",
      {
        type: "button",
        class: `button quiet thumb ${kind}`,
        "aria-label": label,
        title: plain(side.text),
        ...attributes,
      },
      icon("thumb", 16),
    );
    button.setAttribute("aria-pressed", String(field.get() === side.value));
    button.addEventListener("click", () => {
      field.set(side.value);
      for (const [at, other] of [...group.children].entries()) other.setAttribute("aria-pressed", String(at === index));
      void press(button, element, () => field.act(), context);
    });
    group.append(button);
  }
  return group;
}
