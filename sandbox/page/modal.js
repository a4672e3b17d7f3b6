// A modal that the bot opened, as a dialog.

import { options } from "./components.js";
import { byId, h } from "./dom.js";

const TEXT_INPUT = 4;
const PARAGRAPH = 2;

/** Shows `modal` (Discord's own JSON); `submit(fields)` answers whether it was taken. */
export function openModal(modal, world, submit) {
  const dialog = byId("modal");
  const inputs = leaves(modal.components).map((leaf) => [leaf.item.custom_id, input(leaf, world)]);
  const send = async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(inputs.map(([name, made]) => [name, made.value()]));
    if (await submit(fields)) dialog.close();
  };
  dialog.replaceChildren(
    h(
      "form",
      { onsubmit: send },
      h("h2", {}, modal.title),
      inputs.map(([, made]) => made.node),
      h(
        "div.row",
        {},
        h("button.secondary", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button.primary", {}, "Submit"),
      ),
    ),
  );
  dialog.showModal();
}

/** The inputs with their labels, whether they stand in rows or in labels. */
function leaves(components, label) {
  return components.flatMap((item) => {
    if (item.components) return leaves(item.components, label);
    if (item.component) return leaves([item.component], { text: item.label, description: item.description });
    if (item.custom_id === undefined) return []; // text between the inputs
    return [{ item, label: label ?? { text: item.label } }];
  });
}

function input({ item, label }, world) {
  const made = item.type === TEXT_INPUT ? textInput(item) : choice(item, world);
  const name = h("b", {}, label.text, item.required !== false && h("i.required", {}, "*"));
  const description = label.description && h("small", {}, label.description);
  return { node: h("label.option", {}, name, made.node, description), value: made.value };
}

function textInput(item) {
  const node = h(item.style === PARAGRAPH ? "textarea" : "input", {
    value: item.value ?? "",
    placeholder: item.placeholder ?? "",
    required: item.required !== false,
  });
  if (item.max_length) node.maxLength = item.max_length;
  if (item.min_length) node.minLength = item.min_length;
  return { node, value: () => node.value };
}

function choice(item, world) {
  const several = (item.max_values ?? 1) > 1;
  const node = h("select", { multiple: several, required: item.required !== false }, options(item, world));
  return { node, value: () => [...node.selectedOptions].map((option) => option.value) };
}
