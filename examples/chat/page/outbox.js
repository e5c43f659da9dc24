// One's own messages that are not in the conversation yet.

import { uuid } from "./ids.js";

/**
 * A message on its way. `pending`: it has no answer yet. `sent`: it was accepted, and its event is on its way here.
 * `failed`: it was refused for good; `error` says why.
 * @typedef {{id: string, text: string, clientTime: string, state: "pending" | "sent" | "failed", error: string | null,
 *   reason: string | null, sequence: number | null}} Entry
 */

/**
 * After these refusals the server remembers the id, so the same message needs a new one. After all others the old id
 * stays, because a message cannot come twice under one id.
 */
const USED_UP = ["rejected", "conflict", "reused"];

/** Shows messages at once, sends them, and lets go of each when its event comes, in whatever way. */
export class Outbox {
  /** @type {Entry[]} */
  entries = [];
  #send;
  #onchange;

  /**
   * @param {(id: string, command: object) => Promise<{outcome: string, first?: number}>} send
   * @param {() => void} onchange
   */
  constructor(send, onchange) {
    this.#send = send;
    this.#onchange = onchange;
  }

  /** How many messages have no final answer. */
  get pending() {
    return this.entries.filter(({ state }) => state === "pending").length;
  }

  /** Posts a text. Returns the id of the message. */
  say(text) {
    const [id, clientTime] = [`msg_${uuid()}`, new Date().toISOString()];
    const entry = { id, text, clientTime, state: "pending", error: null, reason: null, sequence: null };
    this.entries.push(entry);
    this.#post(entry);
    return entry.id;
  }

  /** Sends a failed message once more. It goes behind those that were said since. */
  retry(id) {
    const entry = this.#take(id);
    if (!entry) return;
    if (USED_UP.includes(entry.reason)) entry.id = `msg_${uuid()}`;
    Object.assign(entry, { state: "pending", error: null, reason: null });
    this.entries.push(entry);
    this.#post(entry);
  }

  /** Gives up a message that failed. */
  discard(id) {
    if (this.#take(id)) this.#onchange();
  }

  /** Lets go of the messages that are in the conversation now. */
  settle(isPosted) {
    const left = this.entries.filter(({ id }) => !isPosted(id));
    if (left.length === this.entries.length) return;
    this.entries = left;
    this.#onchange();
  }

  #take(id) {
    const at = this.entries.findIndex((entry) => entry.id === id && entry.state === "failed");
    return at < 0 ? null : this.entries.splice(at, 1)[0];
  }

  async #post(entry) {
    this.#onchange();
    try {
      const { outcome, first } = await this.#send(entry.id, {
        do: "post", text: entry.text, client_time: entry.clientTime,
      });
      if (outcome === "parked") throw { reason: outcome, message: "it was set aside for a person to decide" };
      Object.assign(entry, { state: "sent", sequence: first ?? null });
    } catch ({ reason, message }) {
      Object.assign(entry, { state: "failed", error: message, reason });
    }
    this.#onchange();
  }
}
