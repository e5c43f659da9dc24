// A bad line: a WebSocket that loses, repeats, overtakes and delays frames in both directions, and can be cut.

/** The latest that a frame is overtaken by others, in milliseconds. */
const OVERTAKEN_BY = 300;

/** How bad a line is. Lines that share these settings get better and worse together. */
export class Chaos {
  /** Percentages of the frames that are lost, come twice, and are overtaken by later ones. */
  drop = 0;
  duplicate = 0;
  reorder = 0;
  /** How long a frame is on its way, in milliseconds, give or take a half. */
  delay = 0;

  /** Changes some of the settings. Numbers are brought into their bounds; whatever is no number is ignored. */
  set(settings) {
    const most = { drop: 100, duplicate: 100, reorder: 100, delay: 10_000 };
    for (const [name, limit] of Object.entries(most)) {
      const wanted = Number(settings[name] ?? NaN);
      if (!Number.isNaN(wanted)) this[name] = Math.min(limit, Math.max(0, wanted));
    }
  }

  /** Returns whether something with a probability in percent happens now. */
  happens(percent) {
    return Math.random() * 100 < percent;
  }
}

/**
 * Returns a class that can stand in for `WebSocket`. Its sockets are as bad as `chaos` says at the time of each frame.
 * The class has a method `cut()`, which breaks all its open sockets at once.
 * @param {Chaos} chaos
 * @param {typeof WebSocket} Real
 */
export function chaoticWebSocket(chaos, Real = globalThis.WebSocket) {
  const open = new Set();
  return class ChaoticWebSocket {
    onopen = null;
    onmessage = null;
    onclose = null;
    onerror = null;
    #real;
    #closed = false;
    #out;
    #in;

    constructor(url) {
      this.#real = new Real(url);
      this.#out = new Direction(chaos, (text) => this.#real.readyState === 1 && this.#real.send(text));
      this.#in = new Direction(chaos, (text) => this.onmessage?.({ data: text }));
      this.#real.onopen = () => this.onopen?.({});
      this.#real.onmessage = ({ data }) => this.#in.pass(data);
      this.#real.onerror = () => this.onerror?.({});
      this.#real.onclose = ({ code, reason }) => this.#end(code, reason);
      open.add(this);
    }

    static cut() {
      for (const socket of [...open]) socket.#cut();
    }

    get readyState() {
      return this.#closed ? 3 : this.#real.readyState;
    }

    send(text) {
      if (!this.#closed) this.#out.pass(text);
    }

    /** What is still on its way is lost. */
    close() {
      this.#stop();
      this.#real.close();
    }

    #cut() {
      this.#real.close();
      this.#end(1006, "the line was cut");
    }

    #end(code, reason) {
      if (this.#closed) return;
      this.#stop();
      this.onclose?.({ code, reason });
    }

    #stop() {
      this.#closed = true;
      open.delete(this);
      this.#out.stop();
      this.#in.stop();
    }
  };
}

/** One direction of a line. */
class Direction {
  #chaos;
  #deliver;
  #timers = new Set();
  /** When the last frame that nothing overtakes will arrive. */
  #last = 0;

  constructor(chaos, deliver) {
    this.#chaos = chaos;
    this.#deliver = deliver;
  }

  pass(text) {
    const { drop, duplicate } = this.#chaos;
    if (this.#chaos.happens(drop)) return;
    this.#send(text);
    // A second hello is a fault of the client, not of the line.
    if (this.#chaos.happens(duplicate) && !text.startsWith('{"type":"hello"')) this.#send(text);
  }

  stop() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #send(text) {
    const now = performance.now();
    const { delay, reorder } = this.#chaos;
    let at = Math.max(this.#last, now + delay * (0.5 + Math.random()));
    if (this.#chaos.happens(reorder)) at += 1 + Math.random() * OVERTAKEN_BY;
    else this.#last = at;
    if (at <= now && this.#timers.size === 0) this.#deliver(text);
    else this.#later(at - now, text);
  }

  #later(ms, text) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#deliver(text);
    }, ms);
    this.#timers.add(timer);
  }
}
