// Follows streams over a WebSocket, and sends commands to them: the client of docs/live-protocol.md.

import { Asks } from "./asks.js";
import { Backoff } from "./backoff.js";
import { browserClock } from "./clock.js";
import { Connection } from "./connection.js";
import { LiveError } from "./errors.js";
import { Sender } from "./sender.js";
import { Stream } from "./stream.js";

export { LiveError };

const PROTOCOL = 1;
const LIMITS = { frame_bytes: 65_536, streams: 100, page: 200 };
/** A connection that lasted so long was a success, whatever ended it. One that ends sooner counts as a failure. */
const SUCCESS = 1_000;
/** After these the same connection would end in the same way. */
const FINAL_CODES = [1009, 4400, 4403];

/**
 * An event of a stream, as docs/live-protocol.md says.
 * @typedef {object} LiveEvent
 * @property {number} sequence
 * @property {string} id
 * @property {string} at
 * @property {string} type
 * @property {any} [data]
 * @property {string} [base64]
 * @property {string} [actor]
 * @property {string} [external_id]
 */

/**
 * What the connection does. `connecting`; `open`; `waiting` for the next try at `until` (by `now`; without it for
 * `onauth`); or `closed` until `connect` is called, with the code and the reason of the last end.
 * @typedef {object} LiveState
 * @property {"connecting" | "open" | "waiting" | "closed"} name
 * @property {string} url The server in question.
 * @property {string} [user] Who the server says we are.
 * @property {number} [until]
 * @property {number} [delay] How long after this call `until` is, in milliseconds.
 * @property {number} [code]
 * @property {string} [reason]
 */

/**
 * What an application is told of a stream. Each is optional.
 * @typedef {object} StreamCallbacks
 * @property {number} [limit] How many of the newest events to begin with, 1 to 200; 50 if it is left out.
 * @property {boolean} [retryDenied] Tries again, with back-off, after `denied` and after `left` with `removed`.
 * @property {(joined: {recovered: boolean, head: number | null, view: any, first: number}) => void} [onjoined] The
 *   stream is joined. `first` is the sequence of the next event that `onevents` gets. If `recovered` is `false`, it
 *   begins anew: forget all earlier events. `view` is as of `head`, which may be before or after `first`.
 * @property {(events: LiveEvent[]) => void} [onevents] The next events: in order, without a gap, each once.
 * @property {(users: Record<string, string[]>, more: number) => void} [onpresent] Who is here, with their
 *   signals, and how many more there are.
 * @property {(why: string) => void} [onleft] `removed`, or a reason after which it is joined again by itself.
 * @property {(why: string) => void} [onresync] What was seen is not the history of this stream: forget it. The stream
 *   is joined anew by itself.
 * @property {() => void} [ondenied] The stream may not be read, or does not exist.
 */

/** A client of live streams. It connects when it is made, and again whenever the connection is lost. */
export class Live {
  #options;
  #line;
  #asks;
  #backoff;
  #connection = null;
  #state;
  #url = 0;
  #timer = null;
  #token;
  #epoch = null;
  #limits = LIMITS;
  #streams = new Map();
  #senders = new Map();

  /**
   * Throws a `TypeError` if there is no URL, or one that is none.
   * @param {object} options
   * @param {string[]} options.urls Servers of one application. They are tried in turn.
   * @param {string} [options.token] Says who we are, or
   * @param {string} [options.user] says it to a server that asks nobody.
   * @param {(state: LiveState) => void} [options.onstate] Is told each change of the state.
   * @param {(end: {code: number, reason: string}) => Promise<string | undefined> | string | undefined} [options.onauth]
   *   Returns a new token after 4401. If it returns none or fails, the state becomes `closed`.
   * @param {(error: unknown) => void} [options.onfault] Is told what a callback of the application threw. By default it
   *   becomes an uncaught error.
   * @param {typeof WebSocket} [options.WebSocket]
   * @param {() => number} [options.now] Milliseconds that never go back.
   * @param {Function} [options.setTimeout]
   * @param {Function} [options.clearTimeout]
   * @param {() => number} [options.random]
   * @param {object} [options.patience] `gap`: how long events may be missing before they are asked for (300 ms);
   *   `again`: how long until they are asked for once more (1 s); `answer`: how long until a command or a read is sent
   *   once more (5 s).
   */
  constructor(options) {
    if (!Array.isArray(options.urls) || options.urls.length === 0) throw new TypeError("there must be a URL");
    for (const url of options.urls) new URL(url);
    const { now, setTimeout, clearTimeout, random = Math.random } = options;
    const clock = { ...browserClock, ...defined({ now, setTimeout, clearTimeout }) };
    this.#options = { WebSocket: globalThis.WebSocket, ...options };
    this.#token = options.token;
    this.#backoff = new Backoff({ first: 100, most: 10_000, random });
    this.#asks = new Asks(clock, (text) => this.#connection?.send(text));
    this.#line = {
      clock,
      random,
      patience: { gap: 300, again: 1_000, answer: 5_000, ...options.patience },
      isOpen: () => this.#state.name === "open",
      epoch: () => this.#epoch,
      limits: () => this.#limits,
      send: (frame) => this.#connection?.send(JSON.stringify(frame)),
      ask: (frame, every, done) => this.#asks.ask(frame, every, done),
      restart: (reason) => this.#connection?.fail(reason),
      tell: (callback, ...what) => this.#tell(callback, ...what),
    };
    this.#state = { name: "closed", url: options.urls[0] };
    this.connect();
  }

  /** What the connection does now. @returns {LiveState} */
  get state() {
    return { ...this.#state };
  }

  /**
   * Connects now, if it is waiting or closed; for example because the browser is online again, or with a new token.
   * @param {{token?: string}} [options]
   */
  connect({ token } = {}) {
    if (token !== undefined) this.#token = token;
    if (this.#connection) return;
    this.#clearTimer();
    const url = this.#options.urls[this.#url];
    const hello = { type: "hello", protocol: PROTOCOL, ...defined({ token: this.#token, user: this.#options.user }) };
    this.#become({ name: "connecting", url });
    this.#connection = new Connection(url, hello, {
      WebSocket: this.#options.WebSocket,
      clock: this.#line.clock,
      onwelcome: (welcome) => this.#welcomed(welcome),
      onframe: (frame) => this.#receive(frame),
      onclosed: (end) => this.#closed(end),
    });
  }

  /**
   * Joins a stream, over all connections until it is left.
   * Throws a `TypeError` if the name is none, or if it is joined already.
   * @param {string} stream `DOMAIN/ROOT`
   * @param {StreamCallbacks} [callbacks]
   * @returns {Stream} with `leave()`, `read(from, through)` and `signal(name, forMs)`
   */
  join(stream, callbacks = {}) {
    check(stream);
    if (this.#streams.has(stream)) throw new TypeError(`${stream} is joined already`);
    const limit = Math.min(200, Math.max(1, callbacks.limit ?? 50));
    const joined = new Stream(stream, { ...callbacks, limit }, this.#line, () => this.#streams.delete(stream));
    this.#streams.set(stream, joined);
    joined.connected();
    return joined;
  }

  /**
   * Sends a command until it has its final answer, over as many connections as it takes. The commands of one stream are
   * sent one after another. The stream need not be joined.
   *
   * Returns a promise of `{outcome, first, last}`. Rejects with a `LiveError` on a final refusal, if `signal` aborts,
   * and if `close` is called. Throws a `TypeError` if the name of the stream is none.
   * @param {string} stream
   * @param {string} id The idempotency key: the command takes effect once, however often it is sent.
   * @param {object} command What the application defines.
   * @param {object} [options]
   * @param {number} [options.expect] The sequence that the sender believes is current.
   * @param {AbortSignal} [options.signal] Gives up. The command may have taken effect all the same.
   * @returns {Promise<{outcome: string, first?: number, last?: number}>}
   */
  send(stream, id, command, { expect, signal } = {}) {
    check(stream);
    let sender = this.#senders.get(stream);
    if (!sender) this.#senders.set(stream, (sender = new Sender(stream, this.#line)));
    const answer = sender.send({ id, command, ...defined({ expect }) }, signal);
    return answer
      .finally(() => sender.isIdle && this.#senders.get(stream) === sender && this.#senders.delete(stream))
      .then(({ outcome, first, last }) => ({ outcome, first, last }));
  }

  /** Ends everything: leaves all streams, and rejects all that has no answer yet. */
  close() {
    this.#clearTimer();
    this.#connection?.close();
    this.#connection = null;
    this.#become({ name: "closed", url: this.#state.url, code: 1000, reason: "closed by the application" });
    const error = new LiveError({ reason: "closed" });
    for (const stream of this.#streams.values()) stream.close(error);
    for (const sender of this.#senders.values()) sender.close(error);
    this.#streams.clear();
    this.#senders.clear();
    this.#asks.lose();
  }

  #welcomed({ user, epoch, limits }) {
    this.#epoch = epoch;
    this.#limits = { ...LIMITS, ...limits };
    this.#become({ name: "open", url: this.#state.url, user });
    for (const stream of [...this.#streams.values()]) stream.connected();
    for (const sender of [...this.#senders.values()]) sender.pump();
  }

  #receive(frame) {
    if (frame.type === "pong") this.#heads(frame.heads ?? {});
    else this.#streams.get(frame.stream)?.receive(frame);
    if (frame.ref !== undefined) this.#asks.answer(frame);
  }

  #heads(heads) {
    for (const stream of [...this.#streams.values()]) stream.heard(heads[stream.stream]);
    // The word that it was left has been lost.
    const left = Object.keys(heads).filter((stream) => !this.#streams.has(stream));
    for (const stream of left) this.#line.send({ type: "leave", stream });
  }

  #closed({ code, reason, lasted }) {
    this.#connection = null;
    const { url } = this.#state;
    if (lasted >= SUCCESS) this.#backoff.reset();
    // What follows from the loss must not find the connection open.
    this.#state = { name: "waiting", url, code, reason };
    for (const stream of [...this.#streams.values()]) stream.disconnected();
    this.#asks.lose();
    this.#url = (this.#url + 1) % this.#options.urls.length;
    if (FINAL_CODES.includes(code)) this.#become({ name: "closed", url, code, reason });
    else if (code === 4401) this.#authenticate({ code, reason });
    else this.#wait({ code, reason, delay: this.#delay(code, lasted) });
  }

  #delay(code, lasted) {
    if (code === 1012 && lasted >= SUCCESS) return 0;
    const delay = this.#backoff.next();
    return code === 4429 ? 5_000 + delay : delay;
  }

  #wait({ code, reason, delay }) {
    const until = this.#line.clock.now() + delay;
    this.#timer = this.#line.clock.setTimeout(() => this.connect(), delay);
    this.#become({ name: "waiting", url: this.#options.urls[this.#url], until, delay, code, reason });
  }

  async #authenticate(end) {
    const waiting = { name: "waiting", url: this.#state.url, ...end };
    this.#become(waiting);
    const isCurrent = () => this.#state === waiting;
    let token;
    try {
      token = await this.#options.onauth?.(end);
    } catch (error) {
      this.#fault(error);
    }
    if (!isCurrent()) return;
    if (token) {
      this.#token = token;
      this.#wait({ ...end, delay: this.#backoff.next() });
    } else {
      this.#become({ ...waiting, name: "closed" });
    }
  }

  #become(state) {
    this.#state = state;
    this.#tell(this.#options.onstate, { ...state });
  }

  #clearTimer() {
    if (this.#timer !== null) this.#line.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Calls back the application, whose faults are not ours. */
  #tell(callback, ...what) {
    try {
      callback?.(...what);
    } catch (error) {
      this.#fault(error);
    }
  }

  #fault(error) {
    if (this.#options.onfault) this.#options.onfault(error);
    else queueMicrotask(() => { throw error; });
  }
}

function check(stream) {
  if (!/^[^/\s]+\/[^/\s]+$/.test(stream)) throw new TypeError(`${stream} is no stream: it must be DOMAIN/ROOT`);
}

/** Returns an object without its undefined fields. */
function defined(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
