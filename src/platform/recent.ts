/** What is worth remembering for a while, by key; of too many, what was set longest ago is forgotten. */
export type Recent<Key, Value> = Pick<Map<Key, Value>, 'has' | 'get' | 'delete'> & {
  set(key: Key, value: Value): void;
};

export function createRecent<Key, Value>(most = 10_000): Recent<Key, Value> {
  const entries = new Map<Key, Value>();
  return {
    has: (key) => entries.has(key),
    get: (key) => entries.get(key),
    delete: (key) => entries.delete(key),
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > most && oldest !== undefined) entries.delete(oldest);
    },
  };
}
