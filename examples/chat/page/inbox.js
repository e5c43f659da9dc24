// The conversations that a user is in.

import { Room } from "./room.js";
import { uuid } from "./ids.js";

/** A connection may join 100 streams, of which each room needs two. The others are shown when these are left. */
const MOST_ROOMS = 40;

/** Follows a user's inbox, and all conversations in it, so that each has its unread count. */
export class Inbox {
  /** The rooms by root, in the order in which they came. @type {Map<string, Room>} */
  rooms = new Map();
  #live;
  #user;
  #entries = new Map();
  #keep = new Set();
  #onchange;

  /**
   * @param {import("./live/live.js").Live} live
   * @param {string} user
   * @param {string | undefined} stream `inbox/ROOT`; without it there are only the rooms that are opened.
   * @param {() => void} onchange Is told when the rooms or their names change.
   */
  constructor(live, user, stream, onchange) {
    this.#live = live;
    this.#user = user;
    this.#onchange = onchange;
    if (!stream) return;
    live.join(stream, {
      limit: 200,
      retryDenied: true,
      onjoined: ({ view, recovered }) => !recovered && this.#begin(view),
      onevents: (events) => this.#take(events),
    });
  }

  /**
   * Returns a room, which is followed from now on, whether it is in the inbox or not. If there is no such conversation,
   * it is begun with `other`.
   * @param {string} root
   * @param {string} [other]
   */
  open(root, other) {
    this.#keep.add(root);
    if (!this.rooms.has(root)) {
      this.#follow(root, other);
      this.#onchange();
    }
    return this.rooms.get(root);
  }

  /** Starts a group. Returns a promise of its room. Rejects with a `LiveError`. */
  async startGroup(name, members) {
    const root = uuid();
    await this.#live.send(`conversation/${root}`, uuid(), { do: "start_group", name, members });
    return this.open(root);
  }

  /** Returns what a user calls a conversation: its name, or the others in it. */
  nameOf(root) {
    const { conversation } = this.rooms.get(root) ?? {};
    const { name, members = [] } = this.#entries.get(root) ?? {};
    const known = [...(members.length > 0 ? members : (conversation?.members ?? []))];
    const others = known.filter((member) => member !== this.#user);
    return name ?? conversation?.name ?? (others.join(", ") || "Conversation");
  }

  #begin(view) {
    const entries = Object.entries(view?.conversations ?? {});
    this.#entries = new Map(entries.map(([root, entry]) => [entry.conversation ?? root, entry]));
    this.#settle();
  }

  #take(events) {
    for (const { type, data } of events) {
      if (type === "Entered") this.#entries.set(data.conversation, data);
      else if (type === "Exited") this.#entries.delete(data.conversation);
    }
    this.#settle();
  }

  #settle() {
    for (const [root, room] of [...this.rooms]) {
      if (this.#entries.has(root) || this.#keep.has(root)) continue;
      this.rooms.delete(root);
      room.close();
    }
    for (const root of this.#entries.keys()) {
      if (!this.rooms.has(root) && this.rooms.size < MOST_ROOMS) this.#follow(root);
    }
    this.#onchange();
  }

  #follow(root, other) {
    const room = new Room(this.#live, this.#user, root, other);
    this.rooms.set(root, room);
    room.listen(() => this.#onchange());
  }
}
