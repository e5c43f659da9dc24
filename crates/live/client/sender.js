// The commands to one stream, one after another.

import { Timer } from "./clock.js";
import { mayPass, waitAfter } from "./asks.js";
import { LiveError } from "./errors.js";

/**
 * Sends the commands of one stream so that none overtakes another: the next is sent when the one before it has its
 * final answer. A command is repeated under its `id` until then, over as many connections as it takes.
 */
export class Sender {
  #line;
  #stream;
  #queue = [];
  #cancel = null;
  #pause;

  /**
   * @param {string} stream
   * @param {object} line What `Live` lends to its parts.
   */
  constructor(stream, line) {
    this.#stream = stream;
    this.#line = line;
    this.#pause = new Timer(line.clock);
  }

  /** Whether it has nothing to send. */
  get isIdle() {
    return this.#queue.length === 0;
  }

  /**
   * Queues a command. Returns a promise of the frame `accepted`. Rejects with a `LiveError`.
   * @param {object} command `{id, command, expect}`
   * @param {AbortSignal} [signal]
   */
  send(command, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(new LiveError({ reason: "aborted" }));
        return;
      }
      const entry = { command, resolve, reject };
      const abort = () => this.#settle(entry, () => reject(new LiveError({ reason: "aborted" })));
      entry.finish = () => signal?.removeEventListener("abort", abort);
      signal?.addEventListener("abort", abort);
      this.#queue.push(entry);
      this.pump();
    });
  }

  /** Sends the first command if there is one, the connection is open, and nothing is under way. */
  pump() {
    if (this.isIdle || this.#cancel || this.#pause.isSet || !this.#line.isOpen()) return;
    const [entry] = this.#queue;
    const frame = { type: "send", stream: this.#stream, ...entry.command };
    if (bytes(frame) > this.#line.limits().frame_bytes) {
      const message = "the command is larger than a frame may be";
      this.#settle(entry, () => entry.reject(new LiveError({ reason: "invalid", message })));
      return;
    }
    this.#cancel = this.#line.ask(frame, this.#line.patience.answer, (answer) => {
      this.#cancel = null;
      this.#answered(entry, answer);
    });
  }

  /** Rejects everything with an error. */
  close(error) {
    this.#pause.clear();
    this.#cancel?.();
    this.#cancel = null;
    for (const entry of this.#queue.splice(0)) {
      entry.finish();
      entry.reject(error);
    }
  }

  #answered(entry, answer) {
    if (answer?.type === "accepted") this.#settle(entry, () => entry.resolve(answer));
    else if (answer && !mayPass(answer)) this.#settle(entry, () => entry.reject(new LiveError(answer)));
    else if (answer) this.#pause.set(waitAfter(answer, this.#line.random), () => this.pump());
  }

  /** Takes an entry out of the queue, tells its end, and goes on with the next. */
  #settle(entry, tell) {
    const at = this.#queue.indexOf(entry);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    if (at === 0) {
      this.#cancel?.();
      this.#cancel = null;
      this.#pause.clear();
    }
    entry.finish();
    tell();
    this.pump();
  }
}

/** The bytes of a frame, with room for its `ref`. */
function bytes(frame) {
  return new TextEncoder().encode(JSON.stringify(frame)).length + 32;
}
