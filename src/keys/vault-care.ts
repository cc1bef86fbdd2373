import type { Logger } from '../platform/logger.ts';
import { CANARY_PLACE, keyPlace } from './places.ts';
import type { KeyVault } from './ports.ts';
import type { Keyring } from './seal.ts';

/** Whether what was sealed before can be opened. */
export type CanaryFinding = 'made' | 'opened' | 'opened_with_previous' | 'unreadable';

const CANARY = 'parley';
const PAGE_ROWS = 100;

/** Opens the canary, or makes it where there is none. Rejects with `StoreUnavailable`. */
async function tryCanary(vault: KeyVault, keyring: Keyring): Promise<CanaryFinding> {
  const sealed = await vault.canary();
  if (sealed === null) {
    const isFirst = await vault.setCanary(keyring.seal(CANARY, CANARY_PLACE), null);
    return isFirst ? 'made' : await tryCanary(vault, keyring);
  }
  if (keyring.open(sealed, CANARY_PLACE) !== CANARY) return 'unreadable';
  return keyring.isPrimary(sealed) ? 'opened' : 'opened_with_previous';
}

/** Tells the operator at the start how the encryption keys fit. Never rejects: Parley serves all the same. */
export async function lookAtCanary(vault: KeyVault, keyring: Keyring, log: Logger): Promise<void> {
  try {
    const finding = await tryCanary(vault, keyring);
    if (finding === 'unreadable') {
      log.error(
        {},
        'ENCRYPTION_KEY does not open what was sealed before: stored keys of people and communities can not be used until the former key is set as ENCRYPTION_KEY_PREVIOUS, or each is entered again',
      );
    }
    if (finding === 'opened_with_previous') {
      log.warn(
        {},
        'stored keys are still sealed with ENCRYPTION_KEY_PREVIOUS; npm run keys -- rotate seals them anew',
      );
    }
  } catch (error) {
    log.warn({ err: error }, 'whether ENCRYPTION_KEY fits what is stored could not be tried');
  }
}

export interface VaultReport {
  /** All rows. */
  readonly rows: number;
  /** Sealed with the primary key by now. */
  readonly primary: number;
  /** Still sealed with the previous key. */
  readonly previous: number;
  /** No key that is set opens them: they have to be entered again. */
  readonly unreadable: number;
  /** Sealed anew by this very run. */
  readonly resealed: number;
  readonly canary: CanaryFinding;
}

/** Looks at every row, a page at a time. Rejects with `StoreUnavailable`. */
export async function checkVault(vault: KeyVault, keyring: Keyring): Promise<VaultReport> {
  return await goThrough(vault, keyring, false);
}

/**
 * Seals every row with the primary key. Safe while others read and write; doing it again changes nothing. Rejects with
 * `StoreUnavailable`; rows that were done by then stay done.
 */
export async function rotateVault(vault: KeyVault, keyring: Keyring): Promise<VaultReport> {
  let report = await goThrough(vault, keyring, true);
  // A process that still has the former key may have sealed with it behind the run.
  for (let again = report; again.resealed > 0;) {
    again = await goThrough(vault, keyring, true);
    report = { ...again, resealed: report.resealed + again.resealed };
  }
  if (report.resealed > 0) await vault.noteRotation(report);
  // What nothing depends on any more is not waited for: without a row that is lost, the canary is made anew.
  const isDone = report.canary === 'opened_with_previous' || report.canary === 'unreadable';
  if (!isDone || report.unreadable + report.previous > 0) return report;
  await vault.setCanary(keyring.seal(CANARY, CANARY_PLACE), await vault.canary());
  return { ...report, canary: await tryCanary(vault, keyring) };
}

async function goThrough(vault: KeyVault, keyring: Keyring, isRotation: boolean): Promise<VaultReport> {
  const counts = { rows: 0, primary: 0, previous: 0, unreadable: 0, resealed: 0 };
  const canary = await tryCanary(vault, keyring);
  let after: string | null = null;
  for (;;) {
    const page = await vault.page(after, PAGE_ROWS);
    for (const row of page) {
      const place = keyPlace(row.id, row.provider, row.subject);
      const text = keyring.open(row.sealed, place);
      counts.rows += 1;
      if (text === null) counts.unreadable += 1;
      else if (keyring.isPrimary(row.sealed)) counts.primary += 1;
      else if (!isRotation) counts.previous += 1;
      else if (await vault.reseal(row, keyring.seal(text, place), keyring.fingerprint(text))) {
        counts.primary += 1;
        counts.resealed += 1;
      } else counts.rows -= 1; // replaced or removed meanwhile; a new one is sealed with the primary key
    }
    after = page.at(-1)?.id ?? null;
    if (page.length < PAGE_ROWS) return { ...counts, canary };
  }
}
