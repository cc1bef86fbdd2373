import { shareOf, SPARING_FROM, type BudgetStanding } from './budget.ts';

/** How good a model has to be, and what it may cost: `strong` is the order of the settings, `free` asks paid ones last. */
export type Tier = 'free' | 'cheap' | 'balanced' | 'strong';

export interface Occasion {
  /** The budget that is nearest to its end; null where money has no limit. */
  readonly budget: BudgetStanding | null;
  /** What the plan of whoever asks gives: the better it is, the sooner a strong model is asked. */
  readonly plan: 'free' | 'paid' | 'first';
  /** 0-1, as `complexityOf` tells. */
  readonly complexity: number;
  /** Whether easy questions may be answered by cheaper models; null leaves that to the budget. */
  readonly optimises: boolean | null;
}

/** From which complexity on a balanced model is asked, and from which on a strong one. */
const THRESHOLDS: { readonly [Plan in Occasion['plan']]: readonly [number, number] } = {
  free: [0.3, 0.6],
  paid: [0.2, 0.4],
  first: [0.1, 0.2],
};
/** From half of a budget on the optimiser begins by itself, and questions have to be so much harder. */
const SAVING_FROM = 0.5;
const HARDER = 0.15;

/**
 * Which models to ask first. A budget decides before everything else: from 80 % on the cheapest, at its end free ones. Below
 * that whoever optimises, and from half of it on everybody who has not said otherwise, gets the tier that the question needs, by plan;
 * everybody else gets the strong one.
 */
export function chooseTier({ budget, plan, complexity, optimises }: Occasion): Tier {
  const share = budget === null ? 0 : shareOf(budget);
  if (share >= 1) return 'free';
  if (share >= SPARING_FROM) return 'cheap';
  const isShort = share >= SAVING_FROM;
  if (!(optimises ?? isShort)) return 'strong';
  const [balancedFrom, strongFrom] = THRESHOLDS[plan];
  const need = complexity - (isShort ? HARDER : 0);
  if (need >= strongFrom) return 'strong';
  return need >= balancedFrom ? 'balanced' : 'cheap';
}

/** Text of so many characters is as long as a hard question gets. */
const LONG_CHARACTERS = 1200;
/** Scripts that need a third of the characters for as much. */
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const CODE =
  /```|`[^`\n]+`|[{};]\s*(?:\n|$)|=>|\b(?:function|class|import|SELECT|def|const|return)\b.{0,80}[(:;{]|\w\(\w*\)/u;
const FORMULA = /[∑∫√≤≥∀∃]|\\(?:frac|sum|int|sqrt)|\d\s*[=^*/]\s*\w|\w\s*\^\s*\d/u;
/** English and Indonesian by words; other languages by length, code, formulas and the number of questions. */
const REASONING =
  /\b(?:why|how|explain|prove|proof|derive|compare|contrast|analy[sz]e|design|debug|optimi[sz]e|refactor|step by step|trade-?offs?|evaluate|plan|implement|algorithm|mengapa|kenapa|bagaimana|jelaskan|buktikan|bandingkan|analisis|rancang|perbaiki|evaluasi|rencanakan|algoritma|langkah demi langkah)\b/giu;
const QUESTION_MARKS = /[?？؟¿]/gu;

/**
 * How much a question asks of a model, 0-1, by what it looks like and nothing else, the same each time: up to 0.4 for its
 * length, 0.3 for code, 0.2 for a formula, up to 0.45 for words that ask for reasons (0.25 the first, 0.1 each further one),
 * and up to 0.2 for several questions at once (0.1 for each after the first).
 */
export function complexityOf(text: string): number {
  const characters = text.length + 2 * countOf(text, DENSE);
  const length = 0.4 * Math.min(1, characters / LONG_CHARACTERS);
  const reasons = new Set(text.toLowerCase().match(REASONING)).size;
  const reasoning = reasons === 0 ? 0 : Math.min(0.45, 0.25 + 0.1 * (reasons - 1));
  const questions = Math.min(0.2, 0.1 * Math.max(0, countOf(text, QUESTION_MARKS) - 1));
  const sum = length + (CODE.test(text) ? 0.3 : 0) + (FORMULA.test(text) ? 0.2 : 0) + reasoning + questions;
  return Math.min(1, Math.round(sum * 1000) / 1000);
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
