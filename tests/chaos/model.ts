import type { Scenario } from '../../src/simulator/scenario.ts';
import type { SimulatedCall } from '../../src/simulator/state.ts';
import type { SimulatedModel } from '../../src/simulator/catalogue.ts';
import type { Generation } from './evidence.ts';
import { createRandom, type Random } from './random.ts';

/** How the model answers a question. */
export interface AnswerPlan {
  readonly characters: number;
  readonly firstTokenMs: number;
  /** Between two sentences. */
  readonly paceMs: number;
  /** Goes silent for good at this point, in the first generation only. */
  readonly stallsAt: 'the start' | 'the middle' | null;
  readonly trouble: Trouble | null;
}

/** What goes wrong upstream: with the first request only, or in the midst of the answer. */
export type Trouble = '5xx' | '429' | 'reset' | 'error in stream' | 'cut';

export interface AskedModel {
  readonly number: number;
  /** From 1: which generation for this question it is. */
  readonly generation: number;
  /** The process that asks, by the name it gave itself. */
  readonly asker: string;
  readonly call: SimulatedCall;
}

/** Answers each question with a text of its own, other words in each generation. */
export interface Model {
  readonly generations: readonly Generation[];
  readonly script: (call: SimulatedCall) => Scenario;
  /** Decides how a question will be answered. */
  plan(question: number, plan: AnswerPlan): void;
}

/** Free by their price and not by their name, so that no allowance of free requests applies. */
export const MODELS: readonly SimulatedModel[] = ['one', 'two', 'three'].map((name) => ({
  id: `chaos/${name}`,
  name: `Chaos: ${name}`,
  pricing: { prompt: '0', completion: '0' },
  contextLength: 1_000_000,
  maxCompletionTokens: 100_000,
}));

const QUESTION = /\bquestion (\d+)\b/giu;
const WORDS = 'the quiet river runs past old stone walls and under seven arches to the wide sea'.split(' ');
const UNPLANNED: AnswerPlan = {
  characters: 100,
  firstTokenMs: 50,
  paceMs: 50,
  stallsAt: null,
  trouble: null,
};

export function questionText(number: number): string {
  return `Please answer question ${number}`;
}

/** The question that an answer speaks of, by its tags; null for other texts. */
export function questionOf(text: string): number | null {
  const [, number] = /\bQ(\d+)G\d+\b/u.exec(text) ?? [];
  return number === undefined ? null : Number(number);
}

const tagOf = (question: number, generation: number): string => `Q${question}G${generation}`;

/** Whether the text holds the end of an answer. */
export const isEnded = (text: string): boolean => /\bQ\d+G\d+ ends\b/u.test(text);

export function createModel(seed: number, onAsked: (asked: AskedModel) => void): Model {
  const generations: Generation[] = [];
  const counts = new Map<number, number>();
  const plans = new Map<number, AnswerPlan>();
  return {
    generations,
    plan: (question, plan) => void plans.set(question, plan),
    script(call) {
      const number = questionIn(call);
      if (number === null) return { kind: 'answer', text: 'There was no question in that.' };
      const generation = (counts.get(number) ?? 0) + 1;
      counts.set(number, generation);
      const plan = plans.get(number) ?? UNPLANNED;
      const tag = tagOf(number, generation);
      const random = createRandom(seed ^ (number * 1009 + generation));
      const sentences = sentencesOf(tag, plan.characters, random);
      generations.push({ question: number, tag, text: sentences.join('') });
      onAsked({ number, generation, asker: askerOf(call), call });
      return scenarioOf(plan, sentences, generation);
    },
  };
}

function askerOf({ headers }: SimulatedCall): string {
  const title = headers['x-openrouter-title'] ?? headers['x-title'];
  return typeof title === 'string' ? title : '';
}

/** The last question of a request's last message: of several that were merged, the newest. */
function questionIn({ body }: SimulatedCall): number | null {
  const { messages } = body as { readonly messages: readonly { role: string; content: unknown }[] };
  const last = messages.findLast(({ role }) => role === 'user');
  const numbers = [...JSON.stringify(last?.content ?? '').matchAll(QUESTION)];
  const number = numbers.at(-1)?.[1];
  return number === undefined ? null : Number(number);
}

/** Sentences that join to the answer; the blanks are theirs. */
function sentencesOf(tag: string, characters: number, random: Random): string[] {
  const sentences = [`${tag} starts here and goes on for a while.`];
  let length = sentences[0]?.length ?? 0;
  while (length < characters) {
    const words = Array.from({ length: random.between(4, 9) }, () => random.pick(WORDS)).join(' ');
    const sentence = `${sentences.length % 8 === 0 ? '\n\n' : ' '}In ${tag} ${words}.`;
    sentences.push(sentence);
    length += sentence.length;
  }
  return [...sentences, ` ${tag} ends.`];
}

function scenarioOf(plan: AnswerPlan, sentences: readonly string[], generation: number): Scenario {
  const isFirst = generation === 1;
  if (isFirst && plan.trouble === '5xx') return { kind: 'refusal', name: 'provider-error' };
  if (isFirst && plan.trouble === '429')
    return { kind: 'refusal', name: 'upstream-rate-limit', retryAfter: 1 };
  if (isFirst && plan.trouble === 'reset') return { kind: 'connection', event: 'reset' };
  const stallsAt = isFirst ? plan.stallsAt : null;
  const middle = Math.ceil(sentences.length / 2);
  const delayOf = (index: number): number => {
    if (index === 0) return stallsAt === 'the start' ? FOR_GOOD_MS : plan.firstTokenMs;
    return stallsAt === 'the middle' && index === middle ? FOR_GOOD_MS : plan.paceMs;
  };
  const answer: Scenario = {
    kind: 'answer',
    pieces: sentences.map((text, index) => ({ text, delayMs: delayOf(index) })),
  };
  if (!isFirst || (plan.trouble !== 'error in stream' && plan.trouble !== 'cut')) return answer;
  const afterTokens = Math.ceil(plan.characters / 8);
  return plan.trouble === 'cut'
    ? { ...answer, fault: { kind: 'cut', afterTokens, how: 'reset' } }
    : { ...answer, fault: { kind: 'error', afterTokens } };
}

const FOR_GOOD_MS = 600_000;
