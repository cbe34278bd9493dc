// The API's types under the words that the page uses. All come from the generated schema.

import type { components } from './schema';

type Schemas = components['schemas'];

export type Agreement = Schemas['AgreementView'];
export type Alarm = Schemas['AlarmView'];
export type Alert = Schemas['AlertView'];
export type AllowEntry = Schemas['AllowView'];
export type Asker = Schemas['AskerView'];
export type Gateway = Schemas['GatewayView'];
export type Suspension = Schemas['SuspensionView'];
export type Bouncer = Schemas['BouncerView'];
export type ClientName = Schemas['ClientName'];
export type ClientPage = Schemas['ClientPage'];
export type ClientSummary = Schemas['ClientView'];
export type Decision = Schemas['DecisionView'];
export type Drift = Schemas['DriftView'];
export type Evidence = Schemas['EvidenceView'];
export type Health = Schemas['HealthView'];
export type Hour = Schemas['HourView'];
export type Key = Schemas['KeyView'];
export type Member = Schemas['MemberView'];
export type Model = Schemas['ModelView'];
export type NewKey = Schemas['NewKey'];
export type NewKeyAnswer = Schemas['NewKeyView'];
export type NewOrder = Schemas['NewOrderView'];
export type NewVerdict = Schemas['NewVerdictView'];
export type Order = Schemas['OrderView'];
export type OrderKind = Schemas['OrderKindView'];
export type OrderReceipt = Schemas['OrderReceiptView'];
export type Overview = Schemas['OverviewView'];
export type Problem = Schemas['Problem'];
export type Ranked = Schemas['RankedView'];
export type Reason = Schemas['ReasonView'];
export type Rejected = Schemas['RejectedView'];
export type Session = Schemas['SessionView'];
export type StatsPoint = Schemas['StatsPoint'];
export type Verdict = Schemas['VerdictView'];

/** A slice of a list, newest first. */
export interface Slice<T> {
  items: T[];
  /** Cursor of the following slice; absent at the end. */
  next?: string | null;
}
