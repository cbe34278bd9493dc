// Looks words up. They come from the API, so `constructor` and `__proto__` must find no more than any other.

/** What stands under a word; undefined when nothing of ours does. */
export function known<Value>(words: Readonly<Record<string, Value>>, word: string): Value | undefined {
  return Object.hasOwn(words, word) ? words[word] : undefined;
}
