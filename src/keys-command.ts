import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { checkVault, rotateVault, type VaultReport } from './keys/vault-care.ts';
import { keyringOf } from './own-keys.ts';
import { openDatabase, type Database } from './store/database.ts';
import { createKeyVault } from './store/key-vault.ts';

export interface KeysCommandOptions {
  /** What was written behind the command. */
  readonly words: readonly string[];
  readonly config: Config;
  readonly log: Logger;
  /** The folder that holds `drizzle/`. */
  readonly root: string;
  readonly print: (line: string) => void;
}

const ACTIONS = { rotate: rotateVault, check: checkVault } as const;

const USAGE = `npm run keys -- check     how many stored keys the encryption keys open
npm run keys -- rotate    seals all of them with ENCRYPTION_KEY; those under ENCRYPTION_KEY_PREVIOUS are opened with it`;

/**
 * The care of stored keys, for operators. Resolves with the exit code: 0 where every stored key is sealed with
 * ENCRYPTION_KEY, 1 where some are not or it could not be done, 2 where it is not known what to do.
 */
export async function runKeysCommand({
  words,
  config,
  log,
  root,
  print,
}: KeysCommandOptions): Promise<number> {
  const [word = '', ...rest] = words;
  const action = word === 'rotate' || word === 'check' ? ACTIONS[word] : undefined;
  if (action === undefined || rest.length > 0) {
    print(USAGE);
    return 2;
  }
  const keyring = keyringOf(config.encryption);
  if (keyring === null) {
    print('ENCRYPTION_KEY is not set, so there is nothing to seal with.');
    return 1;
  }
  let database: Database | null = null;
  try {
    database = await openDatabase({ ...config.storage, migrationsFolder: `${root}/drizzle`, log });
    await database.migrate();
    const report = await action(createKeyVault(database.sql), keyring);
    for (const line of linesOf(report, word === 'rotate')) print(line);
    return isComplete(report) ? 0 : 1;
  } catch (error) {
    print(`The stored keys can not be reached: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await database?.close();
  }
}

function isComplete({ previous, unreadable, canary }: VaultReport): boolean {
  return previous === 0 && unreadable === 0 && (canary === 'opened' || canary === 'made');
}

function linesOf(report: VaultReport, isRotation: boolean): string[] {
  const { rows, primary, previous, unreadable, resealed, canary } = report;
  return [
    `${rows} stored keys: ${primary} under ENCRYPTION_KEY, ${previous} under ENCRYPTION_KEY_PREVIOUS, ${unreadable} that neither opens.`,
    ...(isRotation ? [`${resealed} were sealed anew.`] : []),
    ...(unreadable > 0
      ? ['Those that neither opens have to be entered again by their owners, or removed.']
      : []),
    ...(canary === 'unreadable'
      ? ['What was sealed at the first start does not open either: is ENCRYPTION_KEY the right one?']
      : []),
    isComplete(report)
      ? 'Nothing needs ENCRYPTION_KEY_PREVIOUS any more.'
      : 'Not everything is under ENCRYPTION_KEY.',
  ];
}
