// Block Kit: blocks → nodes. Pure but for the listeners of the elements, which call the context.

import { freshId, h, icon, link } from "./dom.js";
import { elementNode } from "./elements.js";
import { markdown } from "./markdown.js";
import { pictureNode } from "./pictures.js";
import { richText } from "./rich_text.js";
import { tableNode } from "./table.js";
import { planNode, taskNode } from "./tasks.js";
import { plain, textNodes } from "./text_objects.js";

/**
 * What blocks need to know and to do.
 * @typedef {Object} Context
 * @property {{person: (id: string) => string, channel: (id: string) => string, viewer: string}} names
 * @property {import("./elements.js").Values} values what stands in the elements
 * @property {() => {id: string, label: string}[]} people
 * @property {(withDirect: boolean) => {id: string, label: string}[]} channels
 * @property {(file: {id?: string, url?: string}) => string|null} file the address of a file of this workspace
 * @property {(blockId: string, actionId: string, chosen: any) => Promise<void>} act sends a press or a change to
 * the app
 * @property {(blockId: string, actionId: string, typed: string) => Promise<object>} suggest options for what was typed
 * @property {(file: File) => Promise<object|null>} upload
 * @property {(confirm: object) => Promise<boolean>} confirm
 * @property {Object<string, string>} [errors] sentences by block id, in a modal that was refused
 */

const MAKERS = {
  section,
  header,
  divider: () => h("hr", { class: "block divider" }),
  context: contextBlock,
  actions,
  input,
  image,
  rich_text: richTextBlock,
  markdown: markdownBlock,
  table: tableNode,
  task_card: (block, context) => h("div", { class: "block" }, taskNode(block, context)),
  plan: planNode,
  context_actions: contextActions,
  card,
  alert,
  carousel,
  container,
  file: fileBlock,
  video,
};

/** @param {object[]} list @param {Context} context @returns {Node[]} */
export function blockNodes(list, context) {
  return (list ?? []).map((block) =>
    Object.hasOwn(MAKERS, block?.type ?? "") ? made(block, context) : unknown(block),
  );
}

/** A block that cannot be read must not take the whole conversation with it. */
function made(block, context) {
  try {
    return MAKERS[block.type](block, context);
  } catch (fault) {
    console.error("A block could not be drawn", block, fault);
    return unknown(block);
  }
}

function unknown(block) {
  return h("div", { class: "block unknown" }, `[${block?.type ?? "nothing"}: cannot be shown here]`);
}

function section(block, context) {
  const text = block.text && h("div", { class: "section-text" }, textNodes(block.text, context.names));
  const fields =
    block.fields?.length &&
    h(
      "div",
      { class: "fields" },
      block.fields.map((each) => h("div", { class: "fields-cell" }, textNodes(each, context.names))),
    );
  return h(
    "div",
    { class: "block section" },
    h("div", { class: "section-body" }, text, fields),
    accessory(block, context),
  );
}

function accessory(block, context) {
  if (!block.accessory) return null;
  if (block.accessory.type === "image")
    return h("div", { class: "accessory" }, pictureNode(block.accessory, "side", context.file));
  const name =
    block.accessory.type === "button"
      ? undefined
      : plain(block.text)
          .replace(/[*_~`]/g, "")
          .slice(0, 80) || undefined;
  return h("div", { class: "accessory" }, elementNode(block.accessory, block, context, { name }));
}

function header(block) {
  return h(
    "div",
    {
      class: `block header level-${block.level ?? 1}`,
      role: "heading",
      "aria-level": Math.min(6, (block.level ?? 1) + 2),
    },
    plain(block.text),
  );
}

function contextBlock(block, context) {
  const parts = (block.elements ?? []).map((element) =>
    element.type === "image"
      ? pictureNode(element, "small", context.file)
      : h("div", { class: "context-text" }, textNodes(element, context.names)),
  );
  return h("div", { class: "block context" }, parts);
}

function actions(block, context) {
  return h(
    "div",
    { class: "block actions" },
    (block.elements ?? []).map((element) => elementNode(element, block, context)),
  );
}

function contextActions(block, context) {
  return h(
    "div",
    { class: "block context-actions" },
    (block.elements ?? []).map((element) => elementNode(element, block, context)),
  );
}

const LABELLED = new Set([
  "plain_text_input",
  "email_text_input",
  "url_text_input",
  "number_input",
  "rich_text_input",
  "datepicker",
  "timepicker",
  "datetimepicker",
]);

function input(block, context) {
  const { element } = block;
  const [id, hint, fault] = [freshId("input"), freshId("hint"), freshId("fault")];
  const sentence = context.errors?.[block.block_id];
  const attributes = {
    id,
    "aria-describedby": [block.hint && hint, sentence && fault].filter(Boolean).join(" ") || null,
  };
  if (LABELLED.has(element?.type))
    Object.assign(attributes, {
      "aria-invalid": sentence ? "true" : null,
      "aria-required": block.optional ? null : "true",
    });
  const name = plain(block.label);
  const node = elementNode(element, block, context, {
    name,
    attributes,
    quiet: true,
    dispatches: block.dispatch_action === true,
  });
  const label = LABELLED.has(element?.type)
    ? h("label", { class: "input-label", for: id }, name)
    : h("div", { class: "input-label" }, name);
  if (block.optional) label.append(h("span", { class: "optional" }, " (optional)"));
  return h(
    "div",
    { class: sentence ? "block input refused" : "block input", data: { block: block.block_id ?? "" } },
    label,
    node,
    block.hint && h("div", { class: "hint", id: hint }, plain(block.hint)),
    sentence && h("div", { class: "fault", id: fault, role: "alert" }, icon("alert", 14), sentence),
  );
}

function image(block, context) {
  const title = block.title && h("figcaption", {}, plain(block.title));
  return h("figure", { class: "block figure" }, title, pictureNode(block, "full", context.file));
}

function richTextBlock(block, context) {
  return h("div", { class: "block rich-text" }, richText(block, context.names));
}

function markdownBlock(block, context) {
  return h("div", { class: "block markdown" }, markdown(block.text ?? "", context.names));
}

function card(block, context) {
  const hero = block.hero_image && pictureNode(block.hero_image, "full", context.file);
  const words = h(
    "div",
    { class: "card-words" },
    block.title && h("div", { class: "card-title" }, textNodes(block.title, context.names)),
    block.subtitle && h("div", { class: "card-subtitle" }, textNodes(block.subtitle, context.names)),
  );
  const head = h("div", { class: "card-head" }, block.icon && pictureNode(block.icon, "small", context.file), words);
  return h(
    "div",
    { class: "block card" },
    hero,
    (block.title || block.subtitle || block.icon) && head,
    block.body && h("div", { class: "card-body" }, textNodes(block.body, context.names)),
    block.actions?.length &&
      h(
        "div",
        { class: "card-actions" },
        block.actions.map((element) => elementNode(element, block, context)),
      ),
  );
}

const LEVELS = {
  default: ["info", "Note"],
  info: ["info", "Information"],
  warning: ["alert", "Warning"],
  error: ["alert", "Error"],
  success: ["check", "Done"],
};

function alert(block, context) {
  const level = Object.hasOwn(LEVELS, block.level ?? "default") ? (block.level ?? "default") : "default";
  const [picture, name] = LEVELS[level];
  return h(
    "div",
    { class: `block alert ${level}` },
    icon(picture, 18),
    h("span", { class: "visually-hidden" }, `${name}: `),
    h("div", {}, textNodes(block.text, context.names)),
  );
}

function carousel(block, context) {
  const cards = (block.elements ?? []).map((each) => h("li", {}, card(each, context)));
  return h(
    "div",
    { class: "block carousel", tabindex: "0", role: "region", "aria-label": "Cards" },
    h("ul", {}, cards),
  );
}

function container(block, context) {
  const width = ["narrow", "standard", "wide", "full"].includes(block.width) ? block.width : "standard";
  const title = block.rich_text_title ? richText(block.rich_text_title, context.names) : [plain(block.title)];
  const head = [
    block.icon && pictureNode(block.icon, "small", context.file),
    h(
      "span",
      { class: "container-words" },
      h("span", { class: "container-title" }, title),
      block.subtitle && h("span", { class: "container-subtitle" }, textNodes(block.subtitle, context.names)),
    ),
  ];
  const body = h("div", { class: "container-body" }, blockNodes(block.child_blocks, context));
  const classes = `block container ${width}${block.has_header_divider ? " ruled" : ""}`;
  if (!block.is_collapsible) return h("div", { class: classes }, h("div", { class: "container-head" }, head), body);
  return h(
    "details",
    { class: classes, open: !block.default_collapsed },
    h("summary", { class: "container-head" }, head, icon("chevron", 16)),
    body,
  );
}

function fileBlock(block) {
  return h("div", { class: "block context" }, icon("file", 16), `A file kept elsewhere (${block.external_id ?? "?"})`);
}

/** A video is never loaded: it would come from another host. */
function video(block) {
  const open = link(block.title_url ?? block.video_url ?? "", block.alt_text || "Watch elsewhere");
  return h(
    "div",
    { class: "block card" },
    h("strong", {}, plain(block.title)),
    block.description && h("div", { class: "note" }, plain(block.description)),
    open,
  );
}
