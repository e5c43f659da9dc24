// One conversation as one user has it: the messages, the user's own on their way, the read marks, and who is there.

import { Conversation } from "./conversation.js";
import { uuid } from "./ids.js";
import { Marks } from "./marks.js";
import { Outbox } from "./outbox.js";

const BEGIN_WITH = 60;
const OLDER = 100;
/** A page may have few messages and many reactions: so many pages are read at most to have something to show. */
const PAGES = 5;
const SIGNAL_FOR = 5_000;
const SIGNAL_EVERY = 3_000;
/** No signal lasts longer, even if the word of its end was lost. */
const SIGNAL_AT_MOST = 30_000;
const MARK_AGAIN = 2_000;

/**
 * A conversation, followed from its making until `close`. Listeners are told what changed:
 * `{begun}` (forget what was shown), `{messages}` (a set), `{older}` (they are before all others), `{outbox}`,
 * `{marks}`, `{present}`, `{state}`.
 */
export class Room {
  conversation = new Conversation();
  marks = new Marks();
  outbox;
  /** What is written and not said yet. */
  draft = "";
  /** `joining`, `joined`, `denied` or `left`. */
  state = "joining";
  /** The signals of the others, by user. */
  present = {};
  #live;
  #listeners = new Set();
  #stream;
  #markStream;
  #typedAt = -Infinity;
  #marking = false;
  #wake = null;
  #loading = null;

  /**
   * @param {import("./live/live.js").Live} live
   * @param {string} user
   * @param {string} root The root that the streams `conversation/ROOT` and `read-marks/ROOT` share.
   * @param {string} [other] With whom a direct conversation is begun, if there is none.
   */
  constructor(live, user, root, other) {
    this.user = user;
    this.root = root;
    this.#live = live;
    this.outbox = new Outbox((id, command) => this.#send(id, command), () => this.#tell({ outbox: true }));
    this.#stream = live.join(this.stream, {
      limit: BEGIN_WITH,
      retryDenied: true,
      onjoined: (joined) => this.#joined(joined),
      onevents: (events) => this.#take(events),
      onpresent: (users) => this.#see(users),
      onresync: () => this.#begin({ first: 0, head: null, view: null }),
      onleft: () => this.#become("left"),
      ondenied: () => this.#denied(other),
    });
    this.#markStream = live.join(`read-marks/${root}`, {
      limit: 200,
      retryDenied: true,
      onjoined: ({ view, recovered }) => !recovered && this.#marked(() => this.marks.begin(view)),
      onevents: (events) => this.#marked(() => this.marks.take(events)),
    });
  }

  get stream() {
    return `conversation/${this.root}`;
  }

  /** How many messages the user has not read. */
  get unread() {
    return this.marks.has(this.user) ? Math.max(0, this.conversation.count - this.marks.of(this.user)) : 0;
  }

  /** Whether older messages can be loaded. */
  get hasOlder() {
    return this.conversation.first > 0;
  }

  /** Calls back with each change. Returns a function that ends it. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Posts a text. Returns the id of the message. */
  say(text) {
    if (performance.now() - this.#typedAt < SIGNAL_FOR) this.#stream.signal("typing", 0);
    this.#typedAt = -Infinity;
    return this.outbox.say(text);
  }

  /** Gives a message of one's own another text. Rejects with a `LiveError`. */
  edit(message, revision, text, seen) {
    return this.#send(uuid(), { do: "edit", message, revision, text }, { expect: seen });
  }

  delete(message) {
    return this.#send(uuid(), { do: "delete", message });
  }

  /** Puts an emoji on a message, or takes it away if the user has put it there. */
  react(message, emoji) {
    const users = this.conversation.get(message)?.reactions.get(emoji) ?? [];
    const verb = users.includes(this.user) ? "unreact" : "react";
    return this.#send(uuid(), { do: verb, message, emoji });
  }

  /** Loads older messages. Returns a promise that is kept when they are here. */
  older() {
    this.#loading ??= this.#loadOlder().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Says that the user is typing. */
  typing() {
    const now = performance.now();
    if (now - this.#typedAt < SIGNAL_EVERY) return;
    this.#typedAt = now;
    this.#stream.signal("typing", SIGNAL_FOR);
  }

  /** Moves the user's read mark to the newest message, if it is not there. */
  async markRead() {
    const number = this.conversation.count;
    if (this.#marking || !this.marks.has(this.user) || number <= this.marks.of(this.user)) return;
    this.#marking = true;
    try {
      await this.#live.send(`read-marks/${this.root}`, uuid(), { do: "mark", number });
      this.#marked(() => this.marks.take([{ type: "Marked", data: { by: this.user, number } }]));
    } catch {
      // The next change or the next look tries again.
      await new Promise((wake) => setTimeout(wake, MARK_AGAIN));
    } finally {
      this.#marking = false;
    }
  }

  close() {
    clearTimeout(this.#wake);
    this.#listeners.clear();
    this.#stream.leave();
    this.#markStream.leave();
  }

  #send(id, command, options) {
    return this.#live.send(this.stream, id, command, options);
  }

  #joined({ recovered, head, view, first }) {
    if (!recovered) this.#begin({ first, head, view });
    else this.conversation.see({ head, view });
    this.#become("joined");
  }

  #begin(joined) {
    this.conversation.begin(joined);
    this.#tell({ begun: true });
  }

  #take(events) {
    const messages = this.conversation.take(events);
    this.outbox.settle((id) => this.conversation.get(id) !== undefined);
    this.#tell({ messages });
  }

  async #loadOlder() {
    const { conversation } = this;
    const messages = new Set();
    for (let page = 0; page < PAGES && messages.size < OLDER / 4 && conversation.first > 0; page += 1) {
      const before = conversation.first;
      const events = await this.#stream.read(Math.max(0, before - OLDER), before - 1);
      if (conversation.first !== before || events.at(-1)?.sequence !== before - 1) break;
      for (const message of conversation.take(events)) messages.add(message);
    }
    this.outbox.settle((id) => conversation.get(id) !== undefined);
    this.#tell({ messages, older: true });
  }

  #see(users) {
    const { [this.user]: _, ...others } = users;
    clearTimeout(this.#wake);
    this.present = others;
    if (Object.values(others).some((signals) => signals.includes("typing"))) {
      const here = Object.entries(others).map(([user]) => [user, ["here"]]);
      this.#wake = setTimeout(() => this.#see(Object.fromEntries(here)), SIGNAL_AT_MOST);
    }
    this.#tell({ present: true });
  }

  #marked(change) {
    change();
    this.#tell({ marks: true });
  }

  #denied(other) {
    if (other && this.state === "joining") {
      // The other may be faster, or this may not be the root of the two: then it is refused, and nothing is lost.
      this.#send(uuid(), { do: "start", with: other }).catch(() => {});
    }
    this.#become("denied");
  }

  #become(state) {
    this.state = state;
    this.present = {};
    this.#tell({ state, present: true });
  }

  #tell(change) {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
