import { asc, sql as condition } from 'drizzle-orm';
import type { CatalogueModel } from '../completion/catalogue-model.ts';
import type { CatalogueStore } from '../completion/ports.ts';
import type { Database } from './database.ts';
import { storableJson } from './document.ts';
import { reach } from './failure.ts';
import { catalogueMeta, models } from './schema/operation.ts';

/** The last model list, one row a model in the order of the list. Rejects with `StoreUnavailable`. */
export function createCatalogueStore({ db, sql }: Database): CatalogueStore {
  return {
    async load() {
      const rows = await reach(() =>
        db
          .select({ fetchedAt: catalogueMeta.fetchedAt, model: models.entry })
          .from(catalogueMeta)
          .leftJoin(models, condition`true`)
          .orderBy(asc(models.position)),
      );
      const [first] = rows;
      if (first === undefined) return null;
      return {
        fetchedAtMs: first.fetchedAt.getTime(),
        models: rows.flatMap((row) => (row.model === null ? [] : [row.model as CatalogueModel])),
      };
    },
    async save(snapshot) {
      const text = storableJson(snapshot);
      await reach(
        () => sql`
          with given as (
            select m.value ->> 'id' as id, m.ordinality::int as position, m.value as entry
            from jsonb_array_elements(${text}::text::jsonb -> 'models') with ordinality m
          ), gone as (
            delete from models where id not in (select id from given)
          ), kept as (
            insert into models (id, position, entry) select id, position, entry from given
            on conflict (id) do update set position = excluded.position, entry = excluded.entry
          )
          insert into catalogue_meta (id, fetched_at)
          values (1, to_timestamp((${text}::text::jsonb ->> 'fetchedAtMs')::double precision / 1000))
          on conflict (id) do update set fetched_at = excluded.fetched_at`,
      );
    },
  };
}
