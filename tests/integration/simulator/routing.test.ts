import { describe, expect, test } from 'vitest';
import { builtInModels } from '../../../src/simulator/built-in-models.ts';
import { isFree } from '../../../src/simulator/catalogue.ts';
import { free, json, paid, start } from './client.ts';

const priceless = { max_price: { prompt: 0, completion: 0, request: '0', image: 0 } };
const image = [
  { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] },
];

describe('a model id', () => {
  test('that nobody knows is a bad request', async () => {
    const { post } = await start();
    const response = await post({ model: 'acme/x' });
    expect(response.status).toBe(400);
    expect((await json(response)).error).toMatchObject({
      message: 'acme/x is not a valid model ID',
      availability: { code: 'model_not_found', retryable: false, requested_models: ['acme/x'] },
    });
  });

  test('of a free variant that ended is not found, and names the paid model', async () => {
    const { post } = await start();
    const response = await post({ model: `${paid}:free` });
    expect(response.status).toBe(404);
    expect((await json(response)).error).toMatchObject({
      message: `No endpoints found for ${paid}:free.`,
      availability: { code: 'free_variant_ended', fallback_models: [paid] },
    });
  });

  test.each(['openai/gpt-6-luna:batch', 'respan/span-01-lite:free'])('%s cannot chat', async (model) => {
    const { post } = await start();
    expect((await post({ model })).status).toBe(404);
  });

  test.each([':nitro', ':floor', ':exacto'])('may end in %s', async (variant) => {
    const { simulator, post } = await start();
    expect((await post({ model: `${paid}${variant}` })).status).toBe(200);
    expect(simulator.calls[0]?.model).toBe(paid);
  });

  test('may vanish between two calls', async () => {
    const { simulator, post } = await start();
    expect((await post({ model: free })).status).toBe(200);
    simulator.setModels(builtInModels.filter(({ id }) => id !== free));
    expect((await post({ model: free })).status).toBe(400);
  });

  test('may be left out: the account has a default', async () => {
    const { simulator, post } = await start();
    expect((await post({})).status).toBe(200);
    expect(simulator.calls[0]?.model).toBeDefined();
  });
});

describe('fallbacks', () => {
  test('are tried in order, and the answer names the winner', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'refusal', name: 'provider-error' }, { model: paid });
    simulator.play({ kind: 'answer', text: 'from the second' }, { model: free });
    const body = await json(await post({ model: paid, models: [free, 'openrouter/free'] }));
    expect(body).toMatchObject({
      model: 'nvidia/nemotron-3.5-lightning-20260402',
      provider: 'Nvidia',
      choices: [{ message: { content: 'from the second' } }],
    });
    expect(simulator.calls).toMatchObject([{ model: free, status: 200 }]);
  });

  test('end with the refusal of the last', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'refusal', name: 'overloaded' });
    simulator.play({ kind: 'refusal', name: 'edge-timeout' });
    expect((await post({ models: [paid, free] })).status).toBe(524);
  });

  test('work without a model', async () => {
    const { simulator, post } = await start();
    await post({ models: ['acme/gone', free] });
    expect(simulator.calls[0]).toMatchObject({ model: free, status: 200 });
  });
});

describe('the router', () => {
  test('openrouter/free picks free models only, the same for the same seed', async () => {
    const picks = async (seed: number) => {
      const { simulator, post } = await start({ seed });
      for (let asked = 0; asked < 12; asked += 1)
        await post({ model: 'openrouter/free', provider: priceless });
      return simulator.calls.map(({ model }) => model);
    };
    const models = await picks(7);
    expect(new Set(models).size).toBeGreaterThan(1);
    for (const id of models) expect(isFree(builtInModels.find((model) => model.id === id)!)).toBe(true);
    expect(await picks(7)).toEqual(models);
  });

  test('openrouter/free picks a model that can do what is asked', async () => {
    const { simulator, post } = await start();
    for (let asked = 0; asked < 8; asked += 1) await post({ model: 'openrouter/free', messages: image });
    const reading = builtInModels.filter(
      ({ inputModalities }) => inputModalities?.includes('image') === true,
    );
    for (const call of simulator.calls) expect(reading.map(({ id }) => id)).toContain(call.model);
  });

  test('openrouter/auto is priced like the model it picks, so a price cap of zero leaves nothing', async () => {
    const { simulator, post } = await start();
    expect((await json(await post({ model: 'openrouter/auto' }))).usage.cost).toBeGreaterThan(0);
    const response = await post({ model: 'openrouter/auto', provider: priceless });
    expect(response.status).toBe(404);
    expect((await json(response)).error.availability.code).toBe('constraint_filtered');
    expect(simulator.calls[1]?.model).toBeUndefined();
  });
});

test('a price of -1 marks a router, whatever its id', async () => {
  const pricing = { prompt: '-1', completion: '-1' };
  const { simulator, post } = await start({ models: [...builtInModels, { id: 'sim/fusion', pricing }] });
  expect((await json(await post({ model: 'sim/fusion' }))).usage.cost).toBeGreaterThan(0);
  expect(simulator.calls[0]?.model).not.toBe('sim/fusion');
  expect((await post({ model: 'sim/fusion', provider: priceless })).status).toBe(404);
});

describe('an endpoint is filtered out', () => {
  const small = 'liquid/lfm-2.5-2.6b:free';
  const tools = [{ type: 'function', function: { name: 'roll_dice' } }];
  const jsonSchema = { type: 'json_schema', json_schema: { name: 'x', schema: {} } };
  const audio = [
    { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'A', format: 'ogg' } }] },
  ];
  const file = [{ role: 'user', content: [{ type: 'file', file: { file_data: 'data:x' } }] }];
  const nativeFiles = [{ id: 'file-parser', pdf: { engine: 'native' } }];

  test.each([
    [{ messages: image }, 'No endpoints found that support image input'],
    [{ messages: audio }, 'No endpoints found that support audio input'],
    [{ messages: file, plugins: nativeFiles }, 'No endpoints found that support file input'],
    [{ tools }, 'No endpoints found that support tool use. Try disabling "roll_dice"'],
    [{ tool_choice: 'required' }, "No endpoints found that support the provided 'tool_choice' value"],
    [{ response_format: jsonSchema }, 'No endpoints found that support structured outputs'],
    [
      { top_k: 3, provider: { require_parameters: true } },
      'No endpoints found that can handle the requested parameters',
    ],
    [{ provider: { only: ['openai'] } }, 'No allowed providers are available for the selected model.'],
    [{ provider: { ignore: ['liquid'] } }, 'No allowed providers are available for the selected model.'],
    [
      { provider: { order: ['groq'], allow_fallbacks: false } },
      'No allowed providers are available for the selected model.',
    ],
    [
      { provider: { zdr: true } },
      'No endpoints available matching your guardrail restrictions and data policy',
    ],
    [
      { provider: { data_collection: 'deny' } },
      'No endpoints available matching your guardrail restrictions and data policy',
    ],
  ])('when the model cannot serve %o', async (body, message) => {
    const { post } = await start();
    const response = await post({ model: small, ...body });
    expect(response.status).toBe(404);
    expect((await json(response)).error.message).toContain(message);
  });

  test.each([
    [{ top_k: 3 }],
    [{ messages: file }],
    [{ provider: { only: ['liquid'], ...priceless } }],
    [{ provider: { order: ['groq'] } }],
  ])('but not when it can, or may drop it: %o', async (body) => {
    const { post } = await start();
    expect((await post({ model: small, ...body })).status).toBe(200);
  });

  test.each([
    [{ prompt: 0 }, 404],
    [{ completion: '0' }, 404],
    [{ prompt: 0.0999, completion: 1 }, 404],
    [{ prompt: 0.1, completion: 0.5 }, 200],
    [{ prompt: '0.1', completion: '0.499999' }, 404],
    [{}, 200],
  ])('by the price cap %o: %i', async (maxPrice, status) => {
    const { post } = await start();
    const response = await post({ model: paid, provider: { max_price: maxPrice } });
    expect(response.status).toBe(status);
    if (status === 200) return;
    const { availability } = (await json(response)).error;
    expect(availability).toMatchObject({
      code: 'constraint_filtered',
      constraint: { field: 'provider.max_price' },
    });
  });

  test.each([
    [0.01, 200],
    [0.009, 404],
  ])('by the price cap of %d USD for one request: %i', async (request, status) => {
    const pricing = { prompt: '0', completion: '0', request: '0.01' };
    const { post } = await start({ models: [{ id: 'sim/flat', pricing }] });
    expect((await post({ model: 'sim/flat', provider: { max_price: { request } } })).status).toBe(status);
  });

  test('reasoning cannot be turned off where it is mandatory', async () => {
    const { post } = await start();
    const reasoning = { effort: 'none' };
    expect((await post({ model: 'google/gemini-3.8-flash', reasoning })).status).toBe(400);
    expect((await post({ model: paid, reasoning })).status).toBe(200);
  });
});

describe('a prompt', () => {
  const model = { id: 'sim/small', pricing: { prompt: '0', completion: '0' } };
  const long = [{ role: 'user', content: 'word '.repeat(8000) }];

  test('that does not fit is refused with the sizes', async () => {
    const { post } = await start({ models: [{ ...model, contextLength: 10_000 }] });
    const response = await post({ model: 'sim/small', messages: long, max_tokens: 100 });
    expect(response.status).toBe(400);
    const { error } = await json(response);
    expect(error.message).toContain(
      "This endpoint's maximum context length is 10000 tokens. However, you requested about 10104 tokens",
    );
    expect(error.metadata.error_type).toBe('context_length_exceeded');
  });

  test('is squeezed into a small context unless the request forbids it', async () => {
    const { post } = await start({ models: [{ ...model, contextLength: 8192 }] });
    const squeezed = await json(await post({ model: 'sim/small', messages: long, max_tokens: 192 }));
    expect(squeezed.usage.prompt_tokens).toBe(8000);
    const plugins = [{ id: 'context-compression', enabled: false }];
    expect((await post({ model: 'sim/small', messages: long, plugins })).status).toBe(400);
  });

  test('has no limit in a row without a context length', async () => {
    const { post } = await start({ models: [{ ...model, contextLength: null }] });
    expect((await post({ model: 'sim/small', messages: long })).status).toBe(200);
  });
});
