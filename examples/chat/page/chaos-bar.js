// The controls that make the lines bad, cut them, and kill servers.

import { make, title } from "./dom.js";

/**
 * Shows the chaos bar.
 * @param {import("./chaos.js").Chaos} chaos
 * @param {{user: string, cut: () => void, url: () => string}[]} lines
 * @param {boolean} mayKill
 * @returns {() => void} shows the settings again, after they were changed elsewhere
 */
export function showChaosBar(chaos, lines, mayKill) {
  const form = document.getElementById("chaos");
  const dials = [...form.querySelectorAll("input")];
  const show = () => {
    for (const dial of dials) {
      dial.value = chaos[dial.name];
      dial.nextElementSibling.textContent = `${chaos[dial.name]} ${dial.name === "delay" ? "ms" : "%"}`;
    }
  };
  form.addEventListener("input", ({ target }) => {
    chaos.set({ [target.name]: target.value });
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const { user, cut } of lines) {
    form.querySelector(".breaks").append(breaker("cut", user, `Cut ${title(user)}'s line`, cut));
  }
  for (const { user, url } of mayKill ? lines : []) {
    const text = lines.length > 1 ? `Kill ${title(user)}'s server` : "Kill the server";
    form.querySelector(".breaks").append(breaker("kill", user, text, () => kill(url())));
  }
  form.hidden = false;
  show();
  return show;
}

function breaker(what, user, textContent, run) {
  const button = make("button", { type: "button", textContent, dataset: { do: what, user } });
  button.addEventListener("click", run);
  return button;
}

/** Asks the server behind a connection to die at once. It has no time to answer. */
function kill(url) {
  const target = new URL(url);
  target.protocol = target.protocol === "wss:" ? "https:" : "http:";
  target.pathname = "/chaos/kill";
  fetch(target, { method: "POST", mode: "no-cors" }).catch(() => {});
}
