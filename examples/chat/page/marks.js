// How far each member has read.

/** So many of the newest messages are looked at. */
const NEWEST = 300;

/** The read marks of a conversation: by user, the number of the last message read. They only move forward. */
export class Marks {
  #marks = new Map();

  /** Takes in what the server shows of the state. */
  begin(view) {
    this.#marks = new Map(Object.entries(view?.marks ?? {}));
  }

  /** Takes in events. */
  take(events) {
    for (const { type, data } of events) {
      if (type === "Marked") this.#marks.set(data.by, Math.max(data.number, this.of(data.by)));
      else if (type === "Admitted" && !this.#marks.has(data.user)) this.#marks.set(data.user, 0);
      else if (type === "Dismissed") this.#marks.delete(data.user);
    }
  }

  /** Returns the number of the last message that a user has read; 0 if none. */
  of(user) {
    return this.#marks.get(user) ?? 0;
  }

  /** Returns whether a user has a mark, which only members have. */
  has(user) {
    return this.#marks.has(user);
  }

  /** All marks, as pairs of a user and a number. */
  get all() {
    return [...this.#marks];
  }
}

/** Shows the readers at the newest message of the user's own that each of them has read. */
export class Readers {
  #at = [];

  /**
   * @param {import("./room.js").Room} room
   * @param {(message: import("./conversation.js").Message) => any} itemOf Returns the `MessageItem` of a message if it
   *   is shown.
   */
  show({ conversation, marks, user }, itemOf) {
    const own = conversation.messages.slice(-NEWEST).reverse().filter(({ by, deleted }) => by === user && !deleted);
    const at = new Map();
    for (const [reader, read] of marks.all) {
      const message = reader !== user && own.find(({ number }) => number <= read);
      const item = message && itemOf(message);
      if (item) at.set(item, [...(at.get(item) ?? []), reader]);
    }
    for (const item of this.#at) if (!at.has(item)) item.showReaders([]);
    for (const [item, readers] of at) item.showReaders(readers.sort());
    this.#at = [...at.keys()];
  }
}
