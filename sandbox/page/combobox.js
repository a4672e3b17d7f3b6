// A text field with a list of completions beneath the fingers: arrows, Enter, Tab, Escape, or a click.

import { h } from "./dom.js";

export class Combobox {
  /** `items(text)` answers (or promises) [{label, detail, muted, …}]; `picked(item)` is told what was chosen. */
  constructor({ input, list, items, picked }) {
    Object.assign(this, { input, list, items, picked });
    this.found = [];
    this.active = 0;
    this.asked = 0;
    input.addEventListener("input", () => this.refresh());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
  }

  get open() {
    return !this.list.hidden;
  }

  async refresh() {
    const asked = ++this.asked;
    const found = await this.items(this.input.value);
    if (asked !== this.asked) return; // a later keystroke has asked again
    this.found = found;
    this.active = 0;
    this.draw();
  }

  close() {
    this.asked += 1;
    this.found = [];
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...this.found.map((item, index) => this.row(item, index)));
    this.list.hidden = this.found.length === 0;
    this.input.setAttribute("aria-expanded", String(this.open));
    this.mark();
  }

  row(item, index) {
    const row = h(
      "li",
      { role: "option", id: `${this.list.id}-${index}`, className: item.muted ? "muted" : "" },
      h("b", {}, item.label),
      item.detail && h("span", {}, item.detail),
    );
    // mousedown, not click: the field would lose its focus and close the list first
    row.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.pick(index);
    });
    return row;
  }

  mark() {
    [...this.list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === this.active)));
    const row = this.list.children[this.active];
    if (row) {
      row.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", row.id);
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  key(event) {
    if (!this.open || event.isComposing) return;
    const act = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      Enter: () => this.pick(this.active),
      Tab: () => this.pick(this.active),
      Escape: () => this.close(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  move(by) {
    this.active = (this.active + by + this.found.length) % this.found.length;
    this.mark();
  }

  pick(index) {
    const item = this.found[index];
    this.close();
    this.picked(item);
  }
}
