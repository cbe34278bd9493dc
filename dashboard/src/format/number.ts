// Numbers as a person reads them.

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const UNITS = [
  { size: 1e12, sign: 'T' },
  { size: 1e9, sign: 'G' },
  { size: 1e6, sign: 'M' },
  { size: 1e3, sign: 'k' },
];

/** A whole number in full: `1,234,567`. */
export function whole(value: number): string {
  return Number.isFinite(value) ? GROUPED.format(value) : '–';
}

/** A number in four places or so: `9,840`, `12.3k`, `4.56M`. */
export function brief(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) < 10_000) return Number.isInteger(value) ? whole(value) : fraction(value);
  // What rounds up to a thousand of a unit is one of the next: 999,960 is 1M.
  const unit = UNITS.find(({ size }) => Math.abs(value) >= size * 0.9995) ?? { size: 1, sign: '' };
  return `${fraction(value / unit.size)}${unit.sign}`;
}

/** Three significant digits, without trailing zeros; small values keep two. */
export function fraction(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 999.5) return whole(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(size < 1 ? 2 : 3)));
}

/** A share from 0 to 1 as a percentage: `97%`, `0.4%`. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  const value = share * 100;
  if (value !== 0 && Math.abs(value) < 0.1) return value > 0 ? '<0.1%' : '>-0.1%';
  return `${Math.abs(value) < 10 ? Number(value.toFixed(1)) : Math.round(value)}%`;
}

/** A count with its noun: `1 request`, `1,204 requests`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${whole(count)} ${count === 1 ? noun : plural}`;
}

/** The place in a sequence: `1st`, `12th`, `523rd`. */
export function ordinal(place: number): string {
  const tens = place % 100;
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th');
  return `${whole(place)}${suffix}`;
}

/** How rare a score is among clean clients: `1 in 320,000`. */
export function rarity(pValue: number): string {
  if (!Number.isFinite(pValue) || pValue < 0) return '–';
  // Below this a calibration says nothing: no installation has seen as many clean clients.
  if (pValue < 1e-9) return 'fewer than 1 in a billion';
  if (pValue >= 0.1) return percent(pValue);
  const odds = 1 / pValue;
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(odds)) - 1);
  return `1 in ${whole(Math.round(odds / digits) * digits)}`;
}

/** Bytes in binary units: `5.4 MiB`. */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${fraction(size)} ${units[unit] ?? 'B'}`;
}
