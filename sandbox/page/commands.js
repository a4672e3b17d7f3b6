// What Discord knows of a command, flattened to what a person types: "wallet balance" and its options.

const SUBCOMMAND = 1;
const GROUP = 2;
const CHAT_INPUT = 1;
const ADMINISTRATOR = 1n << 3n;

/** [{name, description, options, needs}], sorted by name. */
export function flatten(commands) {
  return commands
    .filter((command) => (command.type ?? CHAT_INPUT) === CHAT_INPUT)
    .flatMap((command) => leaves(command, command.name, needed(command.default_member_permissions)))
    .sort((one, other) => one.name.localeCompare(other.name));
}

/** Whether Discord would show the command to somebody with these permissions (a decimal string). */
export function allowed(command, permissions) {
  const held = BigInt(permissions ?? 0);
  return Boolean(held & ADMINISTRATOR) || (held & command.needs) === command.needs;
}

/** Those whose name begins with what was typed, has a word that does, or holds it; else those that speak of it. */
export function completions(commands, typed, permissions) {
  const wanted = typed.toLowerCase().trim();
  const rank = ({ name }) =>
    [name.startsWith(wanted), name.includes(` ${wanted}`), name.includes(wanted)].indexOf(true);
  const named = commands.filter((command) => rank(command) >= 0);
  const found = named.length ? named : commands.filter(({ description }) => description.toLowerCase().includes(wanted));
  const order = (command) => Number(!allowed(command, permissions)) * 10 + rank(command);
  return found
    .map((command) => ({ command, muted: !allowed(command, permissions) }))
    .sort((one, other) => order(one.command) - order(other.command));
}

/** Discord's null is everybody, and its "0" administrators alone. */
function needed(permissions) {
  return permissions === "0" ? ADMINISTRATOR : BigInt(permissions ?? 0);
}

function leaves(node, name, needs) {
  const options = node.options ?? [];
  const below = options.filter((option) => option.type === SUBCOMMAND || option.type === GROUP);
  if (below.length) return below.flatMap((option) => leaves(option, `${name} ${option.name}`, needs));
  return [{ name, description: node.description, options, needs }];
}
