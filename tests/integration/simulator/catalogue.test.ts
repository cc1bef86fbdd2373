import { describe, expect, test } from 'vitest';
import { problemsWith } from './schema.ts';
import { free, json, paid, start } from './client.ts';

const anonymous = {};

describe('GET /models', () => {
  test('needs no key, has the shape of the API and lists only models that write text', async () => {
    const { client, get } = await start();
    const body = await json(await get('/models', anonymous));
    expect(problemsWith('ModelsListResponse', body)).toEqual([]);
    const ids = body.data.map(({ id }: { id: string }) => id);
    expect(ids).toContain('openrouter/free');
    expect(ids).toContain('openai/gpt-6-luna:batch');
    expect(ids).not.toContain('respan/span-01-lite:free');
    expect(body).toMatchObject({ total_count: ids.length, links: { next: null } });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(ids);
  });

  test('writes prices as decimal strings, -1 for what a router decides', async () => {
    const { get } = await start();
    const { data } = await json(await get('/models'));
    const pricing = Object.fromEntries(
      data.map((row: { id: string; pricing: object }) => [row.id, row.pricing]),
    );
    expect(pricing[free]).toEqual({ prompt: '0', completion: '0' });
    expect(pricing['openrouter/auto']).toEqual({ prompt: '-1', completion: '-1' });
    expect(pricing['deepseek/deepseek-v4.1-flash'].prompt).toBe('0.000000006');
  });

  test('filters by output, parameters and words', async () => {
    const { get } = await start();
    const ids = async (query: string) =>
      (await json(await get(`/models?${query}`))).data.map(({ id }: { id: string }) => id);
    expect(await ids('output_modalities=decisions')).toEqual(['respan/span-01-lite:free']);
    expect(await ids('output_modalities=all')).toContain('respan/span-01-lite:free');
    expect(await ids('supported_parameters=tools')).not.toContain('liquid/lfm-2.5-2.6b:free');
    expect(await ids('q=haiku')).toEqual(['anthropic/claude-haiku-5.5']);
  });

  test('pages on demand', async () => {
    const { get } = await start();
    const first = await json(await get('/models?limit=2'));
    expect(first.data).toHaveLength(2);
    expect(first.links.next).toBe('/api/v1/models?offset=2&limit=2');
    const last = await json(await get(`/models?offset=${first.total_count - 1}&limit=2`));
    expect(last.data).toHaveLength(1);
    expect(last.links.next).toBeNull();
  });

  test('shows expiry, and rows as incomplete as the test wants them', async () => {
    const { simulator, get } = await start();
    const { data } = await json(await get('/models?q=lfm'));
    expect(data[0].expiration_date).toBe('2026-12-31');
    const row = { context_length: null, supported_parameters: undefined, novelty: true };
    simulator.setModels([{ id: 'sim/odd', pricing: { prompt: '0', completion: '0' }, row }]);
    const [odd] = (await json(await get('/models'))).data;
    expect(odd).toMatchObject({ id: 'sim/odd', context_length: null, novelty: true });
    expect('supported_parameters' in odd).toBe(false);
  });
});

test('GET /models/user needs a key', async () => {
  const { get } = await start();
  expect((await get('/models/user', anonymous)).status).toBe(401);
  expect(problemsWith('ModelsListResponse', await json(await get('/models/user')))).toEqual([]);
});

test('GET /model/{author}/{slug} finds a model by id, variant or permaslug', async () => {
  const { get } = await start();
  for (const slug of [paid, free, 'deepseek/deepseek-v4.1-flash-20260423']) {
    const response = await get(`/model/${slug}`, anonymous);
    expect(response.status).toBe(200);
    expect(problemsWith('ModelResponse', await json(response))).toEqual([]);
  }
  expect((await get('/model/acme/x', anonymous)).status).toBe(404);
});

test('GET /models/{author}/{slug}/endpoints lists the endpoint of a model', async () => {
  const { get } = await start();
  const body = await json(await get(`/models/${paid}/endpoints`, anonymous));
  expect(problemsWith('ListEndpointsResponse', body.data)).toEqual([]);
  expect(body.data.endpoints).toMatchObject([{ provider_name: 'OpenAI', model_id: paid }]);
  expect((await get('/models/acme/x/endpoints', anonymous)).status).toBe(404);
});
