// Lengths of time as a person reads and writes them.

const UNITS = [
  { secs: 86_400, sign: 'd', name: 'day' },
  { secs: 3600, sign: 'h', name: 'hour' },
  { secs: 60, sign: 'min', name: 'minute' },
  { secs: 1, sign: 's', name: 'second' },
] as const;

/** Two units at most: `42 s`, `5 min`, `1 h 30 min`, `12 d`. */
export function span(secs: number): string {
  if (!Number.isFinite(secs)) return '–';
  if (secs < 0) return `−${span(-secs)}`;
  if (secs > 0 && secs < 1) return `${Math.round(secs * 1000)} ms`;
  const total = secs < 10 ? Number(secs.toFixed(1)) : Math.round(secs);
  const first = UNITS.findIndex((unit) => total >= unit.secs);
  const large = UNITS[first];
  const small = UNITS[first + 1];
  if (large === undefined || small === undefined) return `${total} s`;
  const count = Math.floor(total / large.secs);
  const rest = Math.floor((total - count * large.secs) / small.secs);
  // Past ten of a unit the next one is noise.
  if (rest === 0 || count >= 10) return `${count} ${large.sign}`;
  return `${count} ${large.sign} ${rest} ${small.sign}`;
}

/** The largest unit alone: `42 s`, `5 min`, `1 h`. What is past needs no more. */
export function roughly(secs: number): string {
  const unit = UNITS.find((candidate) => secs >= candidate.secs) ?? UNITS[3];
  return `${Math.floor(secs / unit.secs)} ${unit.sign}`;
}

/** The largest unit in words: `4 hours`, `1 day`, `90 minutes`. */
export function spanInWords(secs: number): string {
  const unit = UNITS.find((candidate) => secs >= candidate.secs && secs % candidate.secs === 0) ?? UNITS[3];
  const count = Math.round(secs / unit.secs);
  return `${count} ${unit.name}${count === 1 ? '' : 's'}`;
}

/** Milliseconds between two times in RFC 3339; NaN when one of them is none. */
export function millisBetween(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}
