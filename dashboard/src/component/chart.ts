// How curves look: shared by every chart, in the colours of the theme.

import type uPlot from 'uplot';
import { brief } from '../format/number';

/** One curve. */
export interface Curve {
  name: string;
  /** Name of the colour's token, without the dashes. */
  colour: 'traffic' | 'block' | 'observe' | 'throttle';
  /** One value for each time; null where there is none. */
  values: (number | null)[];
  /** `slim` bars stand inside the `bars` of another curve. */
  shape: 'area' | 'line' | 'bars' | 'slim';
  /** Behind the value in the legend: `/s`. */
  unit?: string;
  /** Dashed, so that it differs from its neighbour in more than colour. */
  isDashed?: boolean;
}

/** How bars are drawn. */
export type BarPaths = Record<'bars' | 'slim', uPlot.Series.PathBuilder>;

/** A moment that is marked across the chart. */
export interface ChartMark {
  millis: number;
  label: string;
  colour: Curve['colour'];
}

/** Reads a token of the theme. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const CLOCK_SECONDS = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const DAY_CLOCK = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** A time on the axis: as exact as the distance between two. */
export function axisTime(secs: number, stepSecs: number): string {
  if (stepSecs < 60) return CLOCK_SECONDS.format(secs * 1000);
  return (stepSecs >= 86_400 ? DAY : CLOCK).format(secs * 1000);
}

/** uPlot's options for some curves. */
export function chartOptions(
  curves: readonly Curve[],
  marks: readonly ChartMark[],
  size: { width: number; height: number },
  bars: BarPaths,
  syncKey: string,
): uPlot.Options {
  const font = `11px ${token('sans')}`;
  // Bars stand around their moment; the charts that move their cursors together keep the same edges.
  const isPadded = syncKey !== '' || curves.some((curve) => curve.shape === 'bars');
  const axis: uPlot.Axis = {
    stroke: token('ink-faint'),
    font,
    grid: { stroke: token('line'), width: 1 },
    ticks: { show: false },
  };
  return {
    ...size,
    padding: [10, 12, 0, 0],
    cursor: { y: false, points: { size: 7 }, drag: { setScale: false, x: false }, ...(syncKey === '' ? {} : { sync: { key: syncKey } }) },
    legend: { live: true },
    scales: {
      x: { time: true, range: (chart, min, max) => (isPadded ? padded(chart, min, max) : [min, max]) },
      y: { range: (_chart, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 28, gap: 6, space: 70, values: (_chart, splits, _place, _space, step) => splits.map((at) => axisTime(at, step)) },
      { ...axis, size: 46, space: 34, values: (_chart, splits) => splits.map((value) => (Number.isInteger(value) || value < 10 ? brief(value) : '')) },
    ],
    series: [
      { label: 'Time', value: (_chart, secs: number | null) => (secs === null ? '' : DAY_CLOCK.format(secs * 1000)) },
      ...curves.map((curve) => series(curve, bars)),
    ],
    hooks: { draw: [(chart) => drawMarks(chart, marks)] },
  };
}

/** The times with half a step before the first and after the last, so that no bar is cut. */
function padded(chart: uPlot, min: number, max: number): [number, number] {
  const steps = chart.data[0].length - 1;
  const half = steps > 0 ? (max - min) / steps / 2 : 30;
  return [min - half, max + half];
}

function series(curve: Curve, bars: BarPaths): uPlot.Series {
  const colour = token(curve.colour);
  const paths = curve.shape === 'bars' || curve.shape === 'slim' ? bars[curve.shape] : undefined;
  // Tokens are #rrggbb, so two more digits are their opacity.
  const fill = `${colour}${paths ? 'd0' : '28'}`;
  return {
    label: curve.name,
    stroke: colour,
    width: paths ? 0 : 1.75,
    ...(curve.shape === 'line' ? {} : { fill }),
    ...(curve.isDashed ? { dash: [5, 4] } : {}),
    ...(paths ? { paths } : {}),
    points: { show: !paths && curve.values.filter((value) => value !== null).length < 3 },
    value: (_chart, value: number | null) => (value === null ? '' : `${brief(value)}${curve.unit ?? ''}`),
  };
}

/** Draws marks as upright lines with their names at the top, where they fit. */
function drawMarks(chart: uPlot, marks: readonly ChartMark[]): void {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${11 * scale}px ${token('sans')}`;
  ctx.lineWidth = scale;
  ctx.textAlign = 'left';
  // Where each row of names ends: a name goes into the first row that has room.
  const rowEnds = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const mark of marks) {
    const x = Math.round(chart.valToPos(mark.millis / 1000, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = token(mark.colour);
    ctx.setLineDash([4 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(mark.label).width;
    const isRoomRight = x + width + 6 * scale < bbox.left + bbox.width;
    const left = isRoomRight ? x + 4 * scale : x - width - 4 * scale;
    const row = rowEnds.findIndex((end) => left >= end);
    if (row < 0) continue;
    ctx.fillStyle = token(mark.colour);
    ctx.fillText(mark.label, left, bbox.top + (11 + row * 14) * scale);
    rowEnds[row] = left + width + 6 * scale;
  }
  ctx.restore();
}
