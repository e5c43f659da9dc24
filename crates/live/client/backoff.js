// How long to wait before the next try.

/** Waits that grow with each failure: a random part of `first`, then of twice as much, and so on up to `most`. */
export class Backoff {
  #failures = 0;

  /**
   * @param {object} options
   * @param {number} options.first The longest first wait, in milliseconds.
   * @param {number} options.most The longest wait, in milliseconds.
   * @param {() => number} [options.random] Returns a number from 0 up to 1.
   */
  constructor({ first, most, random = Math.random }) {
    this.first = first;
    this.most = most;
    this.random = random;
  }

  /** Returns how long to wait now, in milliseconds, and counts one more failure. */
  next() {
    const ceiling = Math.min(this.most, this.first * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return ceiling * this.random();
  }

  /** Begins anew, after a success. */
  reset() {
    this.#failures = 0;
  }
}
