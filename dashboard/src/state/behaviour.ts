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
  /** Its share of the score. */
  contribution: number;
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
    return [{ name, unit, value: own, typical, extreme: number(row['extreme']), contribution: number(row['contribution']) ?? 0 }];
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

/**
 * The timeline with counts per second, each since the point before; the first point's since the client was first seen,
 * which becomes a point of its own so that a short visit is a line and not a dot.
 */
export function ratesOf(points: readonly TimelinePoint[], firstSeen: string): TimelinePoint[] {
  const rates = points.map((point, place) => {
    const since = points[place - 1]?.at ?? firstSeen;
    // Several points may stand in one moment: a second is as exact as the log's own times.
    const secs = Math.max(1, (Date.parse(point.at) - Date.parse(since)) / 1000 || 0);
    return { ...point, requests: point.requests / secs, errors: point.errors / secs, stopped: point.stopped / secs };
  });
  const [first] = rates;
  const isLater = first !== undefined && Date.parse(firstSeen) < Date.parse(first.at);
  return isLater ? [{ ...first, at: firstSeen }, ...rates] : rates;
}

/** How far a value is from typical, measured by how far the extreme is: beyond 1 is one clean client in a thousand. */
export function strangeness(row: FeatureRow): number {
  const reach = Math.abs((row.extreme ?? row.typical) - row.typical);
  const distance = Math.abs(row.value - row.typical);
  if (reach > 0) return distance / reach;
  return distance === 0 ? 0 : Number.MAX_VALUE;
}

/** The features: first those that are beyond what is extreme or carried the score, then by how strange they are. */
export function strangestFirst(features: readonly FeatureRow[]): FeatureRow[] {
  const rank = (row: FeatureRow) => (strangeness(row) > 1 ? 1 : 0) + row.contribution;
  return [...features].sort((one, other) => rank(other) - rank(one) || strangeness(other) - strangeness(one));
}

function rows(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null);
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
