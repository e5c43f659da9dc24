// Small helpers for elements.

/** Returns the element in a `<template>`, as a new copy. */
export function copyOf(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

/** Returns a new element with properties set, and children in it. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { dataset, attributes = {}, ...others } = properties;
  Object.assign(element, others);
  Object.assign(element.dataset, dataset);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets the text of an element, and hides it if there is none. Text is never read as HTML. */
export function say(element, text) {
  setText(element, text ?? "");
  element.hidden = !text;
}

/** Sets the text of an element if it is another one, so that nothing is announced twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Returns a user's name as a title. */
export function title(user) {
  return user.charAt(0).toUpperCase() + user.slice(1);
}

/** Calls `run` once, `ms` after the first of any number of calls. */
export function soon(ms, run) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      run();
    }, ms);
  };
}

/** Calls `run` once before the next frame is painted; soon, if the page is not painted because nobody sees it. */
export function beforePaint(run) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    const now = () => {
      if (!asked) return;
      asked = false;
      run();
    };
    requestAnimationFrame(now);
    setTimeout(now, 100);
  };
}
