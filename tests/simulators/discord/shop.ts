import type { Simulation } from './simulation.ts';
import type { GuildState, UserState, Wire } from './world.ts';

/** Something the application sells as a subscription (resources/sku). */
export interface SkuState {
  readonly id: string;
  readonly name: string;
  /** Who has what is bought: a guild with all its members, or the buyer alone. */
  readonly scope: 'guild' | 'user';
}

/** What somebody has bought, or was given by the developer (resources/entitlement). */
export interface EntitlementState {
  readonly id: string;
  readonly sku: SkuState;
  /** Who bought it. */
  readonly userId: string;
  readonly guildId: string | undefined;
  /** Null for one that was made for a test. */
  readonly startsAtMs: number | null;
  /** Null while it is renewed. */
  endsAtMs: number | null;
  isDeleted: boolean;
}

export interface Shop {
  readonly skus: Map<string, SkuState>;
  /** Oldest first. */
  readonly entitlements: Map<string, EntitlementState>;
  clear(): void;
}

/** What people do in the shop. With `isMissed` no event tells of it. Methods throw when there is no such thing. */
export interface ShopControls {
  /** Puts something on sale; returns its id. */
  offer(sku: Pick<SkuState, 'name' | 'scope'>): string;
  /** A person subscribes, for a guild where it is sold to guilds; returns the entitlement's id. */
  subscribe(purchase: Purchase): string;
  /** A subscription was cancelled, and its last period is over. */
  end(entitlementId: string, how?: Told): void;
  /** Discord gives the money back, or takes the entitlement away. */
  remove(entitlementId: string, how?: Told): void;
}

export interface Told {
  readonly isMissed?: boolean;
}

export interface Purchase extends Told {
  readonly sku: string;
  readonly user: Pick<UserState, 'id'>;
  readonly guild?: Pick<GuildState, 'id'>;
}

export function createShop(): Shop {
  const skus = new Map<string, SkuState>();
  const entitlements = new Map<string, EntitlementState>();
  return {
    skus,
    entitlements,
    clear() {
      skus.clear();
      entitlements.clear();
    },
  };
}

export function shopControls(simulation: Simulation): ShopControls {
  const { shop, world } = simulation;
  const existing = (id: string): EntitlementState => {
    const found = shop.entitlements.get(id);
    if (found === undefined) throw new Error(`There is no entitlement ${id}.`);
    return found;
  };
  return {
    offer(sku) {
      const id = world.ids.next();
      shop.skus.set(id, { ...sku, id });
      return id;
    },
    subscribe({ sku: skuId, user, guild, ...how }) {
      const sku = shop.skus.get(skuId);
      if (sku === undefined) throw new Error(`There is no SKU ${skuId}.`);
      if ((sku.scope === 'guild') !== (guild !== undefined)) throw new Error(`It is sold to a ${sku.scope}.`);
      const startsAtMs = simulation.now();
      return grant(simulation, { sku, userId: user.id, guildId: guild?.id, startsAtMs }, how).id;
    },
    end(entitlementId, how = {}) {
      const entitlement = existing(entitlementId);
      entitlement.endsAtMs = simulation.now();
      announce(simulation, 'ENTITLEMENT_UPDATE', entitlement, how);
    },
    remove: (entitlementId, how) => takeBack(simulation, existing(entitlementId), how),
  };
}

/** Gives an entitlement without an end and tells of it. */
export function grant(
  simulation: Simulation,
  given: Pick<EntitlementState, 'sku' | 'userId' | 'guildId' | 'startsAtMs'>,
  how: Told = {},
): EntitlementState {
  const id = simulation.world.ids.next();
  const entitlement: EntitlementState = { ...given, id, endsAtMs: null, isDeleted: false };
  simulation.shop.entitlements.set(id, entitlement);
  announce(simulation, 'ENTITLEMENT_CREATE', entitlement, how);
  return entitlement;
}

export function takeBack(simulation: Simulation, entitlement: EntitlementState, how: Told = {}): void {
  entitlement.isDeleted = true;
  announce(simulation, 'ENTITLEMENT_DELETE', entitlement, how);
}

/** What a person has in a place, as it rides on their interactions. */
export function entitlementsOf(
  { shop, options, now }: Simulation,
  userId: string,
  guildId: string | undefined,
): Wire[] {
  return [...shop.entitlements.values()]
    .filter((entitlement) => isActive(entitlement, now()))
    .filter(({ sku, ...it }) => (sku.scope === 'guild' ? it.guildId === guildId : it.userId === userId))
    .map((entitlement) => entitlementObject(options.applicationId, entitlement));
}

export function isActive({ endsAtMs, isDeleted }: EntitlementState, nowMs: number): boolean {
  return !isDeleted && (endsAtMs === null || endsAtMs > nowMs);
}

export function entitlementObject(applicationId: string, entitlement: EntitlementState): Wire {
  const { id, sku, userId, guildId, startsAtMs, endsAtMs, isDeleted } = entitlement;
  return {
    id,
    sku_id: sku.id,
    application_id: applicationId,
    user_id: userId,
    ...(guildId === undefined ? {} : { guild_id: guildId }),
    type: 8,
    deleted: isDeleted,
    consumed: false,
    starts_at: startsAtMs === null ? null : new Date(startsAtMs).toISOString(),
    ends_at: endsAtMs === null ? null : new Date(endsAtMs).toISOString(),
  };
}

function announce(
  { gateway, options }: Simulation,
  name: string,
  entitlement: EntitlementState,
  { isMissed = false }: Told,
): void {
  if (isMissed) return;
  const payload = (): Wire => entitlementObject(options.applicationId, entitlement);
  gateway.dispatch({ name, guildId: entitlement.guildId, intent: 0, payload });
}
