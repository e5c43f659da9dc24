// Frames that have an answer, by their `ref`.

import { Timer } from "./clock.js";

/** Matches answers to what was asked over the current connection. */
export class Asks {
  #clock;
  #send;
  #open = new Map();
  #ref = 0;

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {(text: string) => void} send
   */
  constructor(clock, send) {
    this.#clock = clock;
    this.#send = send;
  }

  /**
   * Sends a frame under a new `ref`, and once more under the same after each `every` milliseconds. Calls `done` exactly
   * once: with the answer to any of them, or with `null` if the connection was lost. Returns a function that ends it.
   * @param {object} frame
   * @param {number} every
   * @param {(answer: object | null) => void} done
   * @returns {() => void}
   */
  ask(frame, every, done) {
    const ref = (this.#ref += 1);
    const text = JSON.stringify({ ...frame, ref });
    const timer = new Timer(this.#clock);
    const send = () => {
      timer.set(every, send);
      this.#send(text);
    };
    this.#open.set(ref, { timer, done });
    send();
    return () => {
      timer.clear();
      this.#open.delete(ref);
    };
  }

  /** Takes in a frame with a `ref`. An answer that nobody waits for is dropped. */
  answer(frame) {
    this.#settle(frame.ref, frame);
  }

  /** Settles everything: the connection is lost. */
  lose() {
    for (const ref of [...this.#open.keys()]) this.#settle(ref, null);
  }

  #settle(ref, answer) {
    const asked = this.#open.get(ref);
    if (!asked) return;
    this.#open.delete(ref);
    asked.timer.clear();
    asked.done(answer);
  }
}

/** Returns whether a refusal may pass, so that the same is to be asked again. */
export function mayPass(refused) {
  return ["limited", "busy", "unavailable"].includes(refused.reason);
}

/** Returns how long to wait before asking again, in milliseconds. Many who wait do not come back at once. */
export function waitAfter(refused, random) {
  return (refused.retry_after_ms ?? 1_000) * (1 + random() / 5);
}
