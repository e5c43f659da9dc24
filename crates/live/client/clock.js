// The time, as a value that tests can replace.

/**
 * @typedef {object} Clock
 * @property {() => number} now Returns milliseconds that never go back.
 * @property {(run: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/** The clock of the browser. @type {Clock} */
export const browserClock = {
  now: () => globalThis.performance.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
};

/** One timer: setting it again forgets what it was set to. */
export class Timer {
  #clock;
  #set = null;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** Whether it will ring. */
  get isSet() {
    return this.#set !== null;
  }

  /**
   * @param {number} ms `Infinity` for never.
   * @param {() => void} run
   */
  set(ms, run) {
    this.clear();
    if (ms === Infinity) return;
    this.#set = this.#clock.setTimeout(() => {
      this.#set = null;
      run();
    }, ms);
  }

  clear() {
    if (this.#set !== null) this.#clock.clearTimeout(this.#set);
    this.#set = null;
  }
}
