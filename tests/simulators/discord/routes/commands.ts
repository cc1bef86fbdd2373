import type { CommandBody, CommandContext } from '../commands.ts';
import { DiscordRefusal } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { joinedGuild } from './access.ts';
import { answered, param } from './route.ts';
import type { Handler, RouteRequest } from './route.ts';

export const listCommands: Handler = (simulation, request) =>
  answered(simulation.commands.of(scopeOf(simulation, request)));

/** Replaces all commands of a scope. `null` stands for none. */
export const overwriteCommands: Handler<readonly CommandBody[] | null> = (simulation, request) => {
  const scope = scopeOf(simulation, request);
  return answered(simulation.commands.overwrite(scope, request.body ?? [], contextOf(simulation)));
};

export const createCommand: Handler<CommandBody> = (simulation, request) => {
  const scope = scopeOf(simulation, request);
  const { command, isNew } = simulation.commands.upsert(scope, request.body, contextOf(simulation));
  return answered(command, isNew ? 201 : 200);
};

/** The guild of the path, or `global`. Refuses with 20012 for another application's commands. */
function scopeOf(simulation: Simulation, request: RouteRequest<unknown>): string {
  if (param(request, 'application_id') !== simulation.options.applicationId) {
    const message = 'You are not authorized to perform this action on this application';
    throw new DiscordRefusal(403, 20012, message);
  }
  const guildId = request.params['guild_id'];
  return guildId === undefined ? 'global' : joinedGuild(simulation, guildId).id;
}

function contextOf({ world, options }: Simulation): CommandContext {
  return { ids: world.ids, applicationId: options.applicationId };
}
