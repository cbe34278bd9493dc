// Features in words: what each one counts, and its values with their units.

import { known } from './known';
import { bytes, fraction, percent } from './number';
import { span } from './duration';
import { sentenceCase } from './threat';

const NAMES: Record<string, string> = {
  agent_count: 'Different user agents',
  asset_ratio: 'Files that pages load by themselves',
  burst_rate: 'Requests per second, last seconds',
  burst_share: 'Share of the last minutes in the last seconds',
  client_error_ratio: 'Answered with a client error',
  gap_deviation: 'Spread of the pauses',
  gap_entropy: 'Disorder of the pauses',
  gap_mean: 'Pause between requests',
  gap_modal_share: 'Pauses that are alike',
  habit_rate: 'Requests per second, hours',
  head_ratio: 'HEAD requests',
  login_failure_count: 'Failed sign-ins and refused writes',
  login_ratio: 'Requests that try to sign in',
  malformed_ratio: 'Requests the gateway could not read',
  missing_ratio: 'Asks for what does not exist',
  novel_miss_count: 'Missing paths nobody else asks for',
  novel_ratio: 'Routes hardly anybody else uses',
  novel_redirect_count: 'Redirected paths nobody else asks for',
  object_count: 'Different objects asked for',
  object_ratio: 'Requests that name an object',
  odd_characters: 'Odd characters in a request',
  odd_method_ratio: 'Methods hardly anybody uses',
  path_depth: 'Path segments',
  path_distinct_ratio: 'Different paths per request',
  query_count: 'Different queries',
  query_length: 'Length of the query',
  query_ratio: 'Requests with a query',
  recovery_ratio: 'Succeeded right after a failure',
  redirect_ratio: 'Answered with a redirect',
  referer_ratio: 'Requests with a referer',
  refused_ratio: 'Refused with 401, 403 or 407',
  response_size: 'Size of an answer',
  response_size_deviation: 'Spread of the answers’ sizes',
  route_count: 'Different routes',
  route_entropy: 'Disorder over the routes',
  server_error_ratio: 'Requests that broke the server',
  visit_error_ratio: 'Client errors, last minutes',
  visit_rate: 'Requests per second, last minutes',
  walk_ratio: 'Steps to a neighbouring object',
  write_ratio: 'Requests that change state',
};

/** What a feature counts. */
export function featureName(name: string): string {
  return known(NAMES, name) ?? sentenceCase(name);
}

/** A value with its unit: `97%`, `21.4/s`, `12 paths`. */
export function featureValue(value: number, unit: string): string {
  switch (unit) {
    case 'ratio':
      return percent(value);
    case 'requests/s':
      return value > 0 && value < 0.1 ? `${fraction(value * 3600)}/h` : `${fraction(value)}/s`;
    case 'ms':
      return span(value / 1000);
    case 's':
      return span(value);
    case 'bytes':
      return bytes(value);
    case 'bit':
      return `${fraction(value)} bit`;
    case '':
    case 'count':
      return fraction(value);
    default:
      // Units are plurals: 1 path, 12 paths.
      return `${fraction(value)} ${fraction(value) === '1' ? unit.replace(/s$/, '') : unit}`;
  }
}
