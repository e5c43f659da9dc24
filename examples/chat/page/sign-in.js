// Asks for a token, finds out whose it is, and keeps it in the tab.

import { copyOf, make, say } from "./dom.js";
import { Live } from "./live/live.js";

const KEY = "chat.token";

/** Returns a promise of `{user, token}`. The token is asked for in `place`, unless the tab has one that is known. */
export async function signIn(urls, place) {
  const kept = sessionStorage.getItem(KEY);
  const known = kept === null ? null : await whose(kept, urls).catch(() => null);
  return known ?? ask(urls, place);
}

/** Returns a promise of a new token of the same user, because the old one is good no more. */
export async function signInAgain(user, urls, place) {
  sessionStorage.removeItem(KEY);
  return (await ask(urls, place, user)).token;
}

function ask(urls, place, only) {
  const form = copyOf("sign-in-template");
  const input = make("input", { type: "password", required: true, autocomplete: "off" });
  form.querySelector(".fields").append(make("label", {}, only ? `Token of ${only}` : "Token", input));
  place.prepend(form);
  input.focus();
  const [error, button] = [form.querySelector(".error"), form.querySelector("button")];
  return new Promise((done) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        const known = await whose(input.value, urls);
        if (only && known.user !== only) throw new Error(`this is a token of ${known.user}`);
        sessionStorage.setItem(KEY, known.token);
        form.remove();
        done(known);
      } catch ({ message }) {
        say(error, message);
        button.disabled = false;
      }
    });
  });
}

/** Returns a promise of `{user, token}`: the server says whose a token is. Rejects if it is nobody's. */
function whose(token, urls) {
  return new Promise((resolve, reject) => {
    const live = new Live({
      urls, token,
      onstate: ({ name, user, reason, code }) => {
        if (name === "open") resolve({ user, token });
        else if (name === "closed" && code !== 1000) reject(new Error(reason || `the server has closed it (${code})`));
        else return;
        // Not within its own callback: it may still be in its constructor.
        queueMicrotask(() => live.close());
      },
    });
  });
}
