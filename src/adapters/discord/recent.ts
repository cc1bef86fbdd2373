/** Facts that are worth remembering for a while, by key. They are all forgotten when there are too many. */
export function createRecent<Fact>(): Pick<Map<string, Fact>, 'has' | 'get' | 'set'> {
  const facts = new Map<string, Fact>();
  return {
    has: (key) => facts.has(key),
    get: (key) => facts.get(key),
    set(key, fact) {
      if (facts.size >= MOST_FACTS) facts.clear();
      return facts.set(key, fact);
    },
  };
}

const MOST_FACTS = 10_000;
