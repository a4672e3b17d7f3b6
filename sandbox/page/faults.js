// Buttons that make the sandbox misbehave, to see what the bot makes of it.

import * as api from "./api.js";
import { h } from "./dom.js";

const FAULTS = [
  ["Drop the gateway", { fault: "drop_gateway" }, "The gateway was dropped."],
  ["Lose the next reply", { fault: "lose_reply", route: "/callback", times: 1 }, "The next reply will be lost."],
  ["Deliver the next interaction twice", { fault: "deliver_twice", times: 1 }, "The next interaction will be delivered twice."],
];

export function faultButtons(tell) {
  return FAULTS.map(([label, body, done]) => h("button", { type: "button", onclick: () => order(body, done, tell) }, label));
}

async function order(body, done, tell) {
  try {
    await api.fault(body);
    tell(done);
  } catch (error) {
    tell(error.message);
  }
}
