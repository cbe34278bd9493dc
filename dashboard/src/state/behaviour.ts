// A client's features and timeline. The API passes them on as the detector wrote them, so they are checked here.

/** One feature of a client beside the population. */
export interface FeatureRow {
  name: string;
  unit: string;
  value: number;
  /** The median of clean clients. */
  typical: number;
  /** What 99.9% of clean clients stay under; null when it is not known. */
  extreme: number | null;
}

/** One point of a client's timeline. */
export interface TimelinePoint {
  at: string;
  requests: number;
  errors: number;
  stopped: number;
  score: number | null;
}

/** Reads the features; rows that are none are left out. */
export function readFeatures(value: unknown): FeatureRow[] {
  return rows(value).flatMap((row) => {
    const name = row['name'];
    const own = number(row['value']);
    const typical = number(row['typical']);
    if (typeof name !== 'string' || own === null || typical === null) return [];
    const unit = typeof row['unit'] === 'string' ? row['unit'] : '';
    return [{ name, unit, value: own, typical, extreme: number(row['extreme']) }];
  });
}

/** Reads the timeline, oldest first; points that are none are left out. */
export function readTimeline(value: unknown): TimelinePoint[] {
  const points = rows(value).flatMap((row) => {
    const at = row['at'];
    if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) return [];
    return [
      {
        at,
        requests: number(row['requests']) ?? 0,
        errors: number(row['errors']) ?? 0,
        stopped: number(row['stopped']) ?? 0,
        score: number(row['score']),
      },
    ];
  });
  return points.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

/** How far a value is from typical, measured by how far the extreme is: 1 is as far as one clean client in a thousand. */
export function strangeness(row: FeatureRow): number {
  const reach = Math.abs((row.extreme ?? row.typical) - row.typical);
  const distance = Math.abs(row.value - row.typical);
  if (reach > 0) return distance / reach;
  return distance === 0 ? 0 : Number.MAX_VALUE;
}

/** The features, strangest first. */
export function strangestFirst(features: readonly FeatureRow[]): FeatureRow[] {
  return [...features].sort((one, other) => strangeness(other) - strangeness(one));
}

function rows(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null);
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
