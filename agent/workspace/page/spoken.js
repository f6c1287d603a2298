// What a screen reader is told of a live event: a new message where the person is, a finished stream; nothing of
// one's own.

import { keyOf } from "./store.js";

/** @returns {string|null} */
export function spoken(event, store, place) {
  const { message } = event;
  const finished =
    event.type === "message_changed" && message && !message.streaming && store.streamed.delete(message.ts);
  if (!finished && event.type !== "message" && event.type !== "ephemeral") return null;
  if (message.streaming || message.user === store.you?.id) return null;
  const thread = message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : null;
  const here = [keyOf(place.channel, null), keyOf(place.channel, place.thread)];
  if (!here.includes(keyOf(event.channel, thread))) return null;
  const aside = message.ephemeral ? ", only visible to you" : "";
  return `${store.name(message.user)}${aside}: ${message.text || "a message"}`;
}
