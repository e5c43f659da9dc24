// Asks for the events of a stream that do not come by themselves.

import { Timer } from "./clock.js";
import { mayPass, waitAfter } from "./asks.js";

/** How many ranges are asked for at a time. */
const RANGES = 8;
/** After so many repeated questions for the same events the connection is given up. */
const FRUITLESS = 15;

/** Watches the resequencer of one stream while it is joined, and reads what has been missing for too long. */
export class Gaps {
  #line;
  #stream;
  #resequencer;
  #timer;
  #watching = false;
  /** The highest sequence that the server named. */
  #head = -1;
  /** The one up to which events count as missing although none came after them. */
  #expected = -1;
  #moved = 0;
  #quiet = 0;
  #asking = null;

  /**
   * @param {string} stream
   * @param {import("./resequencer.js").Resequencer<object>} resequencer
   * @param {object} line What `Live` lends to its parts.
   */
  constructor(stream, resequencer, line) {
    this.#stream = stream;
    this.#resequencer = resequencer;
    this.#line = line;
    this.#timer = new Timer(line.clock);
  }

  /** Begins to watch: the stream is joined. */
  watch() {
    this.#watching = true;
    this.moved();
  }

  /** Watches no more: the stream is not joined. Answers that still come are of no use. */
  rest() {
    this.#watching = false;
    this.#head = this.#expected = -1;
    this.#timer.clear();
  }

  /** Takes in that an event exists at a sequence. */
  saw(head) {
    if (head === null || head <= this.#head) return;
    if (!this.#lacksTail) this.#moved = this.#line.clock.now();
    this.#head = head;
    this.#schedule();
  }

  /** Takes in that events came in order. Those behind them may be on their way. */
  moved() {
    this.#moved = this.#line.clock.now();
    this.#asking = null;
    this.#schedule();
  }

  /** Takes in that an event came early. */
  held() {
    this.#schedule();
  }

  /** Whether there are events behind the last one that came, which the resequencer does not miss yet. */
  get #lacksTail() {
    return this.#head > Math.max(this.#expected, this.#resequencer.last(this.#stream) ?? -1);
  }

  #schedule() {
    if (!this.#watching) return;
    const now = this.#line.clock.now();
    const next = Math.min(this.#tailDeadline(), this.#resequencer.nextDeadline(now) ?? Infinity);
    this.#timer.set(Math.max(0, next - now, this.#quiet - now), () => this.#ring());
  }

  #tailDeadline() {
    return this.#lacksTail ? this.#moved + this.#line.patience.gap : Infinity;
  }

  #ring() {
    const now = this.#line.clock.now();
    if (this.#tailDeadline() <= now) {
      this.#resequencer.expectThrough(this.#stream, this.#head);
      this.#expected = this.#head;
    }
    const overdue = this.#resequencer.overdue(now).slice(0, RANGES);
    for (const { from, through } of overdue) this.#read(from, through);
    if (overdue.length > 0) this.#asking ??= now;
    const isFruitless = this.#asking !== null && now - this.#asking > FRUITLESS * this.#line.patience.again;
    if (isFruitless) this.#line.restart("missing events do not come");
    else this.#schedule();
  }

  /** Asks once for the beginning of a range, and for the rest when that has come. `Stream` takes in what comes. */
  #read(from, through) {
    const last = Math.min(through, from + this.#line.limits().page - 1);
    const frame = { type: "read", stream: this.#stream, from, through: last };
    this.#line.ask(frame, Infinity, (answer) => {
      if (!this.#watching || !answer) return;
      const came = answer.events?.length ?? 0;
      if (came > 0 && from + came <= through) this.#read(from + came, through);
      if (mayPass(answer)) this.#quiet = this.#line.clock.now() + waitAfter(answer, this.#line.random);
    });
  }
}
