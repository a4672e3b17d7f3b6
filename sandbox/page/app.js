// Wires the page together. Events from the sandbox are only hints: what is shown is always read afresh.

import * as api from "./api.js";
import { flatten } from "./commands.js";
import { Composer } from "./composer.js";
import { byId, debounced, h } from "./dom.js";
import { faultButtons } from "./faults.js";
import { Log } from "./log.js";
import { openModal } from "./modal.js";

const EVENTS = ["message", "message_update", "message_delete", "interaction", "bot", "commands"];
const RECONNECT_MS = 2000;
const THINKING_POLL_MS = 400;
const UNREACHABLE_POLL_MS = 2000;

let world = { guilds: [], users: [], commands: [], bot: { ready: false } };
let source = null;
const here = { actor: localStorage.getItem("actor"), channel: localStorage.getItem("channel") };
const unread = new Set();
const interactions = new Map(); // id → what the sandbox says of it, for "so-and-so used /command"

const pairs = (items, mark = "") => items.map((each) => [each.id, mark + (each.display_name ?? each.name)]);
const nameIn = (items, id) => items.find((each) => each.id === id);
const actor = () => nameIn(world.users, here.actor);
const guild = () => world.guilds.find((each) => nameIn(each.channels, here.channel)) ?? world.guilds[0];

const context = {
  commands: () => flatten(world.commands.filter((each) => !each.guild_id || each.guild_id === guild().id)),
  permissions: () => actor()?.permissions,
  users: () => pairs(world.users),
  roles: () => pairs(guild().roles),
  channels: () => pairs(guild().channels, "#"),
  names: {
    user: (id) => called(nameIn(world.users, id)),
    role: (id) => called(nameIn(guild().roles, id)).replace(/^@/, ""),
    channel: (id) => called(nameIn(world.guilds.flatMap((each) => each.channels), id)),
  },
  invoked,
  press: (message, component, values) => begin({ message: message.id, custom_id: component.custom_id, values }),
};

const log = new Log(context);
const composer = new Composer({
  context,
  complete: (command, options, focused) => attempt(() => complete(command, options, focused), []),
  run: (command, options) => begin({ channel: here.channel, command: command.name, options }, `/${command.name}`),
  say: (content) => attempt(() => api.say({ as: here.actor, channel: here.channel, content })),
  refuse: (text) => log.notice(text, "bad"),
});

function called(found) {
  return found ? (found.display_name ?? found.name) : "unknown";
}

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
  const answer = await api.autocomplete({ as: here.actor, channel: here.channel, command: command.name, options, focused });
  return answer.choices ?? answer;
}

/** Begins an interaction as the actor; false where the sandbox would not even send it. */
async function begin(body, label) {
  log.clearNotices();
  const sent = label ? log.notice(`${label} …`) : () => {};
  try {
    const { interaction } = await api.interact({ as: here.actor, ...body });
    follow(interaction);
    return true;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    log.notice(error.refused ? error.message : `${silence(body)} (${error.message})`, "bad");
    return !error.refused;
  } finally {
    sent();
    refreshLog();
  }
}

/** What Discord shows in place of an answer. */
function silence(body) {
  return body.command ? "The application did not respond" : "This interaction failed";
}

/** Opens the interaction's modal, or says that the bot is thinking for as long as it does. */
async function follow(id) {
  let thinking = null;
  for (;;) {
    const state = await attempt(() => api.interaction(id));
    if (state?.modal) showModal(state.modal, id);
    if (state?.state !== "deferred" || !state.command) break;
    thinking ??= log.notice("Rollcall is thinking …");
    await new Promise((resume) => setTimeout(resume, THINKING_POLL_MS));
  }
  thinking?.();
  refreshLog();
}

function showModal(modal, id) {
  openModal(modal, context, (fields) => begin({ modal: id, fields }));
}

function invoked(id) {
  if (!id) return null;
  if (!interactions.has(id)) {
    interactions.set(id, null);
    api.interaction(id).then((found) => {
      interactions.set(id, found);
      refreshLog();
    }, () => interactions.delete(id));
  }
  const found = interactions.get(id);
  return found?.command ? { user: context.names.user(found.user), command: found.command } : null;
}

async function readLog() {
  if (!here.channel || !here.actor) return;
  const asked = { ...here };
  const messages = await api.messages(asked.channel, asked.actor);
  if (asked.channel === here.channel && asked.actor === here.actor) log.show(messages);
}

async function readWorld() {
  try {
    world = await api.state();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    showBot("down", error.message);
    setTimeout(refreshWorld, UNREACHABLE_POLL_MS);
    return;
  }
  settle();
  draw();
}

const refreshLog = debounced(() => attempt(readLog), 30);
const refreshWorld = debounced(readWorld, 60);

/** Keeps the actor and the channel if they still exist, else takes the first. */
function settle() {
  const people = world.users.filter((each) => !each.bot);
  if (!nameIn(people, here.actor)) {
    here.actor = people[0]?.id;
    listen();
  }
  const channels = world.guilds.flatMap((each) => each.channels);
  if (!nameIn(channels, here.channel)) here.channel = channels[0]?.id;
}

function draw() {
  const people = world.users.filter((each) => !each.bot);
  byId("actor").replaceChildren(
    ...people.map((each) => h("option", { value: each.id, selected: each.id === here.actor }, personLabel(each))),
  );
  byId("guild").textContent = guild()?.name ?? "Sandbox";
  byId("channel").textContent = `# ${context.names.channel(here.channel)}`;
  byId("channels").replaceChildren(...world.guilds.flatMap(channelList));
  showBot(world.bot.ready ? "ready" : "down", world.bot.ready ? "Rollcall is ready" : "Rollcall is not connected");
}

const personLabel = (person) => (person.display_name ? `${person.display_name} (${person.name})` : person.name);

function channelList(each) {
  return [
    world.guilds.length > 1 && h("h3", {}, each.name),
    ...each.channels.map((channel) =>
      h(
        unread.has(channel.id) ? "button.unread" : "button",
        { type: "button", "aria-current": String(channel.id === here.channel), onclick: () => go({ channel: channel.id }) },
        `# ${channel.name}`,
      ),
    ),
  ].filter(Boolean);
}

function showBot(state, text) {
  byId("bot").className = state;
  byId("bot").textContent = text;
}

function go(where) {
  Object.assign(here, where);
  for (const [key, value] of Object.entries(where)) localStorage.setItem(key, value);
  unread.delete(here.channel);
  log.clearNotices();
  if (where.actor) listen();
  draw();
  refreshLog();
}

/** Hears what the actor may hear; a new actor has new ears. */
function listen() {
  source?.close();
  source = new EventSource(here.actor ? `/api/events?as=${encodeURIComponent(here.actor)}` : "/api/events");
  source.onopen = () => {
    refreshWorld();
    refreshLog();
  };
  source.onerror = (event) => {
    showBot("down", "The sandbox cannot be reached.");
    // The browser tries again by itself, unless it was refused: then nobody would.
    if (event.target.readyState === EventSource.CLOSED) setTimeout(listen, RECONNECT_MS);
  };
  for (const name of EVENTS) source.addEventListener(name, (event) => heard(name, event));
}

function heard(name, event) {
  const { channel, ephemeral } = JSON.parse(event.data) ?? {};
  if (name === "message" && !ephemeral && channel !== here.channel) {
    unread.add(channel);
    draw();
  }
  if (name === "bot" || name === "commands") refreshWorld();
  else if (channel === here.channel) refreshLog();
}

byId("actor").addEventListener("change", (event) => go({ actor: event.target.value }));
byId("fault-buttons").append(...faultButtons((text) => (byId("fault-said").textContent = text)));
listen();
refreshWorld();
composer.line.focus();
