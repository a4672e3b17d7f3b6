// Buttons and selects under a message.

import { h } from "./dom.js";

const ROW = 1;
const BUTTON = 2;
const STRING_SELECT = 3;
const USER_SELECT = 5;
const ROLE_SELECT = 6;
const MENTIONABLE_SELECT = 7;
const CHANNEL_SELECT = 8;
const LINK = 5;
const STYLES = ["", "primary", "secondary", "success", "danger", "link"];

export function components(message, context) {
  return (message.components ?? [])
    .filter((row) => row.type === ROW)
    .map((row) => h("div.row", {}, row.components.map((each) => component(each, message, context))));
}

function component(item, message, context) {
  return item.type === BUTTON ? button(item, message, context) : choice(item, message, context);
}

function button(item, message, context) {
  const label = [item.emoji?.name, item.label].filter(Boolean).join(" ");
  if (item.style === LINK) {
    return h("a.button.link", { href: item.url, target: "_blank", rel: "noopener noreferrer" }, `${label} ↗`);
  }
  const press = (event) => busy(event.currentTarget, context.press(message, item));
  const look = { className: STYLES[item.style], disabled: Boolean(item.disabled) };
  return h("button", { type: "button", ...look, onclick: press }, label);
}

function choice(item, message, context) {
  const several = (item.max_values ?? 1) > 1;
  const chosen = item.options?.some((each) => each.default);
  const placeholder = item.placeholder ?? "Choose";
  const list = h(
    "select",
    {
      multiple: several,
      size: several ? Math.min(options(item, context.world).length, 6) : 1,
      disabled: Boolean(item.disabled),
      ariaLabel: placeholder,
    },
    !several && h("option", { value: "", disabled: true, selected: !chosen }, placeholder),
    options(item, context.world),
  );
  const send = () => {
    const values = [...list.selectedOptions].map((option) => option.value);
    return busy(list, context.press(message, item, values));
  };
  if (!several) list.addEventListener("change", send);
  return [list, several && h("button", { type: "button", className: "secondary", onclick: send }, "Choose")];
}

/** The <option>s of a select of any type. */
export function options(item, world) {
  const pairs = {
    [STRING_SELECT]: () => item.options.map((each) => [each.value, each.label, each.description, each.default]),
    [USER_SELECT]: () => world.users,
    [ROLE_SELECT]: () => world.roles,
    [MENTIONABLE_SELECT]: () => [...world.users, ...world.roles],
    [CHANNEL_SELECT]: () => world.channels,
  }[item.type]();
  return pairs.map(([value, label, description, chosen]) =>
    h("option", { value, selected: Boolean(chosen) }, description ? `${label} — ${description}` : label),
  );
}

async function busy(node, work) {
  node.classList.add("busy");
  await work;
  node.classList.remove("busy");
}
