import {
  InteractionResponseType,
  MessageFlags,
  type BaseInteraction,
  type ButtonInteraction,
} from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import type { Said, Taken } from '../../platform/adapter.ts';
import { addressOf, type Address } from './address.ts';
import { DEFER, DEFER_PRIVATELY, privateMessage, type Callbacks } from './callback.ts';
import { renderAnswer } from './render.ts';
import { say, type ReplyContext } from './reply.ts';

/** An interaction that shows "thinking…", or a place for its answer where that failed. */
export interface Opened {
  readonly address: Address;
  readonly isPrivate: boolean;
  /** We made the message that shows "thinking…", and may take it away. */
  readonly isOurs: boolean;
}

/** How interactions are answered. No method rejects. */
export interface Answering {
  /**
   * Begins the work, shows "thinking…" once it is taken or Discord's patience runs out, and replaces that by what was
   * said. What the work leads to is written only where "thinking…" shows. Resolves with the message that shows it when
   * a turn's reply takes its place, where that message is known.
   */
  afterwards(interaction: BaseInteraction, work: () => Promise<Said | Taken>): Promise<string | null>;
  /** Shows "thinking…" at once. Null where nothing can be answered any more. */
  open(interaction: BaseInteraction, isPrivate: boolean): Promise<Opened | null>;
  /** Replaces "thinking…" by what was said, or takes it away where nothing follows. */
  conclude(interaction: BaseInteraction, opened: Opened, said: Said | Taken): Promise<void>;
  /** Puts what is said in the place of the message whose button was pressed, where it has buttons too; else tells it in private. */
  replace(interaction: ButtonInteraction, work: () => Promise<Said | Taken>): Promise<void>;
  /** Says something short to the person alone: as the first answer if it comes soon, else behind "thinking…". */
  soon(interaction: BaseInteraction, work: Promise<Said | Taken>): Promise<void>;
}

export interface AnsweringOptions {
  readonly callbacks: Callbacks;
  readonly replies: ReplyContext;
  readonly clock: Clock;
  /** How long a first answer may take; Discord waits for 3000, and a try that fails has to be repeated. */
  readonly deferAfterMs: number;
}

export function createAnswering({ callbacks, replies, clock, deferAfterMs }: AnsweringOptions): Answering {
  const open: Answering['open'] = async (interaction, isPrivate) => {
    const answered = await callbacks.answer(interaction, isPrivate ? DEFER_PRIVATELY : DEFER);
    if (answered.kind === 'gone') {
      // What was meant for one person must not be said to all.
      return isPrivate
        ? null
        : { address: { ...addressOf(interaction), interaction: null }, isPrivate, isOurs: false };
    }
    const known = answered.kind === 'taken' ? answered.messageId : null;
    const responseId = known ?? (await callbacks.originalId(interaction));
    return { address: addressOf(interaction, responseId), isPrivate, isOurs: answered.kind === 'taken' };
  };

  const conclude: Answering['conclude'] = async (interaction, { address, isPrivate, isOurs }, said) => {
    if (typeof said === 'object') await say(replies, address, said, { isPrivate });
    else if (said === 'no_reply' && isOurs) await callbacks.remove(interaction);
  };

  /** Null where the time is over. */
  const inTime = async <Value>(work: Promise<Value>): Promise<Value | null> => {
    const over = new AbortController();
    const first = await Promise.race([work, clock.sleep(deferAfterMs, over.signal).then(() => null)]);
    over.abort();
    return first;
  };

  return {
    open,
    conclude,
    async afterwards(interaction, work) {
      const tellAnswered = replies.firstAnswers.expect(interaction.token);
      const working = work();
      await inTime(working);
      const opened = await open(interaction, false);
      tellAnswered(opened?.address.responseId ?? null);
      if (opened === null) return null;
      const said = await working;
      await conclude(interaction, opened, said);
      return typeof said === 'object' || said === 'no_reply' ? null : opened.address.responseId;
    },
    async replace(interaction, work) {
      const working = work();
      const first = await inTime(working);
      const isNotice = first !== null && typeof first === 'object' && first.buttons === undefined;
      const notice = isNotice ? wholeText(first) : null;
      if (notice !== null) {
        await callbacks.answer(interaction, privateMessage(notice));
        return;
      }
      await callbacks.answer(interaction, { type: InteractionResponseType.DeferredMessageUpdate });
      const said = await working;
      const { message } = interaction;
      const isPrivate = message.flags.has(MessageFlags.Ephemeral);
      if (typeof said === 'object' && said.buttons !== undefined)
        await say(replies, addressOf(interaction, message.id), said, { isPrivate });
    },
    async soon(interaction, work) {
      const first = await inTime(work);
      const whole = first !== null && typeof first === 'object' ? wholeText(first) : null;
      if (whole !== null) {
        await callbacks.answer(interaction, privateMessage(whole));
        return;
      }
      // The message with the button stays, and shows what came of it.
      if (first === 'no_reply' && interaction.isMessageComponent()) {
        await callbacks.answer(interaction, { type: InteractionResponseType.DeferredMessageUpdate });
        return;
      }
      const opened = await open(interaction, true);
      if (opened !== null) await conclude(interaction, opened, await work);
    },
  };
}

/** The text in Discord's Markdown if it fits into one message. */
function wholeText({ text }: Said): string | null {
  const [part, ...more] = renderAnswer(text);
  return part === undefined || more.length > 0 ? null : part.content;
}
