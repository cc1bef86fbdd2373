import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readModelList } from '../../../src/completion/catalogue-model.ts';
import { rankFreeModels } from '../../../src/completion/free-ranking.ts';
import { isFreeId } from '../../../src/completion/free-only.ts';

const free = { prompt: '0', completion: '0' };
const read = (...rows: unknown[]) => readModelList({ data: rows }) ?? [];

describe('the model list', () => {
  it('keeps what an incomplete row says and leaves the rest open', () => {
    expect(read({ id: 'acme/a' })).toEqual([
      {
        id: 'acme/a',
        name: 'acme/a',
        contextLength: null,
        maxCompletionTokens: null,
        inputModalities: ['text'],
        outputModalities: ['text'],
        supportedParameters: [],
        reasoning: 'never',
        canReasonLess: false,
        prices: expect.objectContaining({ prompt: null, completion: null }),
        isFree: false,
        isModerated: false,
        expiresOn: null,
        createdAtMs: null,
      },
    ]);
  });

  it.each([
    ['without an id', {}],
    ['for batches', { id: 'acme/a:batch' }],
    ['of a classifier', { id: 'acme/a', architecture: { output_modalities: ['decisions'] } }],
    ['of a speaker', { id: 'acme/a', architecture: { output_modalities: ['speech'] } }],
    ['of a transcriber', { id: 'acme/a', architecture: { input_modalities: ['audio'] } }],
    ['that is null', null],
    ['that is a list', []],
  ])('leaves out a row %s', (_, row) => {
    expect(read(row)).toEqual([]);
  });

  it.each<[string, object, boolean]>([
    ['acme/a:free', free, true],
    ['acme/a:free', {}, true],
    ['acme/a:free', { prompt: '0.000001', completion: '0' }, false],
    ['acme/a', free, true],
    ['acme/a', { ...free, request: '0.01' }, false],
    ['acme/a', { ...free, internal_reasoning: '0.01' }, false],
    ['acme/a', { ...free, overrides: [{ min_prompt_tokens: 9, prompt: '0.01' }] }, false],
    ['acme/a', { prompt: '-1', completion: '-1' }, false],
    ['acme/a', {}, false],
    ['openrouter/free', free, true],
    ['openrouter/auto', free, false],
    ['openrouter/fusion', free, false],
    ['~acme/family-latest', free, false],
  ])('%s at %j is free: %s', (id, pricing, isFree) => {
    expect(read({ id, pricing })[0]!.isFree).toBe(isFree);
  });

  it.each([
    [undefined, [], 'never', false],
    [undefined, ['reasoning'], 'default', false],
    [{ mandatory: true }, ['reasoning'], 'always', true],
    [{ mandatory: true, supported_efforts: ['high'] }, ['reasoning'], 'always', false],
    [{ mandatory: true }, [], 'always', false],
    [{ mandatory: false, default_enabled: true, supported_efforts: ['low'] }, ['reasoning'], 'default', true],
    [{ mandatory: false, default_enabled: false }, ['reasoning'], 'optional', false],
  ])(
    'reasoning %j with %j is %s, less of it: %s',
    (reasoning, supported_parameters, expected, canReasonLess) => {
      expect(read({ id: 'acme/a', reasoning, supported_parameters })[0]!).toMatchObject({
        reasoning: expected,
        canReasonLess,
      });
    },
  );

  it('takes a count of minus zero, which JSON can say, for zero', () => {
    const models = readModelList(JSON.parse('{"data":[{"id":"acme/small","created":-0}]}'));
    expect(models?.[0]?.createdAtMs).toBe(0);
  });

  it('of any shape whatever is read without throwing, as JSON that can be stored', () => {
    const row = fc.record(
      {
        id: fc.oneof(fc.string(), fc.jsonValue()),
        pricing: fc.oneof(fc.jsonValue(), fc.record({ prompt: fc.jsonValue(), overrides: fc.jsonValue() })),
        architecture: fc.oneof(fc.jsonValue(), fc.record({ output_modalities: fc.jsonValue() })),
        context_length: fc.jsonValue(),
        top_provider: fc.jsonValue(),
        reasoning: fc.jsonValue(),
        expiration_date: fc.jsonValue(),
        created: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ data: fc.array(fc.oneof(row, fc.jsonValue())) })),
        (body) => {
          const models = readModelList(body);
          expect(JSON.parse(JSON.stringify(models))).toEqual(models);
        },
      ),
    );
  });
});

describe('the ranking of free models', () => {
  const nowMs = Date.UTC(2026, 10, 21);
  const rank = (...rows: object[]) =>
    rankFreeModels(
      { fetchedAtMs: 1, models: read(...rows.map((row) => ({ pricing: free, ...row }))) },
      nowMs,
    ).map(({ id }) => id);

  it('puts general and large models first, the free router last', () => {
    expect(
      rank(
        { id: 'openrouter/free', context_length: 2_000_000 },
        { id: 'acme/tiny-2.6b:free' },
        { id: 'acme/north-mini-code:free', context_length: 900_000 },
        { id: 'acme/small-8b:free' },
        { id: 'acme/big-26b-a4b:free' },
        { id: 'acme/thinker-70b:free', reasoning: { mandatory: true } },
        { id: 'acme/grand:free', context_length: 1_000_000 },
      ),
    ).toEqual([
      'acme/grand:free',
      'acme/big-26b-a4b:free',
      'acme/thinker-70b:free',
      'acme/small-8b:free',
      'acme/tiny-2.6b:free',
      'acme/north-mini-code:free',
      'openrouter/free',
    ]);
  });

  it('leaves out paid models, short contexts and what expires within a week', () => {
    expect(
      rank(
        { id: 'acme/paid', pricing: { prompt: '1', completion: '1' } },
        { id: 'acme/short:free', context_length: 8191 },
        { id: 'acme/leaving:free', expiration_date: '2026-11-28' },
        { id: 'acme/staying:free', expiration_date: '2026-11-29' },
        { id: 'acme/fits:free', context_length: 8192 },
      ),
    ).toEqual(['acme/fits:free', 'acme/staying:free']);
  });
});

describe('an id', () => {
  const catalogue = {
    find: (id: string) =>
      read({ id: 'acme/was:free', pricing: { prompt: '1', completion: '1' } }).find(
        (model) => model.id === id,
      ),
  };

  it.each([
    ['acme/a:free', true],
    ['openrouter/free', true],
    ['acme/a', false],
    ['acme/was:free', false],
    ['acme/a:free:online', false],
    ['acme/a:online', false],
    ['acme/a:nitro', false],
    ['acme/a:floor', false],
    ['acme/a:batch', false],
    ['@preset/x', false],
    ['acme/a:free@preset/x', false],
    ['~acme/family-latest', false],
    ['openrouter/auto:free', false],
    ['free', false],
    ['', false],
  ])('%j can be asked for free: %s', (id, isFree) => {
    expect(isFreeId(id, catalogue)).toBe(isFree);
  });
});
