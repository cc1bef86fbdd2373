import type { Message, Update } from 'grammy/types';
import { describe, expect, it } from 'vitest';
import { albumOf, joinAlbum } from '../../../../src/adapters/telegram/album.ts';

const chat = { id: 7, type: 'private', first_name: 'Ada' } as const;

function piece(id: number, fields: Partial<Message> = {}): Update {
  const message = { message_id: id, date: 1, chat, photo: [], media_group_id: 'g1', ...fields };
  return { update_id: 100 + id, message: message as Message & Update.NonChannel };
}

describe('the pieces of an album', () => {
  it('are told by their chat and the name they share', () => {
    expect(albumOf(piece(1))).toBe('7:g1');
    expect(albumOf({ update_id: 1 })).toBeNull();
    expect(
      albumOf({ update_id: 1, message: { chat: null, media_group_id: 'g1' } } as unknown as Update),
    ).toBe(null);
    expect(albumOf({ update_id: 1, edited_message: piece(1).message } as Update)).toBeNull();
  });

  it('become the first of them, in whichever order they arrived', () => {
    const joined = joinAlbum([piece(3, { caption: 'three' }), piece(1, { caption: 'one' }), piece(2)]);
    expect(joined).toMatchObject({
      update_id: 101,
      message: { message_id: 1, caption: 'one\n\nthree', media_group_id: 'g1' },
    });
  });

  it('keep what was marked in their captions', () => {
    const bold = { type: 'bold', offset: 0, length: 4 } as const;
    const joined = joinAlbum([
      piece(1, { caption: '😀 one', caption_entities: [bold] }),
      piece(2, { caption: 'more', caption_entities: [bold] }),
    ]);
    expect(joined.message?.caption_entities).toEqual([bold, { ...bold, offset: 8 }]);
  });

  it('have no caption where none has', () => {
    expect(joinAlbum([piece(1), piece(2)]).message).not.toHaveProperty('caption');
  });
});
