// The element of one message, whether it is in the conversation or still on its way.

import { copyOf, make, say, setText } from "./dom.js";

const EMOJI = ["👍", "❤️", "😂", "🎉"];

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const clockAndDay = new Intl.DateTimeFormat(undefined, {
  month: "short", day: "numeric", hour: "numeric", minute: "2-digit",
});
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** One `<li>`. It stays the same when a message on its way becomes one of the conversation. */
export class MessageItem {
  element = copyOf("message-template");
  /** The message, once it is in the conversation. @type {import("./conversation.js").Message | null} */
  message = null;
  /** The form in which it is being edited. @type {import("./editing.js").EditForm | null} */
  editing = null;
  #me;
  #actions = null;
  /** What was shown of a message on its way. */
  #shown = null;
  #parts;

  /** @param {string} me Who looks at it. */
  constructor(me) {
    this.#me = me;
    const names = ["by", "text", "seq", "edited", "status", "reactions", "failed", "error", "seen"];
    this.#parts = Object.fromEntries(names.map((name) => [name, this.element.querySelector(`.${name}`)]));
    this.#parts.time = this.element.querySelector("time");
    this.#parts.retry = this.element.querySelector("[data-do=retry]");
    this.#parts.discard = this.element.querySelector("[data-do=discard]");
  }

  /** Shows a message that is on its way. @param {import("./outbox.js").Entry} entry */
  showEntry({ id, text, clientTime, state, error, sequence }) {
    const shown = JSON.stringify([id, state, error]);
    if (this.#shown === shown) return;
    this.#shown = shown;
    const { seq, status } = this.#parts;
    this.#show({ id, by: this.#me, text, clientTime, state });
    say(seq, sequence === null ? "" : `seq ${sequence}`);
    setText(status, state);
    this.#fail(state === "failed" ? `Not sent: ${error}` : "", true);
  }

  /** Shows a message of the conversation. @param {import("./conversation.js").Message} message */
  show(message) {
    const { seq, edited, status } = this.#parts;
    const { id, sequence, by, deleted, clientTime } = message;
    this.message = message;
    this.element.dataset.sequence = sequence;
    const text = deleted ? "This message was deleted." : message.text;
    this.#show({ id, by, text, clientTime, state: deleted ? "deleted" : "posted" });
    say(seq, `seq ${sequence}`);
    edited.hidden = deleted || message.revision < 2;
    setText(status, by === this.#me && !deleted ? "sent" : "");
    this.#fail("", false);
    this.#showReactions(message.reactions);
    if (deleted) this.hideActions();
    this.editing?.update();
  }

  /** Says who has read up to this message. @param {string[]} readers */
  showReaders(readers) {
    say(this.#parts.seen, readers.length > 0 ? `seen by ${readers.join(", ")}` : "");
  }

  /** Says why something that was asked of it was not done. */
  complain(text) {
    this.#fail(text, false);
  }

  /** Shows what can be done with it, while somebody points at it. */
  showActions() {
    if (this.#actions || !this.message || this.message.deleted || this.editing) return;
    const { sequence, by } = this.message;
    this.#actions = make("div", { className: "actions", attributes: {
      role: "group", "aria-label": `Message ${sequence}`, "aria-live": "off" } });
    for (const emoji of EMOJI) {
      const title = `React with ${emoji}`;
      const react = button(emoji, "react", { title, attributes: { "aria-label": title }, dataset: { emoji } });
      this.#actions.append(react);
    }
    if (by === this.#me) this.#actions.append(button("Edit", "edit"), button("Delete", "delete"));
    this.element.querySelector(".bubble").append(this.#actions);
  }

  /** Hides it again. */
  hideActions() {
    this.#actions?.remove();
    this.#actions = null;
  }

  #show({ id, by, text, clientTime, state }) {
    const { dataset, classList } = this.element;
    dataset.message = id;
    dataset.state = state;
    dataset.by = by;
    classList.toggle("mine", by === this.#me);
    setText(this.#parts.by, by);
    setText(this.#parts.text, text);
    this.#showTime(clientTime);
  }

  /** The sender's clock is shown, whatever it says, and orders nothing. */
  #showTime(clientTime) {
    const { time } = this.#parts;
    const at = new Date(clientTime);
    if (Number.isNaN(at.getTime())) {
      setText(time, clientTime);
      return;
    }
    const isToday = at.toDateString() === new Date().toDateString();
    setText(time, (isToday ? clock : clockAndDay).format(at).replace(/\u202f/g, " "));
    time.dateTime = clientTime;
    time.title = exact.format(at);
  }

  #showReactions(byEmoji) {
    const { reactions } = this.#parts;
    reactions.hidden = byEmoji.size === 0;
    const wanted = [...byEmoji].map(([emoji, users]) => [emoji, users, JSON.stringify([emoji, users])]);
    const shown = [...reactions.children].map(({ dataset }) => dataset.key);
    if (wanted.map(([, , key]) => key).join() === shown.join()) return;
    const focused = reactions.contains(document.activeElement) ? document.activeElement.dataset.emoji : null;
    reactions.replaceChildren(...wanted.map(([emoji, users, key]) => button(`${emoji} ${users.length}`, "react", {
      title: users.join(", "),
      dataset: { emoji, key },
      attributes: {
        "aria-pressed": users.includes(this.#me),
        "aria-label": `${emoji} ${users.length}: ${users.join(", ")}`,
      },
    })));
    if (focused === null) return;
    const same = [...reactions.children].find(({ dataset }) => dataset.emoji === focused);
    (same ?? this.element).focus();
  }

  #fail(text, canRetry) {
    const { failed, error, retry, discard } = this.#parts;
    setText(error, text);
    failed.hidden = text === "";
    retry.hidden = discard.hidden = !canRetry;
  }
}

function button(text, what, { dataset, ...properties } = {}) {
  return make("button", { type: "button", textContent: text, dataset: { do: what, ...dataset }, ...properties });
}
