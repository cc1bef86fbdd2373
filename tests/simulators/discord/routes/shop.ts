import { refusal } from '../refusal.ts';
import { entitlementObject, grant, isActive, takeBack } from '../shop.ts';
import type { EntitlementState } from '../shop.ts';
import type { Simulation } from '../simulation.ts';
import { answered, nothing, param } from './route.ts';
import type { Handler, RouteRequest } from './route.ts';

/** The account of the developer, to whom test entitlements of guilds belong. */
const developerId = '1100000000000000003';
const subscriptionType = 5;
/** Available, and to whom it is sold (resources/sku "SKU Flags"). */
const flags = { available: 1 << 2, guild: 1 << 7, user: 1 << 8 };

export const skus: Handler = (simulation, request) => {
  const applicationId = ownApplication(simulation, request);
  return answered(
    [...simulation.shop.skus.values()].map(({ id, name, scope }) => ({
      id,
      type: subscriptionType,
      application_id: applicationId,
      name,
      slug: name.toLowerCase().replaceAll(/\W+/g, '-'),
      flags: flags.available | flags[scope],
    })),
  );
};

/** Entitlements after an id, or the last before one; those that have ended too, unless they are excluded. */
export const entitlements: Handler = (simulation, request) => {
  const applicationId = ownApplication(simulation, request);
  const { limit = '100', before, after = '0', user_id: userId, guild_id: guildId } = request.query;
  const {
    sku_ids: skuIds,
    exclude_ended: ended = 'false',
    exclude_deleted: deleted = 'true',
  } = request.query;
  const found = [...simulation.shop.entitlements.values()]
    .filter(({ id }) => BigInt(id) > BigInt(after) && (before === undefined || BigInt(id) < BigInt(before)))
    .filter((entitlement) => userId === undefined || entitlement.userId === userId)
    .filter((entitlement) => guildId === undefined || entitlement.guildId === guildId)
    .filter(({ sku }) => skuIds === undefined || skuIds.split(',').includes(sku.id))
    .filter(({ isDeleted }) => deleted === 'false' || !isDeleted)
    .filter((entitlement) => ended === 'false' || isActive(entitlement, simulation.now()));
  const page = before === undefined ? found.slice(0, Number(limit)) : found.slice(-Number(limit));
  return answered(page.map((entitlement) => entitlementObject(applicationId, entitlement)));
};

interface TestEntitlement {
  readonly sku_id: string;
  readonly owner_id: string;
  readonly owner_type: 1 | 2;
}

export const createTestEntitlement: Handler<TestEntitlement> = (simulation, request) => {
  const applicationId = ownApplication(simulation, request);
  const { sku_id: skuId, owner_id: ownerId, owner_type: ownerType } = request.body;
  const { shop, world } = simulation;
  const sku = shop.skus.get(skuId);
  if (sku === undefined) throw refusal('unknownSku');
  const isGuild = ownerType === 1;
  if (isGuild && !world.guilds.has(ownerId)) throw refusal('unknownGuild');
  if (!isGuild && !world.users.has(ownerId)) throw refusal('unknownUser');
  const owner = isGuild ? { userId: developerId, guildId: ownerId } : { userId: ownerId, guildId: undefined };
  return answered(entitlementObject(applicationId, grant(simulation, { sku, ...owner, startsAtMs: null })));
};

/** Only what was made for a test can be taken back by the developer. */
export const deleteTestEntitlement: Handler = (simulation, request) => {
  ownApplication(simulation, request);
  const found = liveTest(simulation, param(request, 'entitlement_id'));
  if (found === undefined) throw refusal('unknownEntitlement');
  takeBack(simulation, found);
  return nothing;
};

function liveTest({ shop }: Simulation, id: string): EntitlementState | undefined {
  const found = shop.entitlements.get(id);
  return found?.startsAtMs === null && !found.isDeleted ? found : undefined;
}

function ownApplication({ options }: Simulation, request: RouteRequest<unknown>): string {
  const id = param(request, 'application_id');
  if (id !== options.applicationId) throw refusal('unknownApplication');
  return id;
}
