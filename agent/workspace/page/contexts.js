// The context that blocks get in a message or a view: names, values, and how a press reaches the app.

import { notice } from "./announce.js";
import { Fault } from "./api.js";
import { confirmed } from "./confirm.js";
import { Values } from "./elements.js";

/** @returns {{person: Function, channel: Function, viewer: string}} how ids are shown */
export function namesOf(store) {
  return { person: (id) => store.name(id), channel: (id) => store.channelName(id), viewer: store.you?.id ?? "" };
}

const kept = new Map(); // values by message or view, so that a new rendering shows them again

/**
 * @param {{store: object, people: object}} app
 * @param {{message: {channel: string, ts: string}}|{view_id: string}} source where the blocks stand
 * @returns {import("./blocks.js").Context}
 */
export function contextOf(app, source) {
  const key = JSON.stringify(source);
  if (!kept.has(key)) kept.set(key, new Values());
  const { store, people } = app;
  return {
    names: namesOf(store),
    values: kept.get(key),
    people: () => [...store.people.values()].map(({ id }) => ({ id, label: store.name(id) })),
    channels: (withDirect) =>
      [...store.channels.values()]
        .filter((each) => withDirect || each.kind === "channel" || each.kind === "private")
        .map(({ id }) => ({ id, label: store.title(id) })),
    file: (wanted) => fileAddress(wanted, store.you?.id ?? ""),
    act: (blockId, actionId, chosen) =>
      attempt(() => people.do("click", { block_id: blockId, action_id: actionId, chosen, ...source })),
    suggest: (blockId, actionId, value) =>
      people.do("options", { block_id: blockId, action_id: actionId, value, ...source }),
    upload: (file) => upload(app, file),
    confirm: confirmed,
  };
}

/** The address at which this person may load a file: of its id, or of the private address that the app knows. */
function fileAddress({ id, url }, person) {
  const [, file, name] = /\/files-pri\/([^/?]+)\/([^/?]+)/.exec(url ?? "") ?? [null, id, "picture"];
  return file ? `/people/files/${encodeURIComponent(file)}/${name}?person=${encodeURIComponent(person)}` : null;
}

/** Values of a message or view that is gone. */
export function forget(source) {
  kept.delete(JSON.stringify(source));
}

/** Does it; a refusal is told as a notice and gives null. */
export async function attempt(work) {
  try {
    return await work();
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    notice(fault.message, "error");
    return null;
  }
}

/** Uploads a file; too big a one is told before it travels. */
export async function upload({ store, people }, file) {
  if (store.uploadLimit && file.size > store.uploadLimit) {
    notice(
      `${file.name} is too big: the workspace takes files up to ${Math.floor(store.uploadLimit / 1e6)} MB.`,
      "error",
    );
    return null;
  }
  return attempt(() => people.upload(file));
}
