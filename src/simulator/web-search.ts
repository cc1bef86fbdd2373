import { pluginIsOn } from './prompt.ts';
import type { AnswerScenario } from './scenario.ts';
import type { ChatRequest } from './validation.ts';

/** What a result adds to the prompt, about. */
const tokensPerResult = 50;
const usualResults = 5;

/**
 * Web searches for an answer, each of which costs money on any model. What the request orders by other ways than the tool
 * happens once; with the tool the model decides, within the bounds of the request.
 */
export function countWebSearches(
  request: ChatRequest,
  modelId: string,
  defaultPlugins: readonly string[],
  { webSearches: wanted = 1 }: AnswerScenario,
): number {
  const parameters = searchTool(request);
  if (parameters !== undefined) {
    const mostUses = Number(parameters['max_uses'] ?? 30);
    return Math.min(wanted, mostUses, request.max_tool_calls ?? 30);
  }
  const byVariant = /:online\b/.test(modelId);
  const byOption = request.web_search_options !== undefined;
  return byVariant || byOption || pluginIsOn(request, 'web', defaultPlugins) ? 1 : 0;
}

/** What the results of searches by the tool add to the prompt; it is read once more after each. */
export function searchedTokens(request: ChatRequest, searches: number, promptTokens: number): number {
  const parameters = searchTool(request);
  if (parameters === undefined || searches === 0) return 0;
  const results = Number(parameters['max_results'] ?? usualResults);
  return searches * (promptTokens + results * tokensPerResult);
}

/** The pages that an answer cites where nobody has said which. */
export function citedPages(request: ChatRequest, searches: number): readonly object[] {
  if (searchTool(request) === undefined || searches === 0) return [];
  return ['https://docs.example.org/tea?lang=en', 'https://www.example.com/'].map((url, index) => ({
    type: 'url_citation',
    url_citation: { url, title: `Simulated result ${index + 1}`, content: '…', start_index: 0, end_index: 1 },
  }));
}

function searchTool({ tools = [] }: ChatRequest): Readonly<Record<string, unknown>> | undefined {
  const tool = tools.find(({ type }) => type === 'openrouter:web_search');
  return tool && (tool.parameters ?? {});
}
