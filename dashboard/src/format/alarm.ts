// Alarms in words.

import { known } from './known';

const NAMES: Record<string, string> = {
  source_silent: 'A source is silent',
  lines_unreadable: 'Lines cannot be read',
  field_vanished: 'A field has vanished',
  one_address: 'One address sends most',
  clock_ahead: 'A clock is ahead',
  clock_behind: 'Lines are dated long ago',
  lag: 'Reading falls behind',
  not_reading: 'Nothing is read',
  lines_lost: 'Lines were lost',
  degraded: 'Less than everything is done',
  not_enforced: 'Blocked clients are served',
  guard_holds: 'The guard holds decisions back',
};

/** An alarm's name for people; the API's own for one that is not known here. */
export function alarmName(name: string): string {
  return known(NAMES, name) ?? name;
}

const EFFORTS: Record<string, string> = {
  scored_seldom: 'clients were scored less often',
  little_evidence: 'clients were scored less often, and less evidence was kept',
};

/** What less was done, in words. */
export function effortWords(effort: string): string {
  return known(EFFORTS, effort) ?? effort;
}
