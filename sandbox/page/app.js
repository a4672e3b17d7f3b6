// Wires the page together. Events from the sandbox are only hints: what is shown is always read afresh.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { byId, debounced } from "./dom.js";
import { faultButtons } from "./faults.js";
import { Interactions } from "./interactions.js";
import { Log } from "./log.js";
import { Sidebar } from "./sidebar.js";
import { World } from "./world.js";

const EVENTS = ["message", "message_update", "message_delete", "interaction", "bot", "commands"];
const RECONNECT_MS = 2000;
const LOG_WAIT_MS = 30; // a command brings several events at once
const WORLD_WAIT_MS = 60;

const world = new World();
const sidebar = new Sidebar(world, go);
const log = new Log({
  world,
  invoked: (id) => interactions.invoked(id),
  press: (message, component, values) => interactions.press(message, component, values),
});
const refreshLog = debounced(() => attempt(readLog), LOG_WAIT_MS);
const refreshWorld = debounced(readWorld, WORLD_WAIT_MS);
const interactions = new Interactions({ world, log, refresh: refreshLog });
const composer = new Composer({
  world,
  complete: (command, options, focused) => attempt(() => complete(command, options, focused), []),
  run: (command, options) => interactions.run(command, options),
  say: (content) => attempt(() => api.say({ as: world.actor, channel: world.channel, content })),
  refuse: (text) => log.notice(text, "bad"),
});
let source = null;

/** Runs `work`; what fails is said under the messages, and `instead` is the answer. */
async function attempt(work, instead) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    log.notice(error.message, "bad");
    return instead;
  }
}

async function complete(command, options, focused) {
  const typed = { command: command.name, options, focused };
  return (await api.autocomplete({ as: world.actor, channel: world.channel, ...typed })).choices;
}

async function readLog() {
  const { channel, actor } = world;
  if (!channel || !actor) return;
  const messages = await api.messages(channel, actor);
  if (channel === world.channel && actor === world.actor) log.show(messages);
}

async function readWorld() {
  const before = world.actor;
  try {
    world.update(await api.state());
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    sidebar.light(false, error.message);
    setTimeout(refreshWorld, RECONNECT_MS);
    return;
  }
  if (world.actor !== before) listen();
  sidebar.draw();
  refreshLog();
}

function go(where) {
  world.go(where);
  log.clearNotices();
  sidebar.draw();
  refreshLog();
  if (where.actor) listen();
}

/** Hears what the actor may hear; a new actor has new ears. */
function listen() {
  source?.close();
  source = new EventSource(world.actor ? `/api/events?as=${encodeURIComponent(world.actor)}` : "/api/events");
  source.onopen = refreshWorld;
  source.onerror = (event) => {
    sidebar.light(false, "The sandbox cannot be reached.");
    // The browser tries again by itself, unless it was refused: then nobody would.
    if (event.target.readyState === EventSource.CLOSED) setTimeout(listen, RECONNECT_MS);
  };
  for (const name of EVENTS) source.addEventListener(name, (event) => heard(name, event));
}

function heard(name, event) {
  if (name === "bot" || name === "commands") return refreshWorld();
  const { channel, ephemeral } = JSON.parse(event.data);
  if (channel === world.channel) return refreshLog();
  if (!world.allChannels.some((each) => each.id === channel)) return refreshWorld();
  if (name === "message" && !ephemeral) sidebar.markUnread(channel);
  return undefined;
}

byId("fault-buttons").append(...faultButtons((text) => (byId("fault-said").textContent = text)));
listen();
refreshWorld();
composer.line.focus();
