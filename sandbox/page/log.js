// The middle of the page: messages, and under them what the page itself has to say.

import { byId, h } from "./dom.js";
import { renderMessage } from "./messages.js";

const NEWEST = 200; // messages drawn; what is older is read in the bot's own commands
const NEAR_END_PX = 80; // so close to the end one is still reading along

export class Log {
  /** `context`: what renderMessage needs. */
  constructor(context) {
    this.context = context;
    this.list = byId("messages");
    this.drawn = new Map(); // message id → {json, node}
    this.notices = h("li.notices", {});
    this.list.append(this.notices);
    this.following = true;
    this.list.addEventListener("scroll", () => (this.following = this.atEnd()));
    // The command box takes its room from the log; who was reading the end still wants to.
    new ResizeObserver(() => this.following && this.toEnd()).observe(this.list);
  }

  /** Draws what is new or changed, and leaves alone what is not: a half-made choice in a select stays. */
  show(messages) {
    const follow = this.following;
    const drawn = new Map();
    for (const message of messages.slice(-NEWEST)) drawn.set(message.id, this.entry(message));
    this.drawn = drawn;
    const nodes = [...drawn.values()].map((entry) => entry.node);
    const empty = nodes.length ? [] : [h("li.empty", {}, "Nothing has been said here yet.")];
    this.arrange([...nodes, ...empty, this.notices]);
    if (follow) this.toEnd();
  }

  entry(message) {
    const json = JSON.stringify([message, this.context.invoked(message.interaction)]);
    const before = this.drawn.get(message.id);
    return before?.json === json ? before : { json, node: renderMessage(message, this.context) };
  }

  /** Moving a node in the document would take the focus from it, so only what is out of place is moved. */
  arrange(nodes) {
    const wanted = new Set(nodes);
    for (const child of [...this.list.children]) if (!wanted.has(child)) child.remove();
    nodes.forEach((node, index) => {
      if (this.list.children[index] !== node) this.list.insertBefore(node, this.list.children[index] ?? null);
    });
  }

  /** Says something under the messages; answers the function that takes it away. */
  notice(text, kind = "") {
    const node = h("p", { className: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);
    node.append(h("button", { type: "button", title: "Dismiss", onclick: () => node.remove() }, "✕"));
    this.notices.append(node);
    this.toEnd();
    return () => node.remove();
  }

  clearNotices() {
    this.notices.replaceChildren();
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END_PX;
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
  }
}
