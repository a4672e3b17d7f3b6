// Interactions: begun as the actor, and followed until there is nothing more to wait for.

import * as api from "./api.js";
import { openModal } from "./modal.js";

const THINKING_POLL_MS = 400;

export class Interactions {
  /** `refresh()` reads the log afresh. */
  constructor({ world, log, refresh }) {
    Object.assign(this, { world, log, refresh });
    this.known = new Map(); // id → what the sandbox said of it; null while that is on its way
  }

  run(command, options) {
    const { channel } = this.world;
    return this.begin({ channel, command: command.name, options }, `/${command.name} …`);
  }

  press(message, component, values) {
    return this.begin({ message: message.id, custom_id: component.custom_id, values });
  }

  /** False where the sandbox would not even send it, as a real client would not. */
  async begin(body, label) {
    this.log.clearNotices();
    const sent = label ? this.log.notice(label) : () => {};
    try {
      const { interaction } = await api.interact({ as: this.world.actor, ...body });
      this.follow(interaction);
      return true;
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      this.log.notice(error.refused ? error.message : `${silence(body)} (${error.message})`, "bad");
      return !error.refused;
    } finally {
      sent();
      this.refresh();
    }
  }

  /** Opens the interaction's modal, or says that the bot is thinking for as long as it does. */
  async follow(id) {
    let thinking = null;
    for (;;) {
      const found = await api.interaction(id).catch(() => null);
      if (found?.modal) openModal(found.modal, this.world, (fields) => this.begin({ modal: id, fields }));
      if (found?.state !== "deferred" || !found.command) break;
      thinking ??= this.log.notice("Rollcall is thinking …");
      await new Promise((resume) => setTimeout(resume, THINKING_POLL_MS));
    }
    thinking?.();
    this.refresh();
  }

  /** {user, command} of the command that led to a message, once that is known; null for all else. */
  invoked(id) {
    if (!id) return null;
    if (!this.known.has(id)) this.look(id);
    const found = this.known.get(id);
    return found?.command ? { user: this.world.names.user(found.user), command: found.command } : null;
  }

  async look(id) {
    this.known.set(id, null);
    try {
      this.known.set(id, await api.interaction(id));
      this.refresh();
    } catch {
      this.known.delete(id);
    }
  }
}

/** What Discord shows in place of an answer. */
function silence(body) {
  return body.command ? "The application did not respond" : "This interaction failed";
}
