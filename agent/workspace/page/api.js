// The people API: what the acting person reads and does. A refusal becomes a Fault with a sentence to show.

export class Fault extends Error {
  /** @param {string} message a sentence @param {string} code @param {number} status HTTP status, 0: not reached */
  constructor(message, code, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const UNREACHED =
  "The workspace does not answer. It may have been stopped; the page goes on by itself once it is back.";

export class People {
  constructor() {
    this.person = null;
  }

  /** @param {string} name "state", "history", … @param {object} [parameters] */
  async read(name, parameters = {}) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries({ person: this.person, ...parameters }))
      if (value !== null && value !== undefined) query.set(key, value);
    return this.#ask(`/people/${name}?${query}`, {});
  }

  /** @param {string} name "say", "click", … @param {object} [body] with a person where it is not the acting one */
  async do(name, body = {}) {
    const settings = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ person: this.person, ...body }),
    };
    return this.#ask(`/people/${name}`, settings);
  }

  /** @param {File} file @returns {Promise<object>} the kept file */
  async upload(file) {
    const query = new URLSearchParams({ person: this.person, name: file.name || "file" });
    const settings = {
      method: "POST",
      headers: { "Content-Type": file.type || "application/octet-stream" },
      body: file,
    };
    return (await this.#ask(`/people/upload?${query}`, settings)).file;
  }

  async #ask(address, settings) {
    const response = await fetch(address, settings).catch(() => null);
    if (response === null) throw new Fault(UNREACHED, "unreached", 0);
    const answer = await response.json().catch(() => ({}));
    if (response.ok && answer.ok !== false) return answer;
    throw new Fault(
      answer.message || `The workspace refused this (${answer.error || response.status}).`,
      answer.error ?? "refused",
      response.status,
    );
  }
}
