import type { Reply, ReplyOptions } from '../../platform/reply.ts';
import type { Screen } from './screen.ts';

/**
 * Shows an answer as it grows. What is said can't be taken back, so text is only ever added; a final
 * text that does not continue what is said is said anew.
 */
export function createTerminalReply(
  screen: Screen,
  options: ReplyOptions,
  heading: string | null,
  onFinish: () => void,
): Reply {
  let received = '';
  /** How much of what was received is said. */
  let said = 0;
  let hasHeading = heading === null;

  function say(text: string): void {
    if (!hasHeading) screen.say(`${heading}\n\n`);
    hasHeading = true;
    screen.say(text);
  }

  return {
    working: () => screen.grow('…'),
    append(delta) {
      received += delta;
      const length = screen.sayable(received.slice(said));
      if (length > 0) say(received.slice(said, said + length));
      said += length;
      screen.grow(received.slice(said));
    },
    async finish({ text }) {
      screen.grow('');
      const isContinued = text.startsWith(received.slice(0, said));
      if (!isContinued) screen.say('\n\n');
      say(`${isContinued ? text.slice(said) : text}\n\n`);
      await options.journal.sent(0, 'printed', () => undefined);
      onFinish();
      return { kind: 'delivered' };
    },
    retract() {
      screen.grow('');
      onFinish();
      return Promise.resolve({ kind: 'delivered' });
    },
    abandon() {
      screen.grow('');
      onFinish();
      return Promise.resolve();
    },
  };
}
