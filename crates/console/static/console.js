// Makes the console alive. Without it every page works the same, and shows what was when it was loaded.
//
// The server says only that something has changed. The page is then fetched again, and what is different is put in place.
// A form that somebody is using stays as it is, and so do the focus and the place to which one has scrolled. A page on
// which somebody decides never changes by itself: it offers to show what is new.

const RETRY_FIRST = 1000;
const RETRY_MOST = 30000;
const CALM = 1000;

const main = () => document.querySelector("main");
const mode = main().dataset.live;
const times = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});

// Shows times in the zone of the reader, and puts a button to copy beside each id.
function dress(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = times.format(at);
  }
  if (!navigator.clipboard) return;
  for (const id of root.querySelectorAll(".id")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.dataset.copy = id.title || id.textContent;
    button.setAttribute("aria-label", `Copy ${button.dataset.copy}`);
    button.textContent = "⧉";
    if (["DD", "TD"].includes(id.nodeName)) id.append(" ", button);
    else id.after(button);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say("Copied.");
  } catch {
    say(`The browser does not let this page copy. The id is ${button.dataset.copy}`);
  }
});

const line = document.createElement("p");
line.id = "live";
line.setAttribute("role", "status");
main().before(line);

function say(text, action) {
  line.replaceChildren(text);
  if (action) line.append(" ", action);
}

function shown(text, show) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", show);
  return button;
}

// Rows that come and go have a key, so that a link stays that of its row.
const keyOf = (node) => (node.nodeType === 1 ? node.id || node.dataset.key || "" : "");
const isLike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function isUsed(form) {
  if (form.contains(document.activeElement) && document.activeElement.type !== "submit") return true;
  return [...form.elements].some((field) =>
    field.nodeName === "SELECT"
      ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected))
      : "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue);
}

// Makes `old` like `fresh`, and keeps each node that both have.
function put(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== 1) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.nodeName === "FORM" && isUsed(old)) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const stay = new Set([...fresh.childNodes].map(keyOf));
  const keyed = new Map();
  for (const child of [...old.childNodes]) {
    if (!stay.has(keyOf(child))) child.remove();
    else if (keyOf(child)) keyed.set(keyOf(child), child);
  }
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const known = keyOf(child) ? keyed.get(keyOf(child)) : next;
    // A node that is moved loses the focus, so what is before it goes instead.
    while (keyOf(child) && known && next && next !== known && !keyOf(next)) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
    if (known && isLike(known, child)) {
      if (known !== next) old.insertBefore(known, next);
      else next = next.nextSibling;
      put(known, child);
    } else {
      old.insertBefore(child, next);
    }
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

let asServed = main().innerHTML;

// Fetches the page again. Returns false if it is to be tried again later.
async function look() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
    ended();
    return true;
  }
  if (!answer.ok) return answer.status < 500;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  if (!fresh || fresh.innerHTML === asServed) return true;
  const show = () => {
    asServed = fresh.innerHTML;
    dress(fresh);
    put(main(), fresh);
    if (mode === "tell") {
      say("");
      main().tabIndex = -1;
      main().focus({ preventScroll: true });
    }
  };
  if (mode === "show") show();
  else say("This has changed since it was shown.", shown("Show it", show));
  return true;
}

let source = null;
let waiting = null;
let delay = RETRY_FIRST;
let isLooking = false;
let isDue = false;

function ended() {
  stop();
  document.removeEventListener("visibilitychange", visible);
  const link = document.createElement("a");
  link.href = "/sign-in";
  link.textContent = "Sign in";
  say("You are not signed in any more.", link);
}

// One look at a time, and never two within a second.
async function changed() {
  isDue = true;
  if (isLooking) return;
  isLooking = true;
  while (isDue && source) {
    isDue = false;
    try {
      if (!(await look())) lost();
    } catch {
      lost();
    }
    await new Promise((resolve) => setTimeout(resolve, CALM));
  }
  isLooking = false;
}

function stop() {
  source?.close();
  source = null;
  clearTimeout(waiting);
}

function lost() {
  if (!source) return;
  stop();
  document.documentElement.dataset.connection = "lost";
  waiting = setTimeout(start, delay * (0.5 + Math.random() / 2));
  delay = Math.min(delay * 2, RETRY_MOST);
}

function start() {
  stop();
  source = new EventSource("/changes");
  source.addEventListener("changed", () => {
    delay = RETRY_FIRST;
    document.documentElement.dataset.connection = "live";
    changed();
  });
  source.addEventListener("ended", ended);
  source.onerror = async () => {
    // The reason of a refusal is not told to scripts. A page that leads to signing in says it.
    const of = source;
    await look().catch(() => {});
    if (of && source === of) lost();
  };
}

// A tab that nobody sees asks for nothing: browsers have few connections to one server.
function visible() {
  if (document.hidden) stop();
  else start();
}

dress(document);
if (mode) {
  document.addEventListener("visibilitychange", visible);
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => event.persisted && visible());
  visible();
}
