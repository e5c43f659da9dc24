// The form in which an author changes a message, and settles a conflict with another device of the same author.

import { copyOf, say, setText } from "./dom.js";

/** An open form. It shows the text of others who were faster, and lets the author choose. */
export class EditForm {
  element = copyOf("edit-template");
  #room;
  #message;
  #close;
  /** The revision that the author has seen, and the sequence at which. */
  #revision;
  #seen;
  /** The texts of intervening events, which may come before the events themselves. */
  #theirs = null;
  #part = (name) => this.element.querySelector(name);

  /**
   * @param {import("./room.js").Room} room
   * @param {import("./conversation.js").Message} message
   * @param {() => void} close Takes the form away.
   */
  constructor(room, message, close) {
    this.#room = room;
    this.#message = message;
    this.#close = close;
    this.#look();
    this.#text.value = message.text;
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.#part("[data-do=cancel]").addEventListener("click", close);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Puts the cursor into it. */
  focus() {
    this.#text.focus();
    this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
  }

  /** Takes in that the message may have changed. */
  update() {
    const { revision, text, deleted } = this.#message;
    if (deleted) this.#complain("It was deleted meanwhile.", true);
    else if (revision > this.#revision) this.#collide({ revision, text });
  }

  get #text() {
    return this.#part("textarea");
  }

  #look() {
    this.#revision = this.#message.revision;
    this.#seen = this.#room.conversation.last;
  }

  async #save() {
    const text = this.#text.value;
    const known = this.#theirs?.text ?? this.#message.text;
    if (text.trim() === "" || text === known) {
      if (text === known) this.#close();
      return;
    }
    // Whoever saves now has seen theirs.
    if (this.#theirs) {
      this.#look();
      this.#revision = Math.max(this.#revision, this.#theirs.revision);
    }
    this.#busy(true);
    try {
      await this.#room.edit(this.#message.id, this.#revision, text, this.#seen);
      this.#close();
    } catch (error) {
      this.#busy(false);
      this.#refused(error);
    }
  }

  #refused({ intervening, details, code, message }) {
    const about = intervening.filter(({ data }) => data?.message === this.#message.id);
    const edited = about.findLast(({ type }) => type === "Edited");
    if (this.#message.deleted || code === "DeletedAlready" || about.some(({ type }) => type === "Deleted")) {
      this.#complain("It was deleted meanwhile.", true);
    } else if (edited) {
      this.#collide(edited.data);
    } else if (this.#message.revision > this.#revision) {
      this.update();
    } else if (code === "OtherRevision") {
      // The other text is on its way: `update` shows it.
      this.#complain(`It was changed meanwhile: it is at revision ${details?.revision}.`);
    } else {
      this.#complain(`Not saved: ${message}`);
    }
  }

  #collide({ revision, text }) {
    if (this.#theirs && this.#theirs.revision >= revision) return;
    this.#theirs = { revision, text };
    setText(this.#part(".their-text"), text);
    this.#part(".theirs").hidden = false;
    this.#complain("");
    setText(this.#part("[data-do=save]"), "Use mine");
    setText(this.#part("[data-do=cancel]"), "Keep theirs");
  }

  #complain(text, isOver = false) {
    say(this.#part(".error"), text);
    if (!isOver) return;
    this.#part("[data-do=save]").hidden = true;
    this.#text.readOnly = true;
    setText(this.#part("[data-do=cancel]"), "Close");
  }

  #busy(isBusy) {
    this.#text.readOnly = isBusy;
    this.#part("[data-do=save]").disabled = isBusy;
  }

  #key(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#close();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === this.#text) {
      event.preventDefault();
      this.element.requestSubmit();
    } else if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") {
      event.stopPropagation();
    }
  }
}
