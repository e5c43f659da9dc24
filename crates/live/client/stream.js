// One joined stream: where the application is in it, and how it gets there again.

import { Backoff } from "./backoff.js";
import { Timer } from "./clock.js";
import { LiveError } from "./errors.js";
import { Gaps } from "./gaps.js";
import { History } from "./history.js";
import { Resequencer } from "./resequencer.js";

const MOST_EARLY = 1_000;
/** A join is asked this often, and has its answer within this time, or the connection is given up. */
const JOINS = 3;
const JOIN_WITHIN = 5_000;

/**
 * What `Live.join` returns: a stream that is joined until `leave`, over all connections.
 */
export class Stream {
  #id;
  #options;
  #line;
  #leave;
  /** `waiting` for a connection or the next try, `joining`, `joined`, `out` (denied or removed), or `left` for good. */
  #state = "waiting";
  /** The last event that the application got: `{epoch, sequence, event}`. */
  #place = null;
  /** The place in the join that has no answer yet. */
  #asked = null;
  #joins = 0;
  #unheard = 0;
  /** Events that came before the answer to the join. */
  #early = [];
  #resequencer;
  #gaps;
  #history;
  #timer;
  #retries;

  /** Use `Live.join`. */
  constructor(id, options, line, leave) {
    this.#id = id;
    this.#options = options;
    this.#line = line;
    this.#leave = leave;
    const { gap: patience, again } = line.patience;
    this.#resequencer = new Resequencer({ limit: MOST_EARLY, patience, again });
    this.#gaps = new Gaps(id, this.#resequencer, line);
    this.#history = new History(id, line, () => this.isJoined);
    this.#timer = new Timer(line.clock);
    this.#retries = new Backoff({ first: 1_000, most: 10_000, random: line.random });
  }

  /** The name of the stream, `DOMAIN/ROOT`. */
  get stream() {
    return this.#id;
  }

  /** Whether events come as they are recorded. */
  get isJoined() {
    return this.#state === "joined";
  }

  /** The last event that the application got, as a copy, or `null`. */
  get place() {
    return this.#place && { ...this.#place };
  }

  /**
   * Returns a promise of the events from one sequence through another, both included, in order. There are fewer if the
   * stream ends before. They do not go to `onevents`. It waits for connections as long as it takes.
   *
   * Rejects with a `LiveError`: that of the refusal, `left`, `resync` or `closed`.
   * @param {number} from
   * @param {number} through
   * @returns {Promise<import("./live.js").LiveEvent[]>}
   */
  read(from, through) {
    if (this.#state === "left") return Promise.reject(new LiveError({ reason: "left" }));
    return this.#history.read(from, through);
  }

  /**
   * Tells the others in the stream something that is never recorded, such as `typing`. It is lost without a word if the
   * stream is not joined at the moment.
   * @param {string} name
   * @param {number} forMs How long it lasts, at most 30,000.
   */
  signal(name, forMs) {
    if (this.isJoined) this.#line.send({ type: "signal", stream: this.#id, signal: name, for_ms: forMs });
  }

  /** Leaves the stream. Nothing of it is told afterwards. */
  leave() {
    if (this.#state === "left") return;
    if (this.#state !== "waiting") this.#line.send({ type: "leave", stream: this.#id });
    this.close(new LiveError({ reason: "left" }));
    this.#leave();
  }

  /** For `Live`: ends it, with the error that open reads get. */
  close(error) {
    this.#rest("left");
    this.#history.close(error);
  }

  /** For `Live`: joins, if a connection is there. */
  connected() {
    if (this.#state !== "waiting" || this.#timer.isSet || !this.#line.isOpen()) return;
    this.#state = "joining";
    this.#joins = 0;
    this.#early = [];
    this.#asked = this.#place;
    this.#askToJoin();
  }

  /** For `Live`: the connection is lost. */
  disconnected() {
    if (this.#state === "joining" || this.#state === "joined") this.#rest("waiting");
  }

  /** For `Live`: a `pong` came, with the last sequence of this stream or without it. */
  heard(head) {
    if (!this.isJoined) return;
    if (head !== undefined) {
      this.#unheard = 0;
      this.#gaps.saw(head);
    } else if (this.#place && (this.#unheard += 1) >= 2) {
      // The server does not know that it was joined, or said that it is not and the word was lost.
      this.#again();
    }
  }

  /** For `Live`: a frame of this stream came. */
  receive(frame) {
    if (this.#state === "left") return;
    if (frame.type === "events") this.#receiveEvents(frame.events);
    else if (frame.type === "page") this.#take(frame.events);
    else if (frame.type === "joined") this.#receiveJoined(frame);
    else if (frame.type === "resync") this.#receiveResync(frame);
    else if (frame.type === "denied") this.#receiveDenied();
    else if (frame.type === "left") this.#receiveLeft(frame.why);
    else if (frame.type === "present" && this.isJoined) this.#tell("onpresent", frame.users, frame.more ?? 0);
  }

  #askToJoin() {
    if ((this.#joins += 1) > JOINS) {
      this.#line.restart("no answer to a join");
      return;
    }
    const frame = { type: "join", stream: this.#id };
    if (this.#asked) frame.after = this.#asked;
    else frame.limit = this.#options.limit;
    this.#line.send(frame);
    if (this.#state === "joining") this.#timer.set(JOIN_WITHIN / JOINS, () => this.#askToJoin());
  }

  #receiveEvents(events) {
    if (this.isJoined) this.#take(events);
    else if (this.#state === "joining" && this.#early.length < MOST_EARLY) this.#early.push(...events);
  }

  #receiveJoined(frame) {
    if (this.#state === "joining") {
      const goesOn = this.#asked !== null && this.#recovers(frame);
      if (this.#asked && !goesOn) this.#forget("not_recovered");
      if (frame.recovered && !goesOn) this.#again();
      else if (this.#state === "joining") this.#join(frame);
    } else if (this.isJoined) {
      // It answers a join that was repeated.
      this.#take(frame.events);
      this.#gaps.saw(frame.head);
    }
  }

  /** Whether what follows is what follows the place that was asked for. */
  #recovers(frame) {
    const { epoch, sequence } = this.#asked;
    return frame.recovered && epoch === this.#line.epoch() && frame.head !== null && frame.head >= sequence;
  }

  #join(frame) {
    const { recovered, head, view, events } = frame;
    this.#state = "joined";
    this.#timer.clear();
    this.#retries.reset();
    this.#unheard = 0;
    const next = head === null ? 0 : head + 1;
    const first = recovered ? this.#place.sequence + 1 : (events[0]?.sequence ?? next);
    if (!recovered) this.#place = null;
    this.#resequencer.forget(this.#id);
    this.#resequencer.beginAt(this.#id, first);
    this.#tell("onjoined", { recovered, head, view, first });
    if (!this.isJoined) return;
    this.#gaps.watch();
    this.#take([...events, ...this.#early.splice(0)]);
    if (!this.isJoined) return;
    this.#gaps.saw(head);
    this.#history.resume();
  }

  #receiveResync(frame) {
    // Without a place in the question it answers an earlier one.
    if (this.#state !== "joining" || !this.#asked) return;
    this.#forget(frame.why);
    this.#again();
  }

  #receiveDenied() {
    if (this.#state !== "joining") return;
    this.#rest("out");
    this.#tell("ondenied");
    if (this.#options.retryDenied) this.#later();
  }

  #receiveLeft(why) {
    if (why === "asked" || (this.#state !== "joined" && this.#state !== "joining")) return;
    this.#rest("out");
    this.#tell("onleft", why);
    if (why !== "removed" || this.#options.retryDenied) this.#later();
  }

  /** Joins after a while, if the application has not left meanwhile. */
  #later() {
    if (this.#state !== "out") return;
    this.#state = "waiting";
    this.#timer.set(500 + this.#retries.next(), () => this.connected());
  }

  /** Joins now. */
  #again() {
    if (this.#state === "left") return;
    this.#rest("waiting");
    this.connected();
  }

  #rest(state) {
    this.#state = state;
    this.#timer.clear();
    this.#gaps.rest();
  }

  #forget(why) {
    this.#place = null;
    this.#asked = null;
    this.#resequencer.forget(this.#id);
    this.#history.close(new LiveError({ reason: "resync" }));
    this.#tell("onresync", why);
  }

  /** Takes in events, however they came, and hands to the application what is next. */
  #take(events) {
    if (!this.isJoined) return;
    const ready = [];
    let early = false;
    for (const event of events) {
      const offered = this.#resequencer.offer(this.#id, event.sequence, event);
      if (offered.fate === "ready") ready.push(...offered.events);
      else if (offered.fate !== "repeated") early = true;
    }
    if (early) this.#gaps.held();
    if (ready.length === 0) return;
    const last = ready.at(-1);
    this.#place = { epoch: this.#line.epoch(), sequence: last.sequence, event: last.id };
    this.#gaps.moved();
    this.#tell("onevents", ready);
  }

  #tell(name, ...what) {
    this.#line.tell(this.#options[name], ...what);
  }
}
