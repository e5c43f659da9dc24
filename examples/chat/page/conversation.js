// The messages of a conversation as a sorted list, made from its events.

/**
 * A message. It is in the list when its event `Posted` has come. What is known of it does not depend on the order in
 * which its events come, because older history is loaded after newer events.
 */
export class Message {
  /** Its place in the conversation; `null` until it is known. */
  sequence = null;
  by = "";
  text = "";
  clientTime = "";
  /** 1 for the first message of the conversation. */
  number = 0;
  /** 1, and one more for each edit; 0 until a text is known. */
  revision = 0;
  deleted = false;
  /** By emoji and user: the last that was said, `{sequence, on}`. */
  #reactions = new Map();

  constructor(id) {
    this.id = id;
  }

  take({ sequence, type, data }) {
    if (type === "Posted") {
      Object.assign(this, { sequence, by: data.by, clientTime: data.client_time, number: data.number });
      this.#revise(1, data.text);
    } else if (type === "Edited") {
      this.#revise(data.revision, data.text);
    } else if (type === "Deleted") {
      this.deleted = true;
    } else {
      const key = JSON.stringify([data.emoji, data.by]);
      const last = this.#reactions.get(key);
      if (!last || last.sequence < sequence) this.#reactions.set(key, { sequence, on: type === "Reacted" });
    }
  }

  /** The users by emoji, in the order in which they reacted. Nothing is on a deleted message. */
  get reactions() {
    const on = this.deleted ? [] : [...this.#reactions].filter(([, { on }]) => on);
    on.sort(([, a], [, b]) => a.sequence - b.sequence);
    const byEmoji = new Map();
    for (const [key] of on) {
      const [emoji, by] = JSON.parse(key);
      byEmoji.set(emoji, [...(byEmoji.get(emoji) ?? []), by]);
    }
    return byEmoji;
  }

  #revise(revision, text) {
    if (revision > this.revision) Object.assign(this, { revision, text });
  }
}

const OF_MESSAGES = new Set(["Posted", "Edited", "Deleted", "Reacted", "Unreacted"]);

/** One conversation, as far as its events have come: from `first` through `last`. */
export class Conversation {
  /** The messages in the order of their sequences. A deleted one keeps its place. */
  messages = [];
  /** The sequence from which on the history is here. */
  first = 0;
  /** The last sequence that is here; `first - 1` if none is. */
  last = -1;
  /** How many messages there are in the whole conversation. */
  count = 0;
  kind = null;
  name = null;
  members = new Set();
  #byId = new Map();
  #viewedAt = -1;

  /** Begins anew at `first`, with what the server showed of the state at `head`. */
  begin({ first, head, view }) {
    this.messages = [];
    this.#byId.clear();
    this.first = first;
    this.last = first - 1;
    this.count = 0;
    this.see({ head, view });
  }

  /** Takes in what the server shows of the state at `head`. */
  see({ head, view }) {
    this.#viewedAt = head ?? -1;
    this.kind = view?.kind ?? null;
    this.name = view?.name ?? null;
    this.members = new Set(view?.members);
    this.count = Math.max(this.count, view?.messages ?? 0);
  }

  /** Takes in the next events, or those right before `first`. Returns the messages that they changed. */
  take(events) {
    const changed = new Set();
    for (const event of events) {
      if (OF_MESSAGES.has(event.type)) changed.add(this.#takeMessage(event));
      else this.#takeMember(event);
    }
    if (events.length > 0) {
      this.first = Math.min(this.first, events[0].sequence);
      this.last = Math.max(this.last, events.at(-1).sequence);
    }
    return changed;
  }

  /** Returns a message that was posted, by its id. */
  get(id) {
    const message = this.#byId.get(id);
    return message?.sequence == null ? undefined : message;
  }

  /** Returns the index of the first message at or after a sequence. */
  indexFrom(sequence) {
    let [low, high] = [0, this.messages.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.messages[middle].sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #takeMessage(event) {
    const id = event.data.message;
    let message = this.#byId.get(id);
    if (!message) this.#byId.set(id, (message = new Message(id)));
    const isNew = event.type === "Posted" && message.sequence === null;
    message.take(event);
    if (isNew) {
      this.messages.splice(this.indexFrom(event.sequence), 0, message);
      this.count = Math.max(this.count, message.number);
    }
    return message;
  }

  /** Events before the view are in the view already. */
  #takeMember({ sequence, type, data }) {
    if (sequence <= this.#viewedAt) return;
    if (type === "Started") {
      this.kind = data.kind;
      this.name = data.name ?? null;
      this.members = new Set(data.members);
    } else if (type === "Joined") {
      this.members.add(data.user);
    } else if (type === "Left") {
      this.members.delete(data.user);
    }
  }
}
