// Threats, actions, origins and scopes in words.

import { known } from './known';

const THREATS: Record<string, { name: string; what: string; reference: string }> = {
  reconnaissance: { name: 'Reconnaissance', what: 'scanning, probing, forced browsing', reference: 'OAT-014, OAT-018, API9' },
  injection: { name: 'Injection', what: 'SQL, script, path traversal or command payloads', reference: 'API7, API8' },
  credential_stuffing: { name: 'Credential stuffing', what: 'many accounts, few tries each', reference: 'OAT-008, API2' },
  credential_cracking: { name: 'Credential cracking', what: 'few accounts, many tries', reference: 'OAT-007, API2' },
  account_takeover: { name: 'Account takeover', what: 'failures, then a success and new behaviour', reference: 'API2' },
  token_abuse: { name: 'Token abuse', what: 'one key from many places, or guessed tokens', reference: 'OAT-002, API2' },
  object_enumeration: { name: 'Object enumeration', what: 'walking other people’s object ids', reference: 'API1' },
  privilege_probing: { name: 'Privilege probing', what: 'functions above one’s role', reference: 'API5' },
  scraping: { name: 'Scraping', what: 'systematic harvesting of content', reference: 'OAT-011' },
  denial_of_service: { name: 'Denial of service', what: 'too many requests', reference: 'OAT-015' },
  resource_exhaustion: { name: 'Resource exhaustion', what: 'few but expensive requests', reference: 'API4' },
  business_flow_abuse: { name: 'Business flow abuse', what: 'sign-up, carding, coupon or scalping patterns', reference: 'OAT-001, 005, 019, API6' },
  cross_site_forgery: { name: 'Cross-site forgery', what: 'state-changing requests from foreign origins', reference: 'API8' },
  protocol_abuse: { name: 'Protocol abuse', what: 'malformed requests, odd methods, smuggling signs', reference: 'API8' },
  anomaly: { name: 'Anomaly', what: 'unlike anything seen, and no name for it', reference: '' },
};

/** Every threat's public name, in the order of the documentation. */
export const THREAT_KINDS: readonly string[] = Object.keys(THREATS);

/** Every action, mildest first. */
export const ACTIONS = ['observe', 'challenge', 'throttle', 'block'] as const;
export type Action = (typeof ACTIONS)[number];

/** Whether a word is an action. */
export function isAction(word: string): word is Action {
  return (ACTIONS as readonly string[]).includes(word);
}

/** `credential_stuffing` → `Credential stuffing`; what is not known is only made readable. */
export function threatName(kind: string): string {
  return known(THREATS, kind)?.name ?? sentenceCase(kind);
}

/** What a threat is, in a few words. */
export function threatMeaning(kind: string): string {
  return known(THREATS, kind)?.what ?? '';
}

/** OWASP's numbers for it. */
export function threatReference(kind: string): string {
  return known(THREATS, kind)?.reference ?? '';
}

const ACTION_DONE: Record<Action, string> = {
  observe: 'observed',
  challenge: 'challenged',
  throttle: 'throttled',
  block: 'blocked',
};

/** `block` → `blocked`. */
export function actionDone(action: string): string {
  return isAction(action) ? ACTION_DONE[action] : action;
}

const SCOPES: Record<string, string> = {
  ip: 'address',
  range: 'range',
  api_key: 'API key',
  subject: 'subject',
  consumer: 'consumer',
  session: 'session',
  certificate: 'certificate',
  ja4: 'TLS fingerprint',
  user_agent: 'user agent',
  route: 'route',
  host: 'host',
  country: 'country',
  as: 'network',
};

/** What kind of thing a client's name is: `address`, `API key`. */
export function scopeName(scope: string): string {
  return known(SCOPES, scope) ?? scope.replaceAll('_', ' ');
}

const ORIGINS: Record<string, string> = {
  model: 'the model',
  rule: 'a rule',
  policy: 'the policy',
  operator: 'an operator',
  import: 'an import',
};

/** Who decided: `the model`, `an operator`. */
export function originName(origin: string): string {
  return known(ORIGINS, origin) ?? origin;
}

/** `two_words` → `Two words`. */
export function sentenceCase(word: string): string {
  const text = word.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
