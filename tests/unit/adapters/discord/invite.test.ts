import { PermissionsBitField } from 'discord.js';
import { describe, expect, it } from 'vitest';
import { inviteLink } from '../../../../src/adapters/discord/invite.ts';

describe('the invite link', () => {
  it('asks for what answering takes, and for nothing more', () => {
    const { searchParams, origin } = new URL(inviteLink('1100000000000000002'));
    expect(origin).toBe('https://discord.com');
    expect(searchParams.get('client_id')).toBe('1100000000000000002');
    expect(searchParams.get('scope')).toBe('bot applications.commands');
    const permissions = new PermissionsBitField(BigInt(searchParams.get('permissions') ?? '0'));
    expect(permissions.toArray().toSorted()).toEqual([
      'CreatePublicThreads',
      'ReadMessageHistory',
      'SendMessages',
      'SendMessagesInThreads',
      'ViewChannel',
    ]);
  });
});
