// A description's commands as the page offers them: in which order, by which name, and where their effect is seen. Pure.

import type { Argument, Channel, CommandDescription, Description, Reply } from "../../wire/messages.ts";

const MOST_CHANNELS = 3;

/** The commands of a description, with what it leaves out where it is as usual. */
export function commandsOf(description: Description | null): CommandDescription[] {
  return (description?.commands ?? []).map((command) => ({
    ...USUAL_COMMAND,
    ...command,
    arguments: (command.arguments ?? []).map((argument) => ({ ...USUAL_ARGUMENT, ...argument })),
  }));
}

const USUAL_COMMAND = { label: "", timeout_s: 5, dangerous: false, safe: false, interlocks: [] };
const USUAL_ARGUMENT = { unit: "", minimum: null, maximum: null, choices: [], default: null };

/** The safe command first, the dangerous ones last, else as they are described. */
export function ordered(commands: readonly CommandDescription[]): CommandDescription[] {
  const rank = (command: CommandDescription) => (command.safe ? 0 : command.dangerous ? 2 : 1);
  return [...commands].sort((one, other) => rank(one) - rank(other));
}

export function titleOf(command: CommandDescription): string {
  return command.label || command.name;
}

/** The channels that tell whether a command took effect: named by its reply, its arguments or its own name; else of the
 * same unit; else the only one there is. */
export function channelsOfEffect(
  channels: readonly Channel[],
  command: Pick<CommandDescription, "name" | "arguments">,
  reply: Pick<Reply, "values" | "units"> | null,
): Channel[] {
  const names = [...Object.keys(reply?.values ?? {}), ...command.arguments.map((argument) => argument.name)];
  const named = channels.filter(({ name }) => names.includes(name) || isNamedIn(name, command.name));
  if (named.length > 0) return named.slice(0, MOST_CHANNELS);
  const units = [...Object.values(reply?.units ?? {}), ...command.arguments.map((argument) => argument.unit)];
  const alike = channels.filter(({ unit }) => unit !== "" && units.includes(unit));
  if (alike.length > 0) return alike.slice(0, MOST_CHANNELS);
  return channels.length === 1 ? [...channels] : [];
}

/** `temperature` in `set_temperature`, not in `set_temperatures`. */
function isNamedIn(channel: string, command: string): boolean {
  return `_${command.replaceAll("-", "_")}_`.includes(`_${channel.replaceAll("-", "_")}_`);
}

/** An argument's value is sent as it was read, so that `_arm` and the command itself say the same. */
export type Arguments = Record<string, string | number | boolean>;

/** The unit of one argument of a command, where it is described. */
export function unitOf(described: readonly Argument[], name: string): string {
  return described.find((argument) => argument.name === name)?.unit ?? "";
}
