import type { AnswerStory, ToldAttempt } from '../conversation/answer-story.ts';
import { refusalNotice } from '../conversation/outcome.ts';
import type { StoredNotice } from '../conversation/turn.ts';
import { isMessageKey, type Notice } from '../i18n/translate.ts';
import type { Explained } from '../platform/adapter.ts';
import { lines, type CommandUse } from './command.ts';

export interface Telling {
  /** Whether the reader may know what it cost. */
  readonly readsCost: boolean;
  /** Others read along, which is why the cost is left out. */
  readonly isOverheard: boolean;
  readonly nowMs: number;
  readonly say: CommandUse['say'];
}

/** How an answer came about, in full and in one line. */
export function explain(story: AnswerStory, telling: Telling): Explained {
  const { say } = telling;
  const without = withoutAnswer(story, telling.nowMs);
  if (without !== null) {
    const text = say(without);
    const isFailed = without.key === 'why.failed';
    const told = isFailed && story.notice !== null ? noticeWord(story.notice, say) : null;
    const tried = isFailed ? triedLines(story.attempts, say) : [];
    return { text: lines(text, ...(told === null ? [] : [`> ${told}`]), ...tried), brief: text };
  }
  const facts = factsOf(story);
  const booked = story.booked;
  const cost = costWord(story, telling);
  const rows = [
    say({ key: 'why.model', params: { asked: facts.asked, used: facts.used } }),
    say({ key: 'why.chosen', params: facts.chosen }),
    booked === null ? null : say({ key: 'why.tokens', params: tokensOf(booked) }),
    cost,
    sparedWord(story, telling),
    searchWord(story, telling),
    facts.wholeMs === null ? null : say({ key: 'why.wait', params: waitOf(facts) }),
    say({ key: 'why.payer', params: { payer: story.payer } }),
    story.cause === 'continue' ? say({ key: 'why.continued' }) : null,
    laterWord(story, say),
  ];
  return {
    text: lines(
      say({ key: 'why.title' }),
      ...rows.filter((row) => row !== null).map((row) => `- ${row}`),
      ...triedLines(facts.tried, say),
    ),
    brief: say({
      key: 'why.brief',
      params: {
        model: facts.used.slice(0, LONGEST_BRIEF_NAME),
        by: facts.chosen.by,
        tokens: booked === null ? -1 : booked.promptTokens + booked.completionTokens,
        costNanoUsd: telling.readsCost ? (booked?.costNanoUsd ?? -1) : -1,
        tried: facts.tried.length,
        wholeMs: facts.wholeMs ?? -1,
      },
    }),
  };
}

const LONGEST_BRIEF_NAME = 60;

/** What is told where there is no answer to explain; null where there is one. */
function withoutAnswer(story: AnswerStory, nowMs: number): Notice | null {
  if (story.isGone) return { key: 'why.gone' };
  if (story.answer !== null) return null;
  switch (story.state) {
    case 'queued':
    case 'running':
      return { key: 'why.running' };
    case 'failed':
      return { key: 'why.failed' };
    case 'cancelled':
      return { key: 'why.cancelled' };
    case 'interrupted':
      return { key: 'why.interrupted' };
    case 'refused':
      return (story.refusal === null ? null : refusalNotice(story.refusal, nowMs)) ?? { key: 'why.none' };
    case 'generated':
    case 'delivered':
    case 'merged':
    case 'superseded':
      return { key: 'why.gone' };
  }
}

interface Facts {
  readonly asked: string;
  readonly used: string;
  readonly chosen: { readonly by: string; readonly instead: string };
  readonly tried: readonly ToldAttempt[];
  /** Since the question arrived; null where nobody noted it. */
  readonly firstMs: number | null;
  readonly wholeMs: number | null;
}

function factsOf({ attempts, answer, settings, admittedAtMs }: AnswerStory): Facts {
  const answering = attempts.findLast(({ outcome }) => outcome !== null && outcome !== 'failed') ?? null;
  const tried = attempts.filter((attempt) => attempt !== answering);
  const asked = answering?.modelAsked ?? answer?.model ?? '';
  const since = (offsetMs: number | null | undefined): number | null =>
    answering === null || offsetMs === null || offsetMs === undefined
      ? null
      : Math.max(0, answering.startedAtMs + offsetMs - admittedAtMs);
  const used = answering?.modelUsed ?? answer?.model ?? asked;
  return {
    asked: plainId(asked),
    used: plainId(isSameModel(asked, used) ? asked : used),
    chosen: chosenBy(asked, settings, tried),
    tried,
    firstMs: since(answering?.firstTokenMs),
    wholeMs: since(answering?.durationMs),
  };
}

/** Providers report a model by its dated name, and without what makes it free. */
function isSameModel(asked: string, used: string): boolean {
  const undated = (id: string): string => id.replace(/:free$/u, '').replace(/-\d{8}$/u, '');
  return undated(asked) === undated(used);
}

/** Whose choice the model was, and in whose place it answered. */
function chosenBy(
  asked: string,
  { model, isOwnModel = false }: AnswerStory['settings'],
  tried: readonly ToldAttempt[],
): Facts['chosen'] {
  if (model !== null && model === asked) return { by: isOwnModel ? 'person' : 'guild', instead: '' };
  if (model !== null) return { by: 'instead', instead: plainId(model) };
  return { by: tried.some(({ modelAsked }) => modelAsked !== asked) ? 'fallback' : 'first', instead: '' };
}

/** Ids come from outside; shown as code they can't be anything else. */
function plainId(id: string): string {
  return id.replaceAll(/[`\s]/gu, '').slice(0, 120).toWellFormed();
}

function triedLines(attempts: readonly ToldAttempt[], say: CommandUse['say']): string[] {
  if (attempts.length === 0) return [];
  return [
    '',
    say({ key: 'why.tried' }),
    ...attempts.map(({ modelAsked, failure }) => {
      const params = { model: plainId(modelAsked), failure: failure ?? 'lost' };
      return `- ${say({ key: 'why.attempt', params })}`;
    }),
  ];
}

function tokensOf(booked: NonNullable<AnswerStory['booked']>) {
  const { promptTokens, completionTokens, cachedTokens, reasoningTokens } = booked;
  return { promptTokens, completionTokens, cachedTokens, reasoningTokens };
}

function sparedWord({ spared = null }: AnswerStory, { readsCost, say }: Telling): string | null {
  return spared === null || !readsCost ? null : say({ key: 'why.spared', params: spared });
}

function costWord({ booked }: AnswerStory, { readsCost, isOverheard, say }: Telling): string | null {
  if (!readsCost) return say({ key: isOverheard ? 'why.cost_overheard' : 'why.cost_hidden' });
  return booked === null ? null : say({ key: 'why.cost', params: { costNanoUsd: booked.costNanoUsd } });
}

function searchWord({ answer }: AnswerStory, { readsCost, say }: Telling): string | null {
  const search = answer?.search ?? null;
  if (search === null) return null;
  const costNanoUsd = readsCost ? (search.costNanoUsd ?? -1) : -1;
  return say({ key: 'why.search', params: { searches: search.searches ?? -1, costNanoUsd } });
}

function waitOf({ firstMs, wholeMs }: Facts) {
  return { firstMs: firstMs ?? -1, wholeMs: wholeMs ?? -1 };
}

/** One of an older release may have a key that is gone. */
function noticeWord(notice: StoredNotice, say: CommandUse['say']): string | null {
  return isMessageKey(notice.key) ? say(notice as Notice) : null;
}

function laterWord({ later }: AnswerStory, say: CommandUse['say']): string | null {
  if (later === 'queued' || later === 'running') return say({ key: 'why.again_running' });
  return later === 'failed' || later === 'interrupted' ? say({ key: 'why.again_failed' }) : null;
}
