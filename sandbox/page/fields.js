// One option of a command as a form field of its type.

import { Combobox } from "./combobox.js";
import { h, select } from "./dom.js";

const STRING = 3;
const INTEGER = 4;
const BOOLEAN = 5;
const USER = 6;
const CHANNEL = 7;
const ROLE = 8;
const MENTIONABLE = 9;
const NUMBER = 10;
const ATTACHMENT = 11;
const AUTOCOMPLETE_WAIT_MS = 200; // a pause in typing, not every letter

const EMPTY = ["", "—"];
let made = 0;

/** {name, node, input, value(), fill(value)}; `complete()` asks the bot for the choices. */
export function field(option, world, complete) {
  const control = controlOf(option, world, complete);
  const name = h("b", {}, option.name, option.required ? h("i.required", { title: "required" }, "*") : null);
  const node = h("label.option", {}, name, control.node ?? control.input, h("small", {}, option.description));
  return { name: option.name, node, input: control.input, value: control.value, fill: control.fill ?? (() => {}) };
}

function controlOf(option, world, complete) {
  const required = Boolean(option.required);
  if (option.autocomplete) return completed(option, complete, required);
  if (option.choices) return picker(option.choices.map((choice) => [choice.value, choice.name]), option, required);
  const lists = {
    [BOOLEAN]: () => [["true", "True"], ["false", "False"]],
    [USER]: () => world.users,
    [ROLE]: () => world.roles,
    [CHANNEL]: () => world.channels,
    [MENTIONABLE]: () => [...world.users, ...world.roles],
  };
  if (option.type in lists) return picker(lists[option.type](), option, required);
  if (option.type === ATTACHMENT) return file(required);
  return typed(option, required);
}

function picker(pairs, option, required) {
  const input = select([EMPTY, ...pairs], { required });
  return { input, value: () => converted(input.value, option.type), fill: (value) => (input.value = String(value)) };
}

function typed(option, required) {
  const inputMode = { [INTEGER]: "numeric", [NUMBER]: "decimal" }[option.type] ?? "text";
  const input = h("input", { required, inputMode });
  if (option.max_length) input.maxLength = option.max_length;
  return { input, value: () => converted(input.value, option.type), fill: (value) => (input.value = value) };
}

function file(required) {
  const input = h("input", { type: "file", required });
  return { input, value: async () => (input.files[0] ? encoded(input.files[0]) : undefined) };
}

function completed(option, complete, required) {
  const input = h("input", { required, role: "combobox" });
  const list = h("ul.completions", { role: "listbox", id: `completions-${++made}`, hidden: true });
  let chosen = null; // {label, value}: what is sent for the label shown
  const items = async (text) => {
    await new Promise((resume) => setTimeout(resume, AUTOCOMPLETE_WAIT_MS));
    if (text !== input.value || !input.isConnected) return [];
    const choices = await complete();
    return choices.map((choice) => ({ label: choice.name, value: choice.value }));
  };
  const box = new Combobox({
    input,
    list,
    items,
    picked: (item) => {
      chosen = item;
      input.value = item.label;
    },
  });
  input.addEventListener("focus", () => input.value || box.refresh());
  const value = () => (chosen?.label === input.value ? chosen.value : converted(input.value, option.type));
  return { input, node: h("span.completed", {}, input, list), value, fill: (given) => (input.value = given) };
}

/** What the person gave, in JSON's type; what is no number stays text, for the sandbox to refuse. */
function converted(text, type) {
  if (text === "") return undefined;
  if (type === BOOLEAN) return text === "true";
  if ((type === INTEGER || type === NUMBER) && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  return text;
}

function encoded(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ filename: blob.name, content_base64: reader.result.split(",")[1] ?? "" });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
