// The head of a pane: the connection, the list of conversations, and the form for a new group.

import { make, say, setText, title } from "./dom.js";

/** Shows the state of a pane's connection, and its conversations with what is unread. */
export class Head {
  #pane;
  #part;
  #ticking = null;
  #until = 0;

  /** @param {import("./pane.js").Pane} pane */
  constructor(pane) {
    this.#pane = pane;
    this.#part = (name) => pane.element.querySelector(name);
    setText(this.#part(".who"), title(pane.user));
    this.#part(".rooms").addEventListener("change", ({ target }) => pane.open(target.value));
    this.#part(".connect").addEventListener("click", () => pane.live.connect());
    this.#part(".group-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#startGroup();
    });
  }

  /** Shows what the connection does. @param {import("./live/live.js").LiveState} state */
  showState({ name, url, delay, code, reason }) {
    const { host } = new URL(url);
    const texts = {
      connecting: `connecting to ${host}`,
      open: `connected to ${host}`,
      waiting: "not connected",
      closed: `closed${code ? ` (${code})` : ""}${reason ? `: ${reason}` : ""}`,
    };
    this.#pane.element.dataset.connection = name;
    setText(this.#part(".link"), texts[name]);
    this.#part(".connect").hidden = name !== "closed" && !(name === "waiting" && delay > 2_000);
    this.#count(name === "waiting" ? delay : undefined);
  }

  /** Shows the conversations, and how much is unread. */
  show() {
    const { room, inbox } = this.#pane;
    const unread = !room || this.#pane.isAttended ? 0 : room.unread;
    say(this.#part(".unread"), unread > 0 ? `${unread} unread` : "");
    const rows = [...inbox.rooms.values()].map((each) => {
      const count = each === room ? 0 : each.unread;
      return { root: each.root, text: inbox.nameOf(each.root) + (count > 0 ? ` (${count} unread)` : "") };
    });
    const select = this.#part(".rooms");
    for (const [at, { root, text }] of rows.entries()) {
      const option = select.options[at] ?? select.appendChild(make("option"));
      if (option.value !== root) option.value = root;
      setText(option, text);
    }
    while (select.options.length > rows.length) select.lastElementChild.remove();
    if (room && select.value !== room.root) select.value = room.root;
  }

  /** Counts the seconds down to the next try. */
  #count(delay) {
    clearInterval(this.#ticking);
    setText(this.#part(".countdown"), "");
    if (delay === undefined) return;
    this.#until = performance.now() + delay;
    const tick = () => {
      const seconds = Math.ceil((this.#until - performance.now()) / 1_000);
      setText(this.#part(".countdown"), seconds > 0 ? ` · next try in ${seconds} s` : " · trying");
    };
    tick();
    this.#ticking = setInterval(tick, 500);
  }

  async #startGroup() {
    const form = this.#part(".group-form");
    const error = form.querySelector(".error");
    const { name, members } = Object.fromEntries(new FormData(form));
    const others = members.split(",").map((member) => member.trim()).filter((member) => member !== "");
    const button = form.querySelector("button");
    say(error, "");
    button.disabled = true;
    try {
      const room = await this.#pane.inbox.startGroup(name.trim(), others);
      form.reset();
      form.closest("details").open = false;
      this.#pane.open(room.root);
    } catch ({ message }) {
      say(error, message);
    } finally {
      button.disabled = false;
    }
  }
}
