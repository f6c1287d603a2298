// Text objects of Block Kit → nodes.

import { h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

/** A text object, or a bare string, as plain text: for names, labels and buttons. */
export function plain(object) {
  const text = typeof object === "string" ? object : (object?.text ?? "");
  return typeof object === "object" && object?.emoji === false ? text : withEmoji(String(text));
}

/** A text object as nodes: mrkdwn with its marks, plain_text with its line breaks. */
export function textNodes(object, names) {
  if (!object) return [];
  if (typeof object === "string") return mrkdwn(object, names);
  if (object.type === "mrkdwn") return mrkdwn(object.text ?? "", names);
  return [h("span", { class: "text plain" }, plain(object))];
}
