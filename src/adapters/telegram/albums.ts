import type { Update } from 'grammy/types';
import type { Clock } from '../../delivery/clock.ts';
import { albumOf, type Pieces } from './album.ts';

/** Telegram sends an album as one message for each piece, and does not say which is the last. */
export interface AlbumPace {
  /** An album is complete so long after its last piece, */
  readonly quietMs: number;
  /** or so long after its first. */
  readonly longestMs: number;
  /**
   * While pieces are awaited, new updates are asked for so often. A poll that repeats its offset within half a second is
   * given a single update (Bot API server, getUpdates).
   */
  readonly glanceMs: number;
}

export interface Album {
  /** Resolves with the pieces when no more are to come, or when the process stops. */
  complete(): Promise<Pieces>;
}

/** The albums whose pieces are arriving. */
export interface Albums {
  /** The album that a piece begins; `joined` where it belongs to one that is open; null for what is no piece. */
  add(update: Update): Album | 'joined' | null;
  /** Whether more pieces may come. */
  isCollecting(): boolean;
}

interface OpenAlbum {
  pieces: [Update, ...Update[]];
  readonly firstAtMs: number;
  lastAtMs: number;
}

export function createAlbums(pace: AlbumPace, clock: Clock, stopping: AbortSignal): Albums {
  const open = new Map<string, OpenAlbum>();

  const completeAtMs = ({ firstAtMs, lastAtMs }: OpenAlbum): number =>
    Math.min(lastAtMs + pace.quietMs, firstAtMs + pace.longestMs);

  return {
    add(update) {
      const name = albumOf(update);
      if (name === null) return null;
      const now = clock.now();
      const known = open.get(name);
      if (known !== undefined) {
        known.pieces.push(update);
        known.lastAtMs = now;
        return 'joined';
      }
      const album: OpenAlbum = { pieces: [update], firstAtMs: now, lastAtMs: now };
      open.set(name, album);
      return {
        async complete() {
          while (!stopping.aborted && completeAtMs(album) > clock.now()) {
            await clock.sleep(completeAtMs(album) - clock.now(), stopping);
          }
          open.delete(name);
          return album.pieces;
        },
      };
    },
    isCollecting: () => [...open.values()].some((album) => completeAtMs(album) > clock.now()),
  };
}
