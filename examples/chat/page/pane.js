// One user's pane: the connection, the conversations, and the one that is open.

import { Actions } from "./actions.js";
import { beforePaint, copyOf, say, soon, title } from "./dom.js";
import { Head } from "./head.js";
import { Inbox } from "./inbox.js";
import { MessageList } from "./message-list.js";
import { hash, transcript } from "./transcript.js";

/** How long the newest message is in view before it counts as read, in milliseconds. */
const READ_AFTER = 1_000;

/** What a user sees, from sign-in on. */
export class Pane {
  element = copyOf("pane-template");
  live;
  inbox;
  /** The open room, if any is. @type {import("./room.js").Room | null} */
  room = null;
  #list;
  #head;
  #isInView = false;
  #onchange;
  #changes = { begun: false, messages: new Set() };
  #part = (name) => this.element.querySelector(name);
  #render = beforePaint(() => this.#renderNow());
  #read = soon(READ_AFTER, () => this.#isReading() && this.room?.markRead());
  #unlisten = () => {};

  /**
   * @param {object} config `user`, `inbox` (a stream), and `stream`: the conversation that is open at first, and is
   *   begun with the user `other` if there is none. Without it that is the first one in the inbox.
   * @param {(onstate: (state: object) => void) => import("./live/live.js").Live} connect
   * @param {() => void} onchange
   */
  constructor({ user, inbox, stream, other }, connect, onchange) {
    this.user = user;
    this.#onchange = onchange;
    this.element.dataset.user = user;
    this.element.setAttribute("aria-label", title(user));
    this.#part(".log").setAttribute("aria-label", `Messages, as ${title(user)} sees them`);
    this.#list = new MessageList(this.element, (messages) => this.#changed({ messages }));
    this.#head = new Head(this);
    new Actions(this.#part(".messages"), this.#list, () => this.room);
    this.#listen();
    this.live = connect((state) => this.#head.showState(state));
    this.inbox = new Inbox(this.live, user, inbox, () => this.#render());
    if (stream) this.open(this.inbox.open(stream.split("/")[1], other).root);
    this.#render();
  }

  /** Opens a conversation. */
  open(root) {
    if (this.room?.root === root) return;
    const text = this.#part(".composer textarea");
    if (this.room) this.room.draft = text.value;
    this.#unlisten();
    this.room = this.inbox.open(root);
    this.#unlisten = this.room.listen((change) => this.#changed(change));
    text.value = this.room.draft;
    this.#list.open(this.room);
    this.#changed({});
  }

  /** Posts a text in the open conversation. Returns the id of the message. Throws if no conversation is open. */
  say(text) {
    const id = this.room.say(text);
    this.#list.follow();
    return id;
  }

  /** The lines of the transcript from a sequence on, without those on their way. */
  transcript(from) {
    return this.room ? transcript(this.room.conversation, from) : [];
  }

  /** Returns a promise of the hash of the transcript. */
  hash(from) {
    return hash(this.transcript(from));
  }

  /** Shows the hash of the transcript. */
  showHash(digits) {
    const code = this.#part(".hash");
    say(code, digits === null ? "none: this page is not secure" : digits.slice(0, 12));
    code.title = digits ?? "";
    code.dataset.hash = digits ?? "";
  }

  #listen() {
    const composer = this.#part(".composer");
    const text = composer.querySelector("textarea");
    text.id = `text-${this.user}`;
    composer.querySelector("label").htmlFor = text.id;
    composer.addEventListener("submit", (event) => {
      event.preventDefault();
      if (text.value.trim() === "" || !this.room) return;
      this.say(text.value);
      text.value = "";
      text.focus();
    });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      composer.requestSubmit();
    });
    text.addEventListener("input", () => text.value !== "" && this.room?.typing());
    for (const name of ["focusin", "focusout"]) this.element.addEventListener(name, () => this.#moved());
    document.addEventListener("visibilitychange", () => this.#moved());
    const inView = new IntersectionObserver(([{ isIntersecting }]) => {
      this.#isInView = isIntersecting;
      this.#moved();
    });
    inView.observe(this.#part(".end"));
  }

  /** Collects changes until the next frame is painted. */
  #changed({ begun = false, messages = [], older = false }) {
    if (begun) this.#changes = { begun: true, messages: new Set() };
    for (const message of messages) this.#changes.messages.add(message);
    // Older messages are put in their place by who has asked for them.
    if (older) this.#renderNow();
    else this.#render();
    this.#onchange();
  }

  #renderNow() {
    const [first] = this.inbox.rooms.keys();
    if (!this.room && first) this.open(first);
    this.#head.show();
    this.#showState();
    if (!this.room) return;
    const changes = this.#changes;
    this.#changes = { begun: false, messages: new Set() };
    this.#list.render(changes);
    this.#read();
  }

  #showState() {
    if (!this.room) {
      say(this.#part(".empty"), "You are in no conversation yet.");
      return;
    }
    const { state, present } = this.room;
    const typing = Object.keys(present).filter((user) => present[user].includes("typing"));
    const here = Object.keys(present).filter((user) => !typing.includes(user));
    const sentences = [];
    if (typing.length > 0) sentences.push(`${names(typing)} ${typing.length > 1 ? "are" : "is"} typing…`);
    if (here.length > 0) sentences.push(`${names(here)} ${here.length > 1 ? "are" : "is"} here`);
    this.#part(".present").textContent = sentences.join(" · ");
    const empty = {
      joining: "",
      joined: this.room.conversation.count === 0 && this.room.outbox.entries.length === 0 ? "No messages yet." : "",
      denied: "This conversation does not exist, or is not yours to read.",
      left: "You are not in this conversation any more.",
    };
    say(this.#part(".empty"), empty[state]);
  }

  #moved() {
    this.#head.show();
    this.#read();
  }

  /** Whether the user can see the newest message. */
  #isReading() {
    return this.#isInView && this.#list.isFollowing && document.visibilityState === "visible";
  }

  /** Whether the user is in this pane, at the end of the list. */
  get isAttended() {
    return this.#isReading() && this.element.contains(document.activeElement);
  }
}

function names(users) {
  return users.map(title).join(", ");
}
