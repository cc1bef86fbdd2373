import type { ChannelState, GuildState, StoredMessage, UserState, Wire } from './world.ts';

/** Interaction types (interactions/receiving-and-responding). */
export const interactionTypes = { command: 2, component: 3, autocomplete: 4, modalSubmit: 5 } as const;
export type InteractionType = (typeof interactionTypes)[keyof typeof interactionTypes];

/** What a bot answered first. */
export type InteractionAnswer =
  | { readonly kind: 'message' | 'defer'; readonly ephemeral: boolean }
  | { readonly kind: 'deferUpdate' | 'update' }
  | { readonly kind: 'choices'; readonly choices: readonly Wire[] }
  | { readonly kind: 'modal'; readonly modal: Wire };

export interface InteractionState {
  readonly id: string;
  readonly token: string;
  readonly type: InteractionType;
  readonly user: UserState;
  readonly channel: ChannelState;
  readonly guild: GuildState | undefined;
  readonly createdAtMs: number;
  /** Type of the messages that answer it: 20 for a slash command, 23 for a context menu, 19 for a component or modal. */
  readonly answerType: number;
  /** `interaction_metadata` of the messages that answer it. */
  readonly metadata: Wire;
  /** Whether the application is installed by the person alone, which limits follow-ups to 5. */
  readonly isUserInstall: boolean;
  /** The message whose component was used, also when a modal came between. */
  readonly source: StoredMessage | undefined;
  answer: InteractionAnswer | undefined;
  /** The first answer, or the message of the component. */
  original: StoredMessage | undefined;
  readonly followUps: StoredMessage[];
}

export interface InteractionDesk {
  /** Registers an interaction and gives a promise of the bot's first answer; it rejects when the simulator forgets the interaction. */
  open(interaction: InteractionState): Promise<InteractionAnswer>;
  find(token: string): InteractionState | undefined;
  byId(id: string): InteractionState | undefined;
  /** Notes the first answer. */
  settle(interaction: InteractionState, answer: InteractionAnswer): void;
  clear(): void;
}

export function createInteractionDesk(): InteractionDesk {
  const byToken = new Map<string, InteractionState>();
  const waiting = new Map<string, PromiseWithResolvers<InteractionAnswer>>();
  return {
    open(interaction) {
      byToken.set(interaction.token, interaction);
      const pending = Promise.withResolvers<InteractionAnswer>();
      // A test that never asks for the answer must not fail for it.
      pending.promise.catch(() => undefined);
      waiting.set(interaction.id, pending);
      return pending.promise;
    },
    find: (token) => byToken.get(token),
    byId: (id) => [...byToken.values()].find((interaction) => interaction.id === id),
    settle(interaction, answer) {
      interaction.answer = answer;
      waiting.get(interaction.id)?.resolve(answer);
      waiting.delete(interaction.id);
    },
    clear() {
      for (const { reject } of waiting.values()) reject(new Error('The simulator forgot the interaction.'));
      waiting.clear();
      byToken.clear();
    },
  };
}
