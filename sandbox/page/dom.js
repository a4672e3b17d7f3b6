// Every element is made here, and text only ever becomes text nodes: nothing that a user wrote is parsed as HTML.

const ABSENT = [null, undefined, false, ""];

/** h("p.note", {title: "…", onclick: f}, "text", node, [more]) */
export function h(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const node = document.createElement(tag);
  node.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) set(node, key, value);
  node.append(...children.flat(Infinity).filter((child) => !ABSENT.includes(child)));
  return node;
}

function set(node, key, value) {
  if (value === null || value === undefined) return;
  if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
  else if (key in node) node[key] = value;
  else node.setAttribute(key, value);
}

export const byId = (id) => document.getElementById(id);

/** A <select> of [value, label] pairs. */
export function select(pairs, properties = {}) {
  return h("select", properties, pairs.map(([value, label]) => h("option", { value }, label)));
}

/** Calls `work` once things have been quiet for `wait_ms`. */
export function debounced(work, wait_ms) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), wait_ms);
  };
}
