// Buttons that make the sandbox misbehave, to see what the bot makes of it.

import * as api from "./api.js";
import { h } from "./dom.js";

const FAULTS = [
  ["Drop the gateway", { kind: "drop_gateway" }, "The gateway was dropped."],
  ["Lose the next reply", { kind: "lose_reply", route: "/callback" }, "The next reply will be lost."],
  ["Deliver the next interaction twice", { kind: "deliver_twice" }, "The next interaction will come twice."],
];

export function faultButtons(tell) {
  return FAULTS.map(([label, body, done]) => {
    return h("button", { type: "button", onclick: () => order(body, done, tell) }, label);
  });
}

async function order(body, done, tell) {
  try {
    await api.fault(body);
    tell(done);
  } catch (error) {
    tell(error.message);
  }
}
