// Discord's markdown as DOM nodes. What it does not know stays the text it was.

import { h } from "./dom.js";

const CODE_BLOCK = /```(?:[\w+-]*\n)?([\s\S]+?)```/;
const INNER = String.raw`((?:\\[\s\S]|[^\\])+?)`;
const QUOTE = /^> ?/;
const BULLET = /^\s*[-*] /;
const NUMBER = /^\s*(\d{1,9})\. /;
const BLOCK = /^(?:>>> |> |#{1,3} |-# |\s*[-*] |\s*\d{1,9}\. )/;

// [pattern, what it becomes]; the first that fits at a position wins.
const INLINE = [
  [/\\([^\sA-Za-z0-9])/y, ([, character]) => character],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, ([, , code]) => h("code", {}, code.trim())],
  [span(String.raw`\*\*\*`), ([, inner], names) => h("strong", {}, h("em", {}, inline(inner, names)))],
  [span(String.raw`\*\*`), ([, inner], names) => h("strong", {}, inline(inner, names))],
  [span("__"), ([, inner], names) => h("u", {}, inline(inner, names))],
  [span("~~"), ([, inner], names) => h("s", {}, inline(inner, names))],
  [span(String.raw`\|\|`), ([, inner], names) => spoiler(inner, names)],
  [/\*(?=\S)((?:\\[\s\S]|[^\\*])+?)\*(?!\*)/y, ([, inner], names) => h("em", {}, inline(inner, names))],
  [/(?<!\w)_(?=\S)((?:\\[\s\S]|[^\\_])+?)_(?!\w)/y, ([, inner], names) => h("em", {}, inline(inner, names))],
  [/<@!?(\d+)>/y, ([, id], names) => h("span.mention", {}, `@${names.user(id)}`)],
  [/<@&(\d+)>/y, ([, id], names) => h("span.mention", {}, `@${names.role(id)}`)],
  [/<#(\d+)>/y, ([, id], names) => h("span.mention", {}, `#${names.channel(id)}`)],
  [/<\/([^:>]+):\d+>/y, ([, name]) => h("span.mention", {}, `/${name}`)],
  [/@(everyone|here)\b/y, ([whole]) => h("span.mention", {}, whole)],
  [/<t:(-?\d{1,13})(?::([tTdDfFR]))?>/y, ([, seconds, style]) => moment(Number(seconds), style)],
  [/<a?:(\w+):\d+>/y, ([, name]) => `:${name}:`],
  [/\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/y, ([, label, url], names) => link(url, inline(label, names))],
  [/<(https?:\/\/[^\s>]+)>/y, ([, url]) => link(url, url)],
  [/https?:\/\/[^\s<>]*[^\s<>.,:;"')\]]/y, ([url]) => link(url, url)],
];

/** `names` tells what ids are called: {user(id), role(id), channel(id)}. */
export function markdown(text, names) {
  const pieces = (text ?? "").split(CODE_BLOCK); // odd ones are the code
  return pieces.flatMap((piece, index) =>
    index % 2 ? h("pre", {}, h("code", {}, piece.replace(/\n$/, ""))) : blocks(piece, names),
  );
}

function blocks(text, names) {
  const nodes = [];
  if (text === "" || text === "\n") return nodes;
  const lines = text.replace(/^\n|\n$/g, "").split("\n");
  while (lines.length) nodes.push(block(lines, names));
  return nodes;
}

/** Takes one block's lines off the front. */
function block(lines, names) {
  const line = lines[0];
  if (line.startsWith(">>> ")) {
    return h("blockquote", {}, blocks(lines.splice(0).join("\n").slice(4), names));
  }
  if (QUOTE.test(line)) {
    return h("blockquote", {}, blocks(takeWhile(lines, QUOTE).join("\n"), names));
  }
  if (BULLET.test(line)) {
    return h("ul", {}, items(takeWhile(lines, BULLET), names));
  }
  const number = NUMBER.exec(line);
  if (number) {
    return h("ol", { start: Number(number[1]) }, items(takeWhile(lines, NUMBER), names));
  }
  const heading = /^(#{1,3}|-#) (.+)/.exec(line);
  if (heading) {
    lines.shift();
    return h(heading[1] === "-#" ? "small" : `h${heading[1].length + 2}`, {}, inline(heading[2], names));
  }
  const plain = lines.findIndex((each, index) => index && BLOCK.test(each));
  return h("p", {}, inline(lines.splice(0, plain < 0 ? lines.length : plain).join("\n"), names));
}

function items(lines, names) {
  return lines.map((line) => h("li", {}, inline(line, names)));
}

function takeWhile(lines, prefix) {
  const end = lines.findIndex((line) => !prefix.test(line));
  return lines.splice(0, end < 0 ? lines.length : end).map((line) => line.replace(prefix, ""));
}

function inline(text, names) {
  const nodes = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    const [found, become] = match(text, at);
    if (!found) {
      plain += text[at++];
      continue;
    }
    nodes.push(plain, become(found, names));
    plain = "";
    at += found[0].length;
  }
  return [...nodes, plain];
}

function match(text, at) {
  for (const [pattern, become] of INLINE) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return [found, become];
  }
  return [null, null];
}

function span(mark) {
  return new RegExp(mark + INNER + mark, "y");
}

function spoiler(inner, names) {
  const node = h("span.spoiler", { tabIndex: 0, title: "Spoiler" }, inline(inner, names));
  node.addEventListener("click", () => node.classList.add("open"));
  return node;
}

function link(url, label) {
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label);
}

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

function moment(seconds, style = "f") {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "Invalid date";
  const full = date.toLocaleString([], STYLES.F);
  return h("time", { title: full }, style === "R" ? relative(seconds) : date.toLocaleString([], STYLES[style]));
}

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function relative(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(away) >= each) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(Math.round(away / size), unit);
}
