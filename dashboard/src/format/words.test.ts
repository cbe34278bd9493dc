import { expect, test } from 'vitest';
import type { Alert, Drift, Model } from '../api/types';
import { agreement, alert, drift, models, ranked } from '../../tests/fixture_data';
import { cardRows } from './card';
import { featureName, featureValue } from './feature';
import { agreementTold, driftBasis, driftVerdict, modelStanding, movement } from './model';
import { orderDone } from './order';
import { restsOn } from './verdict';
import { mainAlert, tellAlert } from './story';
import { originName, scopeName, threatMeaning, threatName } from './threat';

const at = (secs: number) => new Date(Date.parse('2026-11-22T23:48:42Z') + secs * 1000).toISOString();
const blocked: Alert = {
  ...alert(0),
  threats: [{ kind: 'credential_stuffing', confidence: 0.98 }],
  action: 'block',
  alerted_at: at(9),
  action_at: at(17),
  requests_before_alert: 12,
  requests_before_action: 31,
};

test('an alert is told in one sentence', () => {
  const check = (changes: Partial<Alert>, expected: string) => expect(tellAlert({ ...blocked, ...changes })).toBe(expected);
  check({}, 'Stood out for credential stuffing (98% sure) after 12 requests and was blocked 8 s later, after 31 requests.');
  check({ action_at: at(9) }, 'Stood out for credential stuffing (98% sure) after 12 requests and was blocked at once.');
  check(
    { action: 'observe', held_back: 'it shares its address with an office' },
    'Stood out for credential stuffing (98% sure) after 12 requests; only observed: it shares its address with an office.',
  );
  check({ threats: [], requests_before_alert: 1 }, 'Stood out for behaviour unlike any other after 1 request and was blocked 8 s later, after 31 requests.');
});

test('a client is explained by its strongest alert, the latest of equals', () => {
  const observed: Alert = { ...blocked, id: 'observed', action: 'observe' };
  const later: Alert = { ...blocked, id: 'later' };
  expect(mainAlert([observed, later, blocked])?.id).toBe('later');
  expect(mainAlert([])).toBeUndefined();
});

test('a campaign is told by its members', () => {
  const campaign: Alert = { ...blocked, threats: [{ kind: 'reconnaissance', confidence: 0.97 }], members_in_all: 40 };
  expect(tellAlert(campaign)).toBe('A campaign of 40 clients: reconnaissance (97% sure); members are blocked, each by itself.');
  expect(tellAlert({ ...campaign, action: 'observe', held_back: 'the site may be broken' })).toBe(
    'A campaign of 40 clients: reconnaissance (97% sure); only observed: the site may be broken.',
  );
});

test('a kind that is not known is only made readable', () => {
  expect(threatName('credential_stuffing')).toBe('Credential stuffing');
  expect(threatName('card_testing')).toBe('Card testing');
  expect(threatName('constructor')).toBe('Constructor');
  expect(threatMeaning('__proto__')).toBe('');
  expect(featureName('toString')).toBe('ToString');
  expect(scopeName('constructor')).toBe('constructor');
  expect(originName('__proto__')).toBe('__proto__');
});

test('a feature has its unit', () => {
  const check = (value: number, unit: string, expected: string) => expect(featureValue(value, unit)).toBe(expected);
  check(0.97, 'ratio', '97%');
  check(21.4, 'requests/s', '21.4/s');
  check(0.02, 'requests/s', '72/h');
  check(46, 'ms', '46 ms');
  check(1, 'paths', '1 path');
  check(870, 'paths', '870 paths');
});

test('an order says what it did', () => {
  expect(orderDone({ kind: 'block', ttl_secs: 14_400 })).toBe('Blocked for 4 h');
  expect(orderDone({ kind: 'allow' })).toBe('Allowed for good');
  expect(orderDone({ kind: 'disallow' })).toBe('Taken off the allowlist');
});

test('a card of any shape becomes rows', () => {
  expect(cardRows({ trained_on: { rows: 412_331 }, not_for: ['a', 'b'], is_final: true })).toEqual([
    { name: 'Trained on · Rows', text: '412331' },
    { name: 'Not for', text: 'a, b' },
    { name: 'Is final', text: 'yes' },
  ]);
  expect(cardRows(null)).toEqual([]);
  expect(cardRows('plain')).toEqual([{ name: 'Card', text: 'plain' }]);
});

test('a model stands where its role and its times say', () => {
  const standing = (changes: Partial<Model>) => modelStanding({ ...(models[0] as Model), role: null, activated_at: null, retired_at: null, ...changes });
  expect(standing({ role: 'champion', activated_at: at(0) })).toBe('in use');
  // The one before challenges the new one, although it is retired.
  expect(standing({ role: 'challenger', activated_at: at(0), retired_at: at(9) })).toBe('challenges');
  expect(standing({ activated_at: at(0), retired_at: at(9) })).toBe('retired');
  expect(standing({})).toBe('waiting');
});

test('drift says whether clients have changed, or why that cannot be said', () => {
  const verdict = (changes: Partial<Drift>) => driftVerdict({ ...drift, ...changes });
  expect(verdict({}).title).toBe('Clients have changed since the days before: 2 features moved by much');
  expect(verdict({ alarms: ['gap_mean'] }).title).toMatch(/: 1 feature moved by much$/);
  expect(verdict({ alarms: [] })).toEqual({ kind: 'still', title: 'Clients are like those of the days before', text: '' });
  expect(verdict({ alarms: [], client_days: 212, features: [] }).text).toBe('212 client-days of the 500 that it takes.');
  const early = { alarms: [], features: drift.features.map((feature) => ({ ...feature, site: null })) };
  expect(verdict(early).kind).toBe('unknown');
  expect(driftBasis(drift)).toBe(
    'On 2026-11-21 (UTC): 20,431 client-days, held against 139,872 of the days before; 24 that the model finds beyond the budget were left out.',
  );
  expect(driftBasis({ ...drift, is_whole: false, client_days: 1, client_days_before: 0, beyond: 0 })).toBe(
    'Since the start, on 2026-11-21 (UTC) so far: 1 client-day.',
  );
  expect([0.02, 0.11, 0.26].map((index) => movement(index, 0.25))).toEqual(['hardly', 'a little', 'much']);
});

test('a challenger is told beside the model in use', () => {
  expect(agreementTold(agreement)).toBe(
    'Of 41,207 client-days since the start, beyond a budget of 1,000 wrong blocks per million: 31 for both models, 6 for the one in use alone, ' +
      '94 for this one alone. They rank clients alike to 0.81, where 1 is the same order and 0 no more than chance.',
  );
  expect(agreementTold({ ...agreement, both: 0, champion_only: 0, challenger_only: 0, rank: null })).toBe(
    'Of 41,207 client-days since the start, neither model finds one beyond a budget of 1,000 wrong blocks per million.',
  );
  expect(agreementTold({ ...agreement, client_days: 0 })).toBe('Nothing was compared yet.');
});

test('an order of alerts says what it rests on, or what is missing', () => {
  expect(restsOn(ranked(true))).toBe('The order rests on 21 attacks and 9 false positives that people named. It decides nothing.');
  expect(restsOn({ ...ranked(true), attacks: 1, is_ranked: false })).toBe(
    'The latest first: people named 1 attack and 9 false positives. An order takes 20 verdicts, 5 of each.',
  );
});
