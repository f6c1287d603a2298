// What this person has seen of the workspace. `take` puts a live event into it and tells which parts changed; no
// DOM here.

const NO_AGENT = Object.freeze({ status: "", loading_messages: [], prompts: null, title: null, session: null });

/** The key of a conversation: a channel, or a thread in it. */
export function keyOf(channel, thread = null) {
  return thread ? `${channel}/${thread}` : channel;
}

function fresh() {
  return { messages: [], hasMore: false, agent: { ...NO_AGENT }, loaded: false, touched: new Set() };
}

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    Object.assign(this, { team: null, you: null, notice: "", bot: {}, commands: [], shortcuts: [], uploadLimit: null });
    Object.assign(this, {
      people: new Map(),
      channels: new Map(),
      conversations: new Map(),
      views: [],
      home: null,
      homeChannel: null,
      typing: new Map(),
      streamed: new Set(),
      homesSeen: 0,
    });
  }

  /** @param {object} state the answer of /people/state */
  begin(state) {
    Object.assign(this, {
      team: state.team,
      notice: state.notice,
      you: state.you ?? null,
      bot: state.bot ?? {},
      commands: state.commands ?? [],
      shortcuts: state.shortcuts ?? [],
    });
    this.uploadLimit = state.upload_limit ?? null;
    this.people = new Map(state.people.map((person) => [person.id, person]));
    this.channels = new Map((state.channels ?? []).map((channel) => [channel.id, channel]));
  }

  conversation(channel, thread = null) {
    const key = keyOf(channel, thread);
    if (!this.conversations.has(key)) this.conversations.set(key, fresh());
    return this.conversations.get(key);
  }

  /** Reading begins: what comes live from now on is newer than its answer. */
  loading(channel, thread) {
    this.conversation(channel, thread).touched.clear();
  }

  /**
   * Puts what was read in place; what came live meanwhile is newer and stays, and so do messages only this person
   * saw.
   */
  loaded(channel, thread, answer, older = false) {
    const conversation = this.conversation(channel, thread);
    const kept = conversation.messages.filter((each) => older || each.ephemeral || conversation.touched.has(each.ts));
    const known = new Set([...kept.map((each) => each.ts), ...conversation.touched]);
    conversation.messages = [...kept, ...answer.messages.filter((each) => !known.has(each.ts))].sort((a, b) =>
      a.ts < b.ts ? -1 : 1,
    );
    if (answer.has_more !== undefined) conversation.hasMore = answer.has_more;
    if (answer.agent && !older) conversation.agent = { ...NO_AGENT, ...answer.agent };
    for (const [root, at] of Object.entries(answer.agents ?? {}))
      this.conversation(channel, root).agent = { ...NO_AGENT, ...at };
    conversation.loaded = true;
    conversation.touched.clear();
    return conversation;
  }

  /** The latest thread of a channel in which the app is at work. */
  busyThread(channel) {
    const busy = [...this.conversations].filter(
      ([
        key,
        {
          agent: { status, session },
        },
      ]) => key.startsWith(`${channel}/`) && (status || session?.status === "processing"),
    );
    return (
      busy
        .map(([key]) => key.slice(channel.length + 1))
        .sort()
        .at(-1) ?? null
    );
  }

  /**
   * @returns {string[]} what changed: "channels", "people", "bot", "views", "home", "log:KEY", "agent:KEY",
   *   "typing:KEY"
   */
  take(event) {
    const handler = HANDLERS[event.type];
    return handler ? handler(this, event) : [];
  }

  name(id) {
    const person = this.people.get(id);
    return person ? person.real_name || person.name : id;
  }

  channelName(id) {
    const channel = this.channels.get(id);
    if (!channel) return id;
    if (channel.kind === "dm") return this.name(channel.user);
    if (channel.kind === "group")
      return channel.members
        .filter((each) => each !== this.you?.id)
        .map((each) => this.name(each))
        .join(", ");
    return channel.name;
  }

  /** The name as it is shown where it stands alone: `#general`, `Grace Hopper`. */
  title(id) {
    const direct = ["dm", "group"].includes(this.channels.get(id)?.kind);
    return `${direct ? "" : "#"}${this.channelName(id)}`;
  }
}

/** The conversations a message stands in. */
function homes(store, channel, message) {
  const inThread = message.thread_ts && message.thread_ts !== message.ts;
  const keys = inThread ? [keyOf(channel, message.thread_ts)] : [channel, keyOf(channel, message.ts)];
  if (inThread && message.also_in_channel) keys.push(channel);
  return keys.filter((key) => key === channel || store.conversations.has(key) || inThread);
}

function put(conversation, message) {
  conversation.touched.add(message.ts);
  const at = conversation.messages.findIndex((each) => each.ts === message.ts);
  if (at >= 0) conversation.messages[at] = message;
  else conversation.messages.push(message);
  if (at < 0) conversation.messages.sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

function message(store, { channel, message: body }) {
  const changed = [];
  for (const key of homes(store, channel, body)) {
    if (!store.conversations.has(key)) store.conversations.set(key, fresh());
    put(store.conversations.get(key), body);
    changed.push(`log:${key}`);
  }
  return changed;
}

function stream(store, event) {
  store.streamed.add(event.message.ts);
  return message(store, event);
}

function deleted(store, { channel, ts }) {
  const changed = [];
  for (const [key, conversation] of store.conversations) {
    const inside = key === channel || key.startsWith(`${channel}/`);
    if (!inside || !conversation.messages.some((each) => each.ts === ts)) continue;
    conversation.messages = conversation.messages.filter((each) => each.ts !== ts);
    conversation.touched.add(ts);
    changed.push(`log:${key}`);
  }
  return changed;
}

/** An event about the agent of a conversation: `change` gives the parts of it that are new. */
function agent(change) {
  return (store, event) => {
    const conversation = store.conversation(event.channel, event.thread_ts ?? null);
    Object.assign(conversation.agent, change(event));
    return [`agent:${keyOf(event.channel, event.thread_ts ?? null)}`];
  };
}

function view(store, { how, view: body }) {
  if (body.type === "home") return home(store, { view: body });
  const at = store.views.findIndex((each) => each.id === body.id);
  if (at >= 0) store.views[at] = body;
  else if (how === "open") store.views = [body];
  else store.views.push(body);
  return ["views"];
}

function viewClosed(store, { view_id: id }) {
  store.views = store.views.filter((each) => each.id !== id);
  return ["views"];
}

function home(store, { view: body }) {
  store.home = body;
  store.homesSeen += 1;
  return ["home"];
}

function channel(store, { channel: body }) {
  const mine = body.is_member || body.kind === "channel";
  if (mine) store.channels.set(body.id, body);
  else store.channels.delete(body.id);
  return ["channels"];
}

function unread(store, { channel: id, unread: count }) {
  const known = store.channels.get(id);
  if (known) store.channels.set(id, { ...known, unread: count });
  return ["channels"];
}

function typing(store, { channel: id, thread_ts: thread, user }) {
  const key = keyOf(id, thread ?? null);
  store.typing.set(key, { ...store.typing.get(key), [user]: Date.now() });
  return [`typing:${key}`];
}

const HANDLERS = {
  message,
  message_changed: message,
  message_deleted: deleted,
  stream,
  ephemeral: message,
  ephemeral_deleted: deleted,
  status: agent(({ status, loading_messages: lines }) => ({ status, loading_messages: lines ?? [] })),
  prompts: agent(({ title, prompts }) => ({ prompts: prompts?.length ? { title, prompts } : null })),
  title: agent(({ title }) => ({ title })),
  session: agent(({ status, title }) => ({ session: status ? { status, title } : null })),
  view,
  view_closed: viewClosed,
  home,
  channel,
  unread,
  typing,
  person: (store, { person }) => {
    store.people.set(person.id, person);
    return ["people", "channels"];
  },
  bot: (store, { connected }) => {
    store.bot = { ...store.bot, connected };
    return ["bot"];
  },
};
