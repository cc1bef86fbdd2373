import {
  ApplicationFlags,
  Routes,
  type REST,
  type RESTGetAPICurrentUserResult,
  type RESTGetCurrentApplicationResult,
} from 'discord.js';

/** The bot as the developer portal knows it. */
export interface Application {
  readonly id: string;
  /** The bot's account; old applications have another id than their bot. */
  readonly bot: { readonly id: string; readonly name: string };
  /** Whether the portal lets it read messages that are not addressed to it. */
  readonly mayReadContent: boolean;
}

/** Rejects as the REST client does. */
export async function readApplication(rest: REST): Promise<Application> {
  const application = (await rest.get(Routes.currentApplication())) as RESTGetCurrentApplicationResult;
  const { id, username: name } =
    application.bot ?? ((await rest.get(Routes.user())) as RESTGetAPICurrentUserResult);
  return { id: application.id, bot: { id, name }, mayReadContent: (application.flags & CONTENT_FLAGS) !== 0 };
}

/** "Limited" is what the switch gives an application that few servers use. */
const CONTENT_FLAGS = ApplicationFlags.GatewayMessageContent | ApplicationFlags.GatewayMessageContentLimited;
