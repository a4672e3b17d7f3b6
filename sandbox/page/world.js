// What there is, as the sandbox last told it, and where in it we are and as whom.

import { flatten } from "./commands.js";

const byName = (items, id) => items.find((each) => each.id === id);
const nameOf = (found) => found?.display_name ?? found?.name ?? "unknown";
const pairs = (items, mark = "") => items.map((each) => [each.id, mark + nameOf(each)]);

export class World {
  constructor() {
    this.state = { guilds: [], users: [], commands: [], bot: { ready: false } };
    this.actor = localStorage.getItem("actor");
    this.channel = localStorage.getItem("channel");
    this.names = {
      user: (id) => nameOf(byName(this.state.users, id)),
      role: (id) => nameOf(byName(this.guild.roles, id)).replace(/^@/, ""),
      channel: (id) => nameOf(byName(this.allChannels, id)),
    };
  }

  /** Takes in what the sandbox says now; who or what is gone gives way to the first there is. */
  update(state) {
    this.state = state;
    if (!byName(this.people, this.actor)) this.actor = this.people[0].id;
    if (!byName(this.allChannels, this.channel)) this.channel = this.allChannels[0].id;
  }

  /** {actor} or {channel}; the browser remembers. */
  go(where) {
    Object.assign(this, where);
    for (const [key, value] of Object.entries(where)) localStorage.setItem(key, value);
  }

  get people() {
    return this.state.users.filter((each) => !each.bot);
  }

  get allChannels() {
    return [...this.state.guilds.flatMap((each) => each.channels), ...this.directChannels];
  }

  /** The actor's direct messages with the bot, once there are any. */
  get directChannels() {
    const id = byName(this.people, this.actor)?.direct;
    return id ? [{ id, name: nameOf(this.state.users.find((each) => each.id === this.state.bot.id)) }] : [];
  }

  /** Where the actor is; direct messages belong to none, and are read from the first. */
  get guild() {
    return this.state.guilds.find((each) => byName(each.channels, this.channel)) ?? this.state.guilds[0];
  }

  get permissions() {
    return byName(this.people, this.actor).permissions;
  }

  get commands() {
    return flatten(this.state.commands.filter((each) => !each.guild_id || each.guild_id === this.guild.id));
  }

  // [id, name] pairs, for selects

  get users() {
    return pairs(this.state.users);
  }

  get roles() {
    return pairs(this.guild.roles);
  }

  get channels() {
    return pairs(this.guild.channels, "#");
  }
}
