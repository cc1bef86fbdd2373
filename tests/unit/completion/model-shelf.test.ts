import { describe, expect, it } from 'vitest';
import { freeRouter, readModelList } from '../../../src/completion/catalogue-model.ts';
import { createCatalogue } from '../../../src/completion/catalogue.ts';
import { createModelShelf } from '../../../src/completion/model-shelf.ts';
import type { CatalogueStore } from '../../../src/completion/ports.ts';

const free = { prompt: '0', completion: '0' };
const row = (id: string, more: object = {}) => ({
  id,
  name: id,
  context_length: 100_000,
  pricing: free,
  architecture: { input_modalities: ['text'], output_modalities: ['text'] },
  ...more,
});

const ROWS = [
  row(freeRouter),
  row('openrouter/auto', { pricing: { prompt: '-1', completion: '-1' } }),
  row('dear/model', { name: 'Dear: Model', pricing: { prompt: '0.00001', completion: '0.00005' } }),
  row('cheap/model', { pricing: { prompt: '0.0000001', completion: '0.0000002' } }),
  row('small/talker-3b:free'),
  row('large/talker-70b:free', { supported_parameters: ['tools'] }),
  row('large/painter', {
    pricing: { prompt: '0.000001', completion: '0.000001' },
    architecture: { input_modalities: ['text', 'image', 'file'], output_modalities: ['text'] },
  }),
];

async function shelf(
  options: {
    readonly freeOnly?: boolean;
    readonly isOperators?: boolean;
    readonly rows?: readonly object[];
  } = {},
) {
  const { freeOnly = false, isOperators = true, rows = ROWS } = options;
  const models = readModelList({ data: rows }) ?? [];
  const store: CatalogueStore = {
    load: () => Promise.resolve({ fetchedAtMs: 1, models }),
    save: () => Promise.resolve(),
  };
  const silent = () => undefined;
  const log = { info: silent, warn: silent, error: silent };
  const catalogue = createCatalogue({
    baseUrl: 'http://127.0.0.1:9',
    apiKey: null,
    store,
    now: () => 0,
    log,
  });
  await catalogue.load();
  return createModelShelf({ catalogue, isOperators, freeOnly });
}

const ids = (models: readonly { readonly id: string }[]) => models.map(({ id }) => id);

describe('the models that people choose from', () => {
  it('are there for those who pay themselves alone where the operator has no key for them', async () => {
    const models = await shelf({ isOperators: false });
    expect([
      models.offersChoice('operator'),
      models.offersChoice('guild'),
      models.offersChoice('user'),
    ]).toEqual([false, true, true]);
    expect(models.list(null, null)).toEqual([]);
    expect(models.look('cheap/model', null)).toEqual({ kind: 'unknown', near: [] });
    expect(models.look('cheap/model', null, 'user')).toMatchObject({ kind: 'found' });
    expect(ids(models.list('free', null, 'guild'))).toContain('large/talker-70b:free');
  });

  it('begin with the free ones, the best first, and go on with what costs little', async () => {
    const models = await shelf();
    expect(ids(models.list(null, null))).toEqual([
      'large/talker-70b:free',
      'small/talker-3b:free',
      freeRouter,
      'cheap/model',
      'large/painter',
      'dear/model',
    ]);
  });

  it('are free ones only where the operator wants that', async () => {
    const models = await shelf({ freeOnly: true });
    expect(ids(models.list(null, null))).toEqual([
      'large/talker-70b:free',
      'small/talker-3b:free',
      freeRouter,
    ]);
    expect(models.look('dear/model', null)).toMatchObject({ kind: 'not_offered', freeOnly: true });
  });

  it('leave out what has no price beforehand', async () => {
    const models = await shelf();
    expect(models.look('openrouter/auto', null)).toMatchObject({ kind: 'not_offered', freeOnly: false });
  });

  it('are narrowed by what they take', async () => {
    const models = await shelf();
    expect(ids(models.list('vision', null))).toEqual(['large/painter']);
    expect(ids(models.list('files', null))).toEqual(['large/painter']);
    expect(ids(models.list('tools', null))).toEqual(['large/talker-70b:free']);
    expect(ids(models.list('audio', null))).toEqual([]);
    expect(ids(models.list('free', null))).not.toContain('cheap/model');
  });

  it('are narrowed by what a guild allows: ids, authors, free ones', async () => {
    const models = await shelf();
    expect(ids(models.list(null, ['dear/model', 'large/*']))).toEqual([
      'large/talker-70b:free',
      'large/painter',
      'dear/model',
    ]);
    expect(ids(models.list(null, ['free']))).toEqual([
      'large/talker-70b:free',
      'small/talker-3b:free',
      freeRouter,
    ]);
    expect(models.list(null, [])).toEqual([]);
    expect(models.look('dear/model', ['free'])).toMatchObject({ kind: 'not_allowed' });
  });

  it('are found by words of their names, whatever the case', async () => {
    const models = await shelf();
    expect(ids(models.search('TALKER large', null))).toEqual(['large/talker-70b:free']);
    expect(ids(models.search('dear: model', null))).toEqual(['dear/model']);
    expect(ids(models.search('', null))).toHaveLength(6);
  });

  it('are meant by an id, or by words that only one has', async () => {
    const models = await shelf();
    expect(models.look('Dear/Model', null)).toMatchObject({ kind: 'found', model: { id: 'dear/model' } });
    expect(models.look(' painter ', null)).toMatchObject({ kind: 'found', model: { id: 'large/painter' } });
    expect(models.look('talker', null)).toEqual({
      kind: 'unknown',
      near: ['large/talker-70b:free', 'small/talker-3b:free'],
    });
    expect(models.look('nobody', null)).toEqual({ kind: 'unknown', near: [] });
  });
});
