// The live line: a websocket that comes back by itself.

const WAITS = [250, 500, 1000, 2000, 4000]; // milliseconds before each next try; the last one is kept

export class Live {
  /**
   * @param {{event: (event: object) => void, state: (state: "connecting"|"open"|"lost") => void, again: () =>
   *   void}} hear
   */
  constructor(hear) {
    this.hear = hear;
    this.tries = 0;
    this.person = null;
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
  }

  /** Follows what `person` can see, and no longer what another could. */
  follow(person) {
    this.person = person;
    this.tries = 0;
    this.known = false;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.timer);
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.hear.state(this.tries ? "lost" : "connecting");
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(
      `${scheme}://${window.location.host}/people/live?person=${encodeURIComponent(this.person)}`,
    );
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => socket === this.socket && this.#frame(JSON.parse(data)));
    socket.addEventListener("close", () => socket === this.socket && this.#lost());
  }

  #frame(event) {
    if (event.type !== "hello") return this.hear.event(event);
    this.tries = 0;
    this.hear.state("open");
    if (this.known) this.hear.again();
    this.known = true;
  }

  #lost() {
    this.hear.state("lost");
    this.timer = setTimeout(() => this.#connect(), WAITS[Math.min(this.tries, WAITS.length - 1)]);
    this.tries += 1;
  }

  #hurry() {
    if (this.person && this.socket?.readyState === WebSocket.CLOSED) this.#connect();
  }
}
