// Block elements → nodes, by type; and what stands in them until it is sent.

import { buttonNode, feedbackNode, iconButtonNode } from "./buttons.js";
import { initialChoice, overflowNode, selectNode, tickNode } from "./choices.js";
import { h } from "./dom.js";
import { dateField, fileField, initialText, textNode } from "./inputs.js";
import { pictureNode } from "./pictures.js";
import { plain } from "./text_objects.js";

const SELECT = /^(multi_)?(static|external|users|conversations|channels)_select$/;
const MAKERS = {
  button: buttonNode,
  workflow_button: buttonNode,
  icon_button: iconButtonNode,
  feedback_buttons: feedbackNode,
  overflow: overflowNode,
  radio_buttons: tickNode,
  checkboxes: tickNode,
  datepicker: dateField,
  timepicker: dateField,
  datetimepicker: dateField,
  plain_text_input: textNode,
  email_text_input: textNode,
  url_text_input: textNode,
  number_input: textNode,
  rich_text_input: textNode,
  file_input: fileField,
};
const PRESSED = new Set(["button", "workflow_button", "icon_button"]); // they send nothing but themselves

/** What a person has put into the elements of one message or view, by block and action, kept over new renderings. */
export class Values {
  constructor() {
    this.kept = new Map();
  }

  /** The kept value; where there is none yet, `initial` becomes it. */
  get(blockId, actionId, initial) {
    const key = JSON.stringify([blockId, actionId]);
    if (!this.kept.has(key)) this.kept.set(key, initial);
    return this.kept.get(key);
  }

  set(blockId, actionId, value) {
    this.kept.set(JSON.stringify([blockId, actionId]), value);
  }
}

/**
 * @param {object} element
 * @param {{block_id?: string}} block the block it stands in
 * @param {object} context see blocks.js
 * @param {{name?: string, attributes?: object, quiet?: boolean, dispatches?: boolean}} [use] `quiet`: a change is
 * kept, not sent
 *   (input blocks); `dispatches`: an input block that sends all the same
 * @returns {Node|null}
 */
export function elementNode(element, block, context, use = {}) {
  if (element?.type === "image") return pictureNode(element, "small", context.file);
  const make = SELECT.test(element?.type ?? "") ? selectNode : MAKERS[element?.type];
  if (!make) return h("span", { class: "unknown" }, `[${element?.type ?? "nothing"}: cannot be shown here]`);
  return make(element, fieldOf(element, block, context, use), context);
}

function fieldOf(element, block, context, use) {
  const { block_id: blockId } = block;
  const { action_id: actionId } = element;
  const initial = initialText(element) ?? initialChoice(element);
  const get = () => context.values.get(blockId, actionId, initial);
  get();
  const send = async () => {
    if (element.confirm && !PRESSED.has(element.type) && !(await context.confirm(element.confirm))) return;
    await context.act(blockId, actionId, PRESSED.has(element.type) ? null : get());
  };
  const sends = !use.quiet || use.dispatches;
  return {
    name:
      use.name || element.accessibility_label || plain(element.text) || plain(element.placeholder) || words(actionId),
    attributes: { "data-focus": `${blockId}/${actionId}`, ...use.attributes },
    dispatches: sends,
    get,
    set: (value) => context.values.set(blockId, actionId, value),
    act: () => (sends ? send() : Promise.resolve()),
    suggest: (typed) => context.suggest(blockId, actionId, typed),
  };
}

function words(actionId) {
  return String(actionId ?? "choice").replaceAll(/[_:.-]+/g, " ");
}
