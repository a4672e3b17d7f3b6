// The left of the page: the bot's light, the actor, the channels.

import { byId, h } from "./dom.js";

export class Sidebar {
  /** `go({actor} or {channel})` is told what was chosen. */
  constructor(world, go) {
    this.world = world;
    this.go = go;
    this.unread = new Set();
    byId("actor").addEventListener("change", (event) => go({ actor: event.target.value }));
  }

  draw() {
    const { world } = this;
    this.unread.delete(world.channel);
    byId("guild").textContent = world.guild.name;
    byId("channel").textContent = `# ${world.names.channel(world.channel)}`;
    byId("actor").replaceChildren(...world.people.map((person) => this.person(person)));
    const direct = { name: "Direct messages", channels: world.directChannels };
    const groups = [...world.state.guilds, direct].filter((group) => group.channels.length > 0);
    byId("channels").replaceChildren(...groups.flatMap((group) => this.channelsOf(group)));
    const { ready } = world.state.bot;
    this.light(ready, ready ? "Rollcall is ready" : "Rollcall is not connected");
  }

  light(on, text) {
    byId("bot").className = on ? "ready" : "down";
    byId("bot").textContent = text;
  }

  markUnread(channel) {
    this.unread.add(channel);
    this.draw();
  }

  person({ id, name, display_name }) {
    const label = display_name ? `${display_name} (${name})` : name;
    return h("option", { value: id, selected: id === this.world.actor }, label);
  }

  channelsOf(guild) {
    return [h("h3", {}, guild.name), ...guild.channels.map((channel) => this.channel(channel))];
  }

  channel({ id, name }) {
    const current = String(id === this.world.channel);
    return h(
      this.unread.has(id) ? "button.unread" : "button",
      { type: "button", "aria-current": current, onclick: () => this.go({ channel: id }) },
      `# ${name}`,
    );
  }
}
