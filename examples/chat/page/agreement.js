// Compares what the panes show.

import { setText } from "./dom.js";

/** How long nothing changes before transcripts are hashed, in milliseconds. */
const QUIET = 150;
/** How long they may be busy before the page says so. */
const BUSY_AFTER = 400;

const TEXTS = {
  equal: "equal",
  differs: "differs",
  busy: "busy",
  apart: "not the same conversation",
};

/** Shows the hash of each pane's transcript, and whether they are equal once nothing is on its way. */
export class Agreement {
  #panes;
  #element = document.getElementById("agreement");
  #timer = null;
  #busy = null;
  #round = 0;

  /** @param {import("./pane.js").Pane[]} panes */
  constructor(panes) {
    this.#panes = panes;
  }

  /** Takes in that something changed in a pane. `data-state` is busy at once; people are told if it stays so. */
  changed() {
    this.#element.dataset.state = "busy";
    // What is being hashed is old now.
    this.#round += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#compare(), QUIET);
    this.#busy ??= setTimeout(() => this.#say("busy"), BUSY_AFTER);
  }

  async #compare() {
    const round = this.#round;
    const rooms = this.#panes.map(({ room }) => room);
    // Panes may have loaded different parts of the history. What all of them have is compared.
    const areTogether = rooms.every((room) => room !== null && room.root === rooms[0].root);
    const from = areTogether ? Math.max(...rooms.map(({ conversation }) => conversation.first)) : undefined;
    const hashes = await Promise.all(this.#panes.map((pane) => pane.hash(from)));
    if (round !== this.#round) return;
    for (const [at, pane] of this.#panes.entries()) pane.showHash(hashes[at]);
    if (!areTogether) this.#say("apart");
    else if (this.#isQuiet(rooms)) this.#say(hashes.every((hash) => hash === hashes[0]) ? "equal" : "differs");
  }

  /** Whether everybody has got everything that anybody has got. */
  #isQuiet(rooms) {
    return rooms.every(({ outbox, conversation, state }) =>
      state === "joined" && outbox.pending === 0 && outbox.entries.every((entry) => entry.state !== "sent")
        && conversation.last === rooms[0].conversation.last);
  }

  #say(state) {
    clearTimeout(this.#busy);
    // It stays busy until it is said otherwise.
    this.#busy = state === "busy" ? this.#busy : null;
    this.#element.dataset.state = state;
    this.#element.dataset.shown = state;
    setText(this.#element, this.#panes.length > 1 ? TEXTS[state] : "");
  }
}
