import { describe, expect, it } from 'vitest';
import { createCandidateList, type ModelChoice } from '../../../src/completion/candidates.ts';
import { createCatalogue } from '../../../src/completion/catalogue.ts';
import type { OwnModel } from '../../../src/completion/own-model.ts';

const silent = () => undefined;

function listFor(choice: Partial<ModelChoice>, isFree: boolean) {
  const warnings: object[] = [];
  const log = { info: silent, warn: (fields: object) => void warnings.push(fields), error: silent };
  const catalogue = createCatalogue({
    baseUrl: 'http://nowhere.invalid',
    apiKey: null,
    store: null,
    now: Date.now,
    log,
  });
  const own = (provider: OwnModel['provider'], isPriced = true): OwnModel => ({
    provider,
    model: `${provider}-model`,
    candidate: () => (isPriced ? { id: `${provider}-model`, isFree, listed: null } : null),
    hasList: () => true,
  });
  const list = createCandidateList(
    {
      freeOnly: false,
      defaultModel: 'acme/a:free',
      fallbackModels: [],
      emergencyModel: null,
      providers: ['huggingface', 'openrouter', 'gemini'],
      ...choice,
    },
    {
      catalogue,
      ownModels: [own('gemini'), own('huggingface', false)],
      experience: { order: (ranked) => ranked },
      log,
    },
  );
  const idsOf = (
    wish: {
      preferredModel?: string;
      isStrict?: boolean;
      allowedModels?: readonly string[];
      freeModelsOnly?: boolean;
    } = {},
  ) =>
    list({ preferredModel: null, isStrict: false, allowedModels: null, ownKey: null, ...wish }).map(
      ({ id }) => id,
    );
  return { idsOf, warnings };
}

describe('the models of several providers', () => {
  it('are free ones only for a request that says so, without a warning', () => {
    const { idsOf, warnings } = listFor(
      { providers: ['gemini', 'openrouter'], defaultModel: 'acme/paid' },
      false,
    );
    expect(idsOf()).toContain('gemini-model');
    const told = warnings.length;
    expect(idsOf({ freeModelsOnly: true })).toEqual(['openrouter/free']);
    expect(idsOf({ freeModelsOnly: true, preferredModel: 'acme/paid', isStrict: true })).toEqual([]);
    expect(warnings).toHaveLength(told);
  });

  it('come in the order of the providers, without those that have no price, of which one warning tells', () => {
    const { idsOf, warnings } = listFor({}, false);
    expect(idsOf()).toEqual(['acme/a:free', 'openrouter/free', 'gemini-model']);
    idsOf();
    expect(warnings).toEqual([{ model: 'huggingface-model', provider: 'huggingface' }]);
  });

  it('are left out under free-only where they may cost something', () => {
    expect(listFor({ freeOnly: true }, false).idsOf()).toEqual(['acme/a:free', 'openrouter/free']);
    expect(listFor({ freeOnly: true }, true).idsOf()).toContain('gemini-model');
  });

  it('are nothing of OpenRouter’s where it is not asked', () => {
    const { idsOf } = listFor({ providers: ['gemini'], emergencyModel: 'acme/b:free' }, true);
    expect(idsOf({ preferredModel: 'acme/a:free' })).toEqual(['gemini-model']);
    expect(idsOf({ preferredModel: 'acme/a:free', isStrict: true })).toEqual([]);
    expect(idsOf({ allowedModels: ['acme/a:free'] })).toEqual([]);
    expect(idsOf({ allowedModels: ['free'] })).toEqual(['gemini-model']);
    expect(idsOf({ allowedModels: ['google/gemini-model'] })).toEqual(['gemini-model']);
  });
});
