// What is done with messages, by mouse, touch and keyboard.

import { EditForm } from "./editing.js";
import { setText } from "./dom.js";

/** How long the second click that deletes is waited for, in milliseconds. */
const SURE_WITHIN = 4_000;

/** Lets a reader act on the messages in a list. */
export class Actions {
  #list;
  #room;

  /**
   * @param {HTMLElement} element The element of all messages.
   * @param {import("./message-list.js").MessageList} list
   * @param {() => import("./room.js").Room} room Returns the open room.
   */
  constructor(element, list, room) {
    this.#list = list;
    this.#room = room;
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["pointerover", "focusin"]) {
      element.addEventListener(name, (event) => this.#item(event.target)?.showActions());
    }
    for (const name of ["pointerout", "focusout"]) element.addEventListener(name, (event) => this.#left(event));
    element.addEventListener("focusin", (event) => this.#list.reach(event.target.closest(".message")));
  }

  #item(target) {
    const element = target.closest(".message");
    return element && this.#list.item(element.dataset.message);
  }

  #left({ target, relatedTarget }) {
    const element = target.closest(".message");
    if (!element || element.contains(relatedTarget)) return;
    // The other of the two may still be there.
    queueMicrotask(() => {
      if (!element.matches(":hover") && !element.contains(document.activeElement)) this.#item(element)?.hideActions();
    });
  }

  #clicked({ target }) {
    const button = target.closest("[data-do]");
    const item = button && this.#item(button);
    if (!item) return;
    const room = this.#room();
    const { message } = item.element.dataset;
    const what = button.dataset.do;
    if (what === "react") this.#try(item, room.react(message, button.dataset.emoji));
    else if (what === "edit") this.#edit(item, room);
    else if (what === "delete") this.#delete(item, room, button);
    else if (what === "retry") room.outbox.retry(message);
    else if (what === "discard") room.outbox.discard(message);
  }

  async #try(item, done) {
    item.complain("");
    try {
      await done;
    } catch ({ message }) {
      item.complain(`Not done: ${message}`);
    }
  }

  #delete(item, room, button) {
    if (button.dataset.sure) {
      this.#try(item, room.delete(item.message.id));
      return;
    }
    const text = button.textContent;
    button.dataset.sure = "true";
    setText(button, "Really delete?");
    setTimeout(() => {
      delete button.dataset.sure;
      setText(button, text);
    }, SURE_WITHIN);
  }

  #edit(item, room) {
    if (item.editing) return;
    const form = new EditForm(room, item.message, () => {
      const hadFocus = form.element.contains(document.activeElement);
      form.element.remove();
      item.editing = null;
      item.element.classList.remove("editing");
      if (hadFocus) item.element.focus();
    });
    item.editing = form;
    item.hideActions();
    item.element.classList.add("editing");
    item.element.querySelector(".bubble").append(form.element);
    form.focus();
  }

  /** The arrow keys go from message to message. */
  #key(event) {
    const element = event.target.closest(".message");
    const all = element?.parentElement.children;
    const to = {
      ArrowUp: element?.previousElementSibling,
      ArrowDown: element?.nextElementSibling,
      Home: all?.[0],
      End: all?.[all.length - 1],
      Escape: element,
    }[event.key];
    if (!to) return;
    event.preventDefault();
    to.focus();
  }
}
