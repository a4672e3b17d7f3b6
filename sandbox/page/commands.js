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

/** Those that begin with what was typed before those that merely hold it. */
export function completions(commands, typed, permissions) {
  const wanted = typed.toLowerCase().trim();
  const rank = (command) => [!allowed(command, permissions), !command.name.startsWith(wanted)].map(Number).join("");
  return commands
    .filter((command) => command.name.includes(wanted) || command.description.toLowerCase().includes(wanted))
    .sort((one, other) => rank(one).localeCompare(rank(other)));
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
