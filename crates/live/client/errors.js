// What a caller is told when a request has no good end.

/**
 * A request of `Live` that came to nothing. `reason` is what a program decides on; `message` is for people.
 *
 * `reason` is that of the frame `refused` (`invalid`, `denied`, `rejected`, `conflict`, `reused`, `broken`), or one of
 * this module: `aborted` (the caller gave up), `closed` (the connection was closed for good), `left` (the stream was
 * left), `resync` (what was read so far is not the history of the stream any more). After `aborted` and `closed` a
 * command may have taken effect all the same.
 */
export class LiveError extends Error {
  /**
   * @param {object} refused
   * @param {string} refused.reason
   * @param {string} [refused.message]
   * @param {string} [refused.code] The application's own code, if the reason is `rejected`.
   * @param {object} [refused.details] What belongs to the code.
   * @param {object[]} [refused.intervening] The events of a `conflict` that the sender had not seen.
   */
  constructor({ reason, message = reason, code, details, intervening = [] }) {
    super(message);
    this.name = "LiveError";
    this.reason = reason;
    this.code = code;
    this.details = details;
    this.intervening = intervening;
  }
}
