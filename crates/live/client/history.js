// Reads ranges of a stream for the application.

import { Timer } from "./clock.js";
import { mayPass, waitAfter } from "./asks.js";
import { LiveError } from "./errors.js";

/** The reads of one stream that have no answer yet. They go on over as many pages and connections as it takes. */
export class History {
  #stream;
  #line;
  #isJoined;
  #reads = new Set();

  /**
   * @param {string} stream
   * @param {object} line What `Live` lends to its parts.
   * @param {() => boolean} isJoined
   */
  constructor(stream, line, isJoined) {
    this.#stream = stream;
    this.#line = line;
    this.#isJoined = isJoined;
  }

  /** Returns a promise of the events of a range, in order; there are fewer if the stream ends before `through`. */
  read(from, through) {
    return new Promise((resolve, reject) => {
      const pause = new Timer(this.#line.clock);
      const read = { next: from, through, events: [], resolve, reject, cancel: null, pause };
      this.#reads.add(read);
      this.#go(read);
    });
  }

  /** Goes on with all reads: the stream is joined again. */
  resume() {
    for (const read of this.#reads) this.#go(read);
  }

  /** Rejects all reads with an error. */
  close(error) {
    for (const read of [...this.#reads]) this.#settle(read, () => read.reject(error));
  }

  #go(read) {
    if (read.next > read.through) {
      this.#settle(read, () => read.resolve(read.events));
      return;
    }
    if (read.cancel || read.pause.isSet || !this.#isJoined()) return;
    const through = Math.min(read.through, read.next + this.#line.limits().page - 1);
    const frame = { type: "read", stream: this.#stream, from: read.next, through };
    read.cancel = this.#line.ask(frame, this.#line.patience.answer, (answer) => {
      read.cancel = null;
      this.#answered(read, answer);
    });
  }

  #answered(read, answer) {
    if (!answer) return;
    if (answer.type === "page") {
      read.events.push(...answer.events);
      read.next += answer.events.length;
      if (answer.events.length === 0) read.through = read.next - 1;
      this.#go(read);
    } else if (mayPass(answer)) {
      read.pause.set(waitAfter(answer, this.#line.random), () => this.#go(read));
    } else {
      this.#settle(read, () => read.reject(new LiveError(answer)));
    }
  }

  #settle(read, tell) {
    this.#reads.delete(read);
    read.cancel?.();
    read.pause.clear();
    tell();
  }
}
