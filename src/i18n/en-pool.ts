import { formatCount, formatDuration } from './duration.ts';

const count = (value: number): string => formatCount('en', value);
const wait = (waitMs: number): string => formatDuration('en', waitMs);

/** What is said of free answers that many share. */
export const enPool = {
  'failure.free_share_spent': (p: { waitMs: number }) =>
    `Today’s free answers are shared with others, and your part of them is used up. They start again in ${wait(p.waitMs)}.`,
  'failure.free_busy': (p: { waitMs: number }) =>
    `Many are asking just now, and only so many free answers can be given a minute. Please try again in ${wait(p.waitMs)}.`,
  'pool.title': (p: { payer: string }) =>
    p.payer === 'operator'
      ? '**Free answers, shared by all who use me**'
      : `**Free answers of ${p.payer === 'guild' ? 'this community’s' : 'your'} own key**`,
  'pool.minute': (p: { left: number; limit: number }) =>
    `This minute: ${count(p.left)} of ${count(p.limit)} left`,
  'pool.minute_spent': (p: { limit: number; waitMs: number }) =>
    `This minute: none of ${count(p.limit)} left; the next one in ${wait(p.waitMs)}`,
  'pool.day': (p: { left: number; limit: number; ownLeft: number; waitMs: number }) =>
    `Today: ${count(p.left)} of ${count(p.limit)} left${p.ownLeft < p.left ? `, ${count(p.ownLeft)} of them for you, because others ask as well` : ''}; all again in ${wait(p.waitMs)}`,
  'pool.day_spent': (p: { waitMs: number }) => `Today: none left; they start again in ${wait(p.waitMs)}`,
  'pool.waiting': (p: { count: number }) =>
    p.count === 1
      ? 'One question is waiting for its turn.'
      : `${count(p.count)} questions are waiting for their turn.`,
} as const;
