import { PermissionFlagsBits } from 'discord.js';

/** The least that answering takes: see and write in channels and threads, open threads, reply to what was written. */
const LEAST_PERMISSIONS =
  PermissionFlagsBits.ViewChannel |
  PermissionFlagsBits.SendMessages |
  PermissionFlagsBits.SendMessagesInThreads |
  PermissionFlagsBits.CreatePublicThreads |
  PermissionFlagsBits.ReadMessageHistory;

/** Where a server's admin adds the bot (topics/oauth2 "Bot Authorization Flow"). */
export function inviteLink(applicationId: string): string {
  const query = new URLSearchParams({
    client_id: applicationId,
    scope: 'bot applications.commands',
    permissions: String(LEAST_PERMISSIONS),
  });
  return `https://discord.com/oauth2/authorize?${query.toString()}`;
}

/** The page on which intents are switched and the token is shown. */
export function portalPage(applicationId: string): string {
  return `https://discord.com/developers/applications/${applicationId}/bot`;
}
