import type { CommandInvocation, CommandSpec } from '../platform/command.ts';
import { nameOf } from '../platform/command.ts';
import type { ActionCommand, CommandServices } from './command.ts';

/** Notes each use of a command by somebody who may not, for those who may. */
export const onRecord = (spec: CommandSpec): Required<Pick<ActionCommand, 'onDenied'>> => ({
  onDenied: (invocation, services) => noteDenied(spec, invocation, services),
});

export async function noteDenied(
  spec: CommandSpec,
  invocation: CommandInvocation,
  { audit }: Pick<CommandServices, 'audit'>,
): Promise<void> {
  const why = spec.requires === 'operator' ? 'not_operator' : 'not_admin';
  await audit.refused(invocation, nameOf(spec), why);
}
