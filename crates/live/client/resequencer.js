// Restores the order of events that a transport may repeat, reorder or lose. It does no I/O and has no clock.
// It follows the same rules as `Resequencer` of the Rust crate `seriatim-core`, and passes the same test vectors.

/**
 * Events of a stream that are missing in a row, although later ones are known to exist.
 * @typedef {{stream: string, from: number, through: number}} Gap
 */

/**
 * The fate of an event that was offered.
 *
 * - `ready`: it was next. `events` has it and those that waited for it, in order; handle them now.
 * - `repeated`: it was returned before or is kept already, and was dropped.
 * - `held`: it came early and is kept. `gap` is the nearest gap before it.
 * - `refused`: it came early and there is no room. It counts as missing: it is in `gap`.
 * @template T
 * @typedef {{fate: "ready", events: T[]} | {fate: "repeated"} | {fate: "held" | "refused", gap: Gap}} Offered
 */

/**
 * Returns the events of each stream in order and exactly once, in whatever order and however often they arrive.
 * At most `limit` events are kept waiting, over all streams. The event that a stream needs next is always accepted.
 * @template T
 */
export class Resequencer {
  #streams = new Map();
  #held = 0;
  #limit;
  #patience;
  #again;
  #anywhere;

  /**
   * @param {object} options
   * @param {number} options.limit How many events are kept waiting at most.
   * @param {number} [options.patience] How long a gap is open until it is overdue; without it none ever is. It has the
   *   unit of the times that are passed to `overdue` and `nextDeadline`.
   * @param {number} [options.again] How long after it was returned as overdue a gap is overdue again; `patience` if it
   *   is left out.
   * @param {boolean} [options.anywhere] A stream that was never seen begins at the first event that comes, not at 0.
   */
  constructor({ limit, patience, again = patience, anywhere = false }) {
    this.#limit = limit;
    this.#patience = patience;
    this.#again = again;
    this.#anywhere = anywhere;
  }

  /**
   * Places a stream: `next` is the next event to return. Drops the kept events before it, and returns the kept events
   * from it on that lack nothing. The place may be behind what was returned: those events are missing then.
   * @param {string} stream
   * @param {number} next
   * @returns {T[]}
   */
  beginAt(stream, next) {
    return this.#change(stream, next, (known) => known.begin(next));
  }

  /**
   * Places a stream as `beginAt` does, by the last event that was handled.
   * @param {string} stream
   * @param {number} last
   * @returns {T[]}
   */
  beginAfter(stream, last) {
    return this.beginAt(stream, last + 1);
  }

  /**
   * Takes in an event that arrived. Returns what became of it.
   * @param {string} stream
   * @param {number} sequence
   * @param {T} event
   * @returns {Offered<T>}
   */
  offer(stream, sequence, event) {
    const first = this.#anywhere ? sequence : 0;
    return this.#change(stream, first, (known) => known.offer(stream, sequence, event, this.#held < this.#limit));
  }

  /**
   * Takes in that a stream has events up to `last`. Those of them that did not come are missing.
   * @param {string} stream
   * @param {number} last
   */
  expectThrough(stream, last) {
    this.#change(stream, this.#anywhere ? last + 1 : 0, (known) => known.reach(last));
  }

  /**
   * Returns all gaps, in the order of the streams and of the sequences.
   * @returns {Gap[]}
   */
  gaps() {
    return this.#open().flatMap(([stream, known]) => known.missing.map((gap) => publicGap(stream, gap)));
  }

  /**
   * Returns the gaps that have been open for at least the patience: ask for their events now. Each is returned again
   * while its next event does not come, because a question or its answer can be lost too. The time of a gap runs from
   * the first call of this method or of `nextDeadline` after it has opened.
   * @param {number} now
   * @returns {Gap[]}
   */
  overdue(now) {
    const overdue = [];
    for (const [stream, known] of this.#open()) {
      for (const gap of known.missing) {
        if (this.#deadline(gap, now) <= now) {
          gap.since = now;
          gap.asked = true;
          overdue.push(publicGap(stream, gap));
        }
      }
    }
    return overdue;
  }

  /**
   * Returns when the next gap will be overdue, which may be in the past; `null` if there is no gap or no patience.
   * Ask again after each event that was offered.
   * @param {number} now
   * @returns {number | null}
   */
  nextDeadline(now) {
    let next = Infinity;
    for (const [, known] of this.#open()) {
      for (const gap of known.missing) next = Math.min(next, this.#deadline(gap, now));
    }
    return next === Infinity ? null : next;
  }

  /**
   * Returns the last sequence of a stream that was returned, or up to which it was placed; `null` if there is none.
   * @param {string} stream
   * @returns {number | null}
   */
  last(stream) {
    const next = this.#streams.get(stream)?.next() ?? 0;
    return next === 0 ? null : next - 1;
  }

  /** How many events are kept waiting. */
  get held() {
    return this.#held;
  }

  /**
   * Forgets a stream and drops its kept events. If it comes again, it begins as a new stream does.
   * @param {string} stream
   */
  forget(stream) {
    this.#held -= this.#streams.get(stream)?.early.size ?? 0;
    this.#streams.delete(stream);
  }

  /** Changes a stream, which begins at `first` if it was never seen, and keeps the count of all streams right. */
  #change(stream, first, change) {
    let known = this.#streams.get(stream);
    if (!known) this.#streams.set(stream, (known = new Stream(first)));
    const before = known.early.size;
    const result = change(known);
    this.#held += known.early.size - before;
    return result;
  }

  /** The streams that have gaps, in order. */
  #open() {
    const open = [...this.#streams].filter(([, known]) => known.missing.length > 0);
    return open.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #deadline(gap, now) {
    if (this.#patience === undefined) return Infinity;
    gap.since ??= now;
    return gap.since + (gap.asked ? this.#again : this.#patience);
  }
}

/** One stream. Each sequence before `end` was returned, is missing, or is that of an early event. */
class Stream {
  /** The gaps `{from, through, since, asked}` in order. `since`: when it opened or was last asked for. */
  missing = [];
  /** The events that are kept, by sequence; each has a gap somewhere before it. */
  early = new Map();

  constructor(next) {
    /** The sequence after the highest one that is known to exist. */
    this.end = next;
  }

  /** The next sequence to return. */
  next() {
    return this.missing.length > 0 ? this.missing[0].from : this.end;
  }

  offer(id, came, event, hasRoom) {
    // This is all that a stream in order needs.
    if (came === this.end && this.missing.length === 0) {
      this.end += 1;
      return { fate: "ready", events: [event] };
    }
    this.reach(came);
    const at = this.#gapAtOrBefore(came);
    const around = this.missing[at];
    if (!around || came > around.through) return { fate: "repeated" };
    if (came !== this.next() && !hasRoom) return { fate: "refused", gap: publicGap(id, around) };
    this.#fill(at, came);
    this.early.set(came, event);
    const before = this.missing[this.#gapAtOrBefore(came)];
    if (before) return { fate: "held", gap: publicGap(id, before) };
    return { fate: "ready", events: this.#release(came) };
  }

  /** Counts all that was not known of, up to `last`, as missing. */
  reach(last) {
    if (last < this.end) return;
    const gap = this.missing.at(-1);
    if (gap && gap.through + 1 === this.end) gap.through = last;
    else this.missing.push({ from: this.end, through: last, since: undefined, asked: false });
    this.end = last + 1;
  }

  begin(next) {
    if (next < this.next()) {
      const through = this.missing.shift()?.through ?? this.end - 1;
      this.missing.unshift({ from: next, through, since: undefined, asked: false });
      return [];
    }
    for (const sequence of [...this.early.keys()]) {
      if (sequence < next) this.early.delete(sequence);
    }
    this.missing = this.missing.filter((gap) => gap.through >= next);
    if (this.missing.length > 0) this.missing[0].from = Math.max(this.missing[0].from, next);
    this.end = Math.max(this.end, next);
    return this.#release(next);
  }

  /** The index of the last gap that begins at or before a sequence; -1 if there is none. */
  #gapAtOrBefore(sequence) {
    let [low, high] = [0, this.missing.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.missing[middle].from <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Takes one sequence out of a gap. */
  #fill(at, came) {
    const around = this.missing[at];
    const parts = [];
    if (around.from < came) parts.push({ ...around, through: came - 1 });
    // An answer comes in order. So what is behind this event is on its way, and what is before it was lost.
    const since = around.asked ? undefined : around.since;
    if (came < around.through) parts.push({ ...around, from: came + 1, since });
    this.missing.splice(at, 1, ...parts);
  }

  /** Takes out the kept events from a sequence on that nothing is missing before. */
  #release(from) {
    const ready = [];
    for (let sequence = from; this.early.has(sequence); sequence += 1) {
      ready.push(this.early.get(sequence));
      this.early.delete(sequence);
    }
    return ready;
  }
}

function publicGap(stream, { from, through }) {
  return { stream, from, through };
}
