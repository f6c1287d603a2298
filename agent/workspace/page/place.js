// Where the person is, in the address: #/PERSON/CHANNEL/THREAD or #/PERSON/home. So a reload stays, and back works.

/** @typedef {{person: string|null, channel: string|null, thread: string|null, home: boolean}} Place */

/** @param {string} hash @returns {Place} */
export function placeOf(hash) {
  const [person, where, thread] = hash
    .replace(/^#\/?/, "")
    .split("/")
    .map((part) => decodeURIComponent(part || ""));
  const home = where === "home";
  return { person: person || null, channel: home ? null : where || null, thread: (!home && thread) || null, home };
}

/** @param {Place} place */
export function hashOf({ person, channel, thread, home }) {
  const parts = [person, home ? "home" : channel, home ? null : thread].filter(Boolean);
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}
