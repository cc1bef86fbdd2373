import { randomUUID } from 'node:crypto';
import { guildId, originKey, userId } from '../../src/platform/ids.ts';
import type { Sql } from '../../src/store/connection.ts';
import { call, type Course } from './race-course.ts';

/** Some people and one guild pay themselves; who does changes while turns wait and run. */
export async function prepareKeys(sql: Sql): Promise<void> {
  for (const who of [0, 1, 2])
    await sql`insert into users (platform_user_id, name) values (${userId('telegram', who)}, ${`p${who}`}) on conflict do nothing`;
  await sql`insert into provider_keys (id, scope, user_id, provider, sealed, last4, fingerprint, given_by)
    select gen_random_uuid(), 'user', id, 'openrouter', 'sealed', 'last', 'same', platform_user_id from users
    where platform_user_id in (${userId('telegram', 0)}, ${userId('telegram', 1)}) on conflict do nothing`;
  await sql`insert into provider_keys (id, scope, guild_id, provider, sealed, last4, fingerprint, given_by)
    select gen_random_uuid(), 'guild', id, 'openrouter', 'sealed', 'last', 'same', 'telegram:0' from guilds
    where platform_guild_id = ${guildId('telegram', -2)} on conflict do nothing`;
}

/** Somebody gives a key, in the place of the one before, or takes it back. */
export async function changeKey(course: Course): Promise<void> {
  const isForGuild = course.random() < 0.5;
  const change = {
    originKey: originKey('telegram', 'race', 'key', randomUUID()),
    author: { id: userId('telegram', 2), name: 'p2', locale: null },
    guild: isForGuild ? { id: guildId('telegram', -3), name: 'g2' } : null,
    provider: 'openrouter',
    by: 'command',
    key: { id: randomUUID(), provider: 'openrouter', sealed: 's', last4: 'last', fingerprint: 'f' },
  };
  await call(course, course.random() < 0.6 ? 'set_provider_key_v1' : 'remove_provider_key_v1', change);
}
