// The page: reads its configuration, and puts everything together.

import { Agreement } from "./agreement.js";
import { Chaos, chaoticWebSocket } from "./chaos.js";
import { showChaosBar } from "./chaos-bar.js";
import { Live } from "./live/live.js";
import { make } from "./dom.js";
import { Pane } from "./pane.js";
import { signIn, signInAgain } from "./sign-in.js";

/** A repeated frame costs little here, and the lines are bad on purpose. */
const PATIENCE = { answer: 1_000 };

async function begin() {
  const place = document.getElementById("panes");
  const { panes: configs, asks, mayKill, token } = await configure(place);
  const chaos = new Chaos();
  const panes = [];
  const lines = [];
  const agreement = new Agreement(panes);
  for (const config of configs) {
    const { user, urls } = config;
    const Line = chaoticWebSocket(chaos);
    const who = asks ? { token, onauth: () => signInAgain(user, urls, pane.element) } : { user };
    const connect = (onstate) => new Live({ urls, onstate, WebSocket: Line, patience: PATIENCE, ...who });
    const pane = new Pane(config, connect, () => panes.length === configs.length && agreement.changed());
    panes.push(pane);
    lines.push({ user, cut: () => Line.cut(), url: () => pane.live.state.url });
    place.append(pane.element);
  }
  agreement.changed();
  const showChaos = showChaosBar(chaos, lines, mayKill);
  window.addEventListener("online", () => panes.forEach(({ live }) => live.connect()));
  window.chat = forTests(panes, lines, (settings) => {
    chaos.set(settings);
    showChaos();
  });
}

/**
 * Returns a promise of the configuration of each pane. A server that asks who users are shows one pane, to the user
 * whose token it is. On a server that asks nobody, `?user=NAME` in the address shows one pane of that user, and
 * `&with=OTHER` the conversation with another.
 */
async function configure(place) {
  const { user: wanted, with: other } = Object.fromEntries(new URLSearchParams(location.search));
  const config = await read({ user: wanted, with: other });
  if (!config.asks) return config;
  const { user, token } = await signIn(config.panes[0].urls, place);
  return { ...(await read({ user, with: other })), token };
}

async function read(wanted) {
  const known = Object.entries(wanted).filter(([, value]) => value !== undefined);
  const response = await fetch(`config.json?${new URLSearchParams(known)}`);
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  const { panes, stream, asks, may_kill: mayKill } = await response.json();
  return { panes: panes.map((pane) => ({ stream, ...pane })), asks, mayKill };
}

/**
 * What tests and curious people may use from outside: for each user what is said, shown and known of the open
 * conversation, and the chaos. `transcript` and `hash` are of all that is loaded.
 */
function forTests(panes, lines, chaos) {
  const handle = (pane) => ({
    say: (text) => pane.say(text),
    transcript: () => pane.transcript(),
    hash: () => pane.hash(),
    older: () => pane.room.older(),
    pending: () => pane.room?.outbox.pending ?? 0,
    state: () => ({ ...pane.live.state, ...stateOf(pane.room) }),
  });
  return {
    panes: Object.fromEntries(panes.map((pane) => [pane.user, handle(pane)])),
    chaos,
    cut: (user) => lines.find((line) => line.user === user).cut(),
  };
}

function stateOf(room) {
  if (!room) return { room: null };
  const { stream, state, unread, conversation: { first, last }, outbox } = room;
  const failed = outbox.entries.filter((entry) => entry.state === "failed").length;
  return { stream, room: state, first, last, failed, unread };
}

try {
  await begin();
} catch (error) {
  const text = `The chat cannot begin: ${error.message}`;
  document.getElementById("panes").append(make("p", { className: "notice", role: "alert", textContent: text }));
  throw error;
}
