// The messages of the open conversation in the page: only some of them have an element, and no change redraws them all.

import { say } from "./dom.js";
import { Readers } from "./marks.js";
import { MessageItem } from "./message-item.js";

/** How many of the newest messages have an element. */
const NEWEST = 300;
/** So many more may have one before the oldest lose theirs. */
const SLACK = 50;
const OLDER = 100;
/** So far from an edge counts as at it, in pixels. */
const NEAR = 48;

/** The list of one pane. It follows the newest message, unless the reader has scrolled away from it. */
export class MessageList {
  /** Whether new messages scroll into view. */
  isFollowing = true;
  #log;
  #list;
  #older;
  #newer;
  #onmove;
  #room = null;
  /** @type {Map<string, MessageItem>} By the id of the message. */
  #items = new Map();
  /** The messages from one sequence through another have an element. */
  #from = 0;
  #through = Infinity;
  /** The last sequence that was at the end while the list followed. */
  #read = -1;
  #isLoading = false;
  /** The item that the Tab key reaches. */
  #reached = null;
  #readers = new Readers();

  /**
   * @param {HTMLElement} pane
   * @param {(messages: import("./conversation.js").Message[]) => void} onmove Is told when the list begins or ends to
   *   follow, and which messages are to be rendered then.
   */
  constructor(pane, onmove) {
    this.#log = pane.querySelector(".log");
    this.#list = pane.querySelector(".messages");
    this.#older = pane.querySelector(".older");
    this.#newer = pane.querySelector(".newer");
    this.#onmove = onmove;
    this.#log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#older.addEventListener("click", () => this.#showOlder());
    this.#newer.addEventListener("click", () => this.follow());
    new ResizeObserver(() => this.isFollowing && this.#toEnd()).observe(this.#log);
  }

  /** Shows another room, from its end. */
  open(room) {
    this.#room = room;
    this.#clear();
    this.render({ messages: this.#conversation.messages.slice(-NEWEST) });
  }

  /** Returns the item of a message that is shown. */
  item(id) {
    return this.#items.get(id);
  }

  /** Scrolls to the newest message, and follows from now on. */
  follow() {
    const isWhole = this.#through === Infinity;
    this.isFollowing = true;
    this.#through = Infinity;
    this.#onmove(isWhole ? [] : this.#conversation.messages.slice(-NEWEST));
  }

  /**
   * Puts changes into the page: some messages of the conversation, and those on their way.
   * @param {object} change
   * @param {boolean} [change.begun] All that was shown is forgotten.
   * @param {Iterable<import("./conversation.js").Message>} [change.messages]
   * @param {boolean} [change.above] They come above what is shown, which does not move.
   */
  render({ begun = false, messages = [], above = false }) {
    if (begun) this.#clear();
    // Asking for it lays out the page, so only if it is needed.
    const height = above ? this.#log.scrollHeight - this.#log.scrollTop : 0;
    this.#limit();
    const shown = [...messages].filter(({ sequence }) => sequence !== null && this.#isIn(sequence));
    // Backwards, so that what follows each is in its place already.
    for (const message of shown.sort((a, b) => b.sequence - a.sequence)) this.#put(message);
    this.#putOutbox();
    this.#readers.show(this.#room, (message) => this.#isIn(message.sequence) && this.#items.get(message.id));
    if (this.isFollowing) this.#toEnd();
    else if (above) this.#log.scrollTop = this.#log.scrollHeight - height;
    if (!this.#reached?.isConnected && this.#list.lastElementChild) this.reach(this.#list.lastElementChild);
    this.#showEdges();
  }

  get #conversation() {
    return this.#room.conversation;
  }

  #isIn(sequence) {
    return sequence >= this.#from && sequence <= this.#through;
  }

  #clear() {
    this.#items.clear();
    this.#list.replaceChildren();
    this.#reached = null;
    this.#readers = new Readers();
    this.#from = 0;
    this.#through = Infinity;
    this.#read = -1;
    this.isFollowing = true;
  }

  /** Keeps the number of elements small. */
  #limit() {
    const { messages } = this.#conversation;
    if (this.isFollowing) {
      this.#read = messages.at(-1)?.sequence ?? -1;
      if (messages.length - this.#indexOf(this.#from) > NEWEST + SLACK) {
        this.#from = messages[messages.length - NEWEST].sequence;
        this.#dropBefore();
      }
    } else if (this.#through === Infinity) {
      const most = this.#indexOf(this.#read + 1) + NEWEST;
      if (messages.length > most) this.#through = messages[most - 1].sequence;
    }
  }

  #indexOf(sequence) {
    return this.#conversation.indexFrom(sequence);
  }

  /** Takes away the elements before the window, up to one that is in use. */
  #dropBefore() {
    for (const [id, item] of this.#items) {
      if (!item.message || item.message.sequence >= this.#from) continue;
      if (item.editing || item.element.contains(document.activeElement)) continue;
      item.element.remove();
      this.#items.delete(id);
    }
  }

  #put(message) {
    const { messages } = this.#conversation;
    let item = this.#items.get(message.id);
    if (!item) this.#items.set(message.id, (item = new MessageItem(this.#room.user)));
    item.show(message);
    const next = messages[this.#indexOf(message.sequence) + 1];
    this.#place(item, this.#placed(next?.id) ?? this.#firstOnItsWay() ?? null);
  }

  #firstOnItsWay() {
    const first = this.#room.outbox.entries.find(({ id }) => this.#placed(id));
    return first && this.#placed(first.id);
  }

  /** Returns the element of a message if it is in the page. */
  #placed(id) {
    const element = this.#items.get(id)?.element;
    return element?.isConnected ? element : undefined;
  }

  #putOutbox() {
    const { entries } = this.#room.outbox;
    const known = new Set(entries.map(({ id }) => id));
    for (const [id, item] of this.#items) {
      if (item.message || known.has(id)) continue;
      item.element.remove();
      this.#items.delete(id);
    }
    let next = null;
    for (const entry of [...entries].reverse()) {
      let item = this.#items.get(entry.id);
      if (!item) this.#items.set(entry.id, (item = new MessageItem(this.#room.user)));
      item.showEntry(entry);
      this.#place(item, next);
      next = item.element;
    }
  }

  /** Puts an element before another, unless it is there: whoever moves it takes the focus from it. */
  #place({ element }, next) {
    if (element.isConnected && element.nextElementSibling === next) return;
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.#list.insertBefore(element, next);
    focused?.focus({ preventScroll: true });
    if (next === null && !this.#log.contains(document.activeElement)) this.reach(element);
  }

  /** Makes an item the one that the Tab key reaches. */
  reach(element) {
    this.#reached?.setAttribute("tabindex", "-1");
    element.setAttribute("tabindex", "0");
    this.#reached = element;
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (atEnd && this.#through !== Infinity) {
      this.#showMore();
      return;
    }
    if (atEnd !== this.isFollowing) {
      this.isFollowing = atEnd;
      if (atEnd) this.#read = this.#conversation.last;
      this.#showEdges();
      this.#onmove([]);
    }
    if (scrollTop < NEAR && !atEnd) this.#showOlder();
  }

  /** Gives elements to the next messages below, of which there are too many for all at once. */
  #showMore() {
    const { messages } = this.#conversation;
    const at = this.#indexOf(this.#through + 1);
    const more = messages.slice(at, at + OLDER);
    this.#through = at + OLDER >= messages.length ? Infinity : more.at(-1).sequence;
    this.#read = Math.max(this.#read, more.at(-1)?.sequence ?? -1);
    this.render({ messages: more });
  }

  async #showOlder() {
    if (this.#isLoading || !this.#hasOlder) return;
    const room = this.#room;
    this.#from = Math.max(this.#from, this.#conversation.first);
    this.#isLoading = true;
    this.isFollowing = false;
    this.#log.setAttribute("aria-live", "off");
    this.#log.setAttribute("aria-busy", "true");
    try {
      if (this.#indexOf(this.#from) === 0) await room.older();
    } catch {
      // The button stays: the next click tries again.
    }
    if (room === this.#room) this.#extend();
    this.#isLoading = false;
    this.#log.removeAttribute("aria-busy");
    setTimeout(() => this.#log.setAttribute("aria-live", "polite"), 500);
  }

  #extend() {
    const { messages } = this.#conversation;
    const end = this.#indexOf(this.#from);
    const begin = Math.max(0, end - OLDER);
    this.#from = messages[begin]?.sequence ?? 0;
    this.render({ messages: messages.slice(begin, end), above: true });
  }

  get #hasOlder() {
    return this.#room.hasOlder || this.#indexOf(this.#from) > 0;
  }

  #showEdges() {
    this.#older.hidden = !this.#hasOlder;
    const { messages } = this.#conversation;
    const fresh = this.isFollowing ? 0 : messages.length - this.#indexOf(this.#read + 1);
    say(this.#newer, fresh > 0 ? `${fresh} new` : "");
  }
}
