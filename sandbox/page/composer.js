// The command box: a line of text, or a chosen command with its options as fields.

import { Combobox } from "./combobox.js";
import { completions } from "./commands.js";
import { byId, h } from "./dom.js";
import { field } from "./fields.js";

const PLACEHOLDER = "Message, or / for a command";

export class Composer {
  /** Asks `complete(command, options, focused)`; tells `run(command, options)`, `say(text)`, `refuse(text)`. */
  constructor({ world, complete, run, say, refuse }) {
    Object.assign(this, { world, complete, run, say, refuse });
    this.form = byId("composer");
    this.line = byId("line");
    this.panel = byId("command");
    this.command = null;
    this.fields = [];
    this.last = null; // {name, options}: what the up arrow brings back
    this.line.placeholder = PLACEHOLDER;
    this.box = new Combobox({
      input: this.line,
      list: byId("completions"),
      items: (text) => this.suggest(text),
      picked: (item) => this.choose(item.command),
    });
    this.line.addEventListener("keydown", (event) => this.recall(event));
    this.panel.addEventListener("keydown", (event) => this.panelKey(event));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  suggest(text) {
    if (!text.startsWith("/")) return [];
    const found = completions(this.world.commands, text.slice(1), this.world.permissions);
    return found.map(({ command, muted }) => ({
      label: `/${command.name}`,
      detail: muted ? `${command.description} Not for this user.` : command.description,
      muted,
      command,
    }));
  }

  async choose(command, values = {}) {
    this.command = command;
    if (command.options.length === 0) return this.submit();
    this.fields = command.options.map((option) => field(option, this.world, () => this.choices(option)));
    for (const each of this.fields) if (each.name in values) each.fill(values[each.name]);
    const leave = { type: "button", title: "Leave the command (Escape)", onclick: () => this.reset() };
    this.panel.replaceChildren(
      h(
        "header",
        {},
        h("code", {}, `/${command.name}`),
        h("span", {}, command.description),
        h("button.away", leave, "✕"),
      ),
      h("div.options", {}, this.fields.map((each) => each.node)),
    );
    this.show(true);
    this.fields[0].input.focus();
  }

  async choices(option) {
    return this.complete(this.command, await this.values(), option.name);
  }

  async values() {
    const pairs = await Promise.all(this.fields.map(async (each) => [each.name, await each.value()]));
    return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
  }

  async submit() {
    if (this.command) return this.submitCommand();
    const text = this.line.value.trim();
    if (!text) return undefined;
    if (text.startsWith("/")) return this.refuse(`There is no command ${text.split(" ")[0]} here.`);
    this.line.value = "";
    if (!(await this.say(text))) this.line.value = text;
    return undefined;
  }

  async submitCommand() {
    const command = this.command;
    const options = await this.values();
    this.last = { name: command.name, options };
    this.reset();
    if (!(await this.run(command, options))) this.again(); // what was typed is not lost to a refusal
  }

  again() {
    const command = this.world.commands.find((each) => each.name === this.last?.name);
    if (command?.options.length) this.choose(command, this.last.options);
  }

  reset() {
    this.command = null;
    this.fields = [];
    this.panel.replaceChildren();
    this.line.value = "";
    this.show(false);
    this.line.focus();
  }

  show(choosing) {
    this.panel.hidden = !choosing;
    this.line.hidden = choosing;
  }

  recall(event) {
    if (event.key === "ArrowUp" && this.line.value === "" && this.last) {
      event.preventDefault();
      this.again();
    }
  }

  panelKey(event) {
    if (event.key === "Escape") this.reset();
    else if (event.key === "Enter" && event.target instanceof HTMLSelectElement) this.form.requestSubmit();
    else return;
    event.preventDefault();
  }
}
