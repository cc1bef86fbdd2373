import type { StoredFile } from './world.ts';

export interface NewFile {
  readonly name: string;
  readonly mimeType: string;
  readonly content: Uint8Array;
}

export interface FileStore {
  add(folder: string, file: NewFile): StoredFile;
  byId(fileId: string): StoredFile | undefined;
  byPath(path: string): StoredFile | undefined;
  clear(): void;
}

/** Files of people and of the bot. A smaller size of a photo has the same content under its own id. */
export function createFileStore(): FileStore {
  const files = new Map<string, StoredFile>();
  let last = 0;
  return {
    add(folder, { name, mimeType, content }) {
      last += 1;
      const extension = /\.[A-Za-z0-9]{1,8}$/.exec(name)?.[0] ?? '';
      const file: StoredFile = {
        fileId: `SIMfile${String(last).padStart(12, '0')}`,
        uniqueId: `SIMu${last}`,
        path: `${folder}/file_${last}${extension}`,
        name,
        mimeType,
        content,
      };
      files.set(file.fileId, file);
      return file;
    },
    byId: (fileId) => files.get(fileId) ?? files.get(fileId.replace(/s$/, '')),
    byPath: (path) => [...files.values()].find((file) => file.path === path),
    clear() {
      files.clear();
    },
  };
}
