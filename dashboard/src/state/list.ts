// Lists that events change and slices extend.

/** The list with an item put in front, or in the place of the one with the same key. At most `most` are kept. */
export function putFirst<T>(items: readonly T[], item: T, key: (item: T) => string, most: number): T[] {
  const place = items.findIndex((other) => key(other) === key(item));
  if (place >= 0) return items.map((other, index) => (index === place ? item : other));
  return [item, ...items].slice(0, most);
}

/** The list with a slice behind it; what is in both appears once. */
export function append<T>(items: readonly T[], slice: readonly T[], key: (item: T) => string): T[] {
  const known = new Set(items.map(key));
  const result = [...items];
  for (const item of slice) {
    if (known.has(key(item))) continue;
    known.add(key(item));
    result.push(item);
  }
  return result;
}
