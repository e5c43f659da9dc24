// One WebSocket, from the hello to its end. It is never used again afterwards.

import { Timer } from "./clock.js";

const HELLO_WITHIN = 5_000;
const LONGEST_PING = 5_000;

/**
 * A connection to one server. It says hello, pings, and gives up if the server is silent for two heartbeats.
 * `onwelcome` is called at most once, `onframe` for each later frame, and `onclosed` exactly once, unless `close` is
 * called.
 */
export class Connection {
  #socket;
  #on;
  #clock;
  #silence;
  #heard;
  #welcomed = null;
  #over = false;

  /**
   * @param {string} url
   * @param {object} hello The frame `hello`.
   * @param {object} options
   * @param {typeof WebSocket} options.WebSocket
   * @param {import("./clock.js").Clock} options.clock
   * @param {(welcome: object) => void} options.onwelcome
   * @param {(frame: object) => void} options.onframe
   * @param {(end: {code: number, reason: string, lasted: number}) => void} options.onclosed Is told the close code and
   *   reason, and for how many milliseconds the server had been known to us. The code is 1006 if the line broke, or if
   *   this side gave up.
   */
  constructor(url, hello, { WebSocket, clock, ...on }) {
    this.#on = on;
    this.#clock = clock;
    this.#silence = new Timer(clock);
    this.#heard = clock.now();
    this.#socket = new WebSocket(url);
    this.#silence.set(HELLO_WITHIN, () => this.fail("no answer to hello"));
    this.#socket.onopen = () => this.#socket.send(JSON.stringify(hello));
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => this.#end(code, reason);
    // The event `close` follows and says more.
    this.#socket.onerror = () => {};
  }

  /** Sends the text of a frame. It is lost if the line breaks. */
  send(text) {
    if (!this.#over && this.#socket.readyState === 1) this.#socket.send(text);
  }

  /** Ends the connection and reports it, because it is of no use. */
  fail(reason) {
    this.#end(1006, reason);
    this.#discard();
  }

  /** Ends the connection without a report. */
  close() {
    this.#finish();
    this.#discard();
  }

  #receive(data) {
    if (this.#over) return;
    const frame = parse(data);
    if (!frame) {
      this.fail("a frame could not be read");
      return;
    }
    this.#heard = this.#clock.now();
    if (this.#welcomed !== null) this.#on.onframe(frame);
    else if (frame.type === "welcome") this.#welcome(frame);
  }

  #welcome(frame) {
    this.#welcomed = this.#heard;
    this.#ping(frame.heartbeat_ms ?? 20_000);
    this.#on.onwelcome(frame);
  }

  #ping(heartbeat) {
    this.#silence.set(Math.min(heartbeat / 2, LONGEST_PING), () => {
      if (this.#clock.now() - this.#heard > 2 * heartbeat) {
        this.fail("the server is silent");
        return;
      }
      this.send('{"type":"ping"}');
      this.#ping(heartbeat);
    });
  }

  #end(code, reason) {
    if (this.#over) return;
    this.#finish();
    const lasted = this.#welcomed === null ? 0 : this.#clock.now() - this.#welcomed;
    this.#on.onclosed({ code, reason, lasted });
  }

  #finish() {
    this.#over = true;
    this.#silence.clear();
  }

  /** Lets go of the socket. Its closing handshake may take long; nobody waits for it. */
  #discard() {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }
}

function parse(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
