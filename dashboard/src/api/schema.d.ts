// TEMPORARY until api/openapi.json exists.
export interface components {
  schemas: {
    ClientName: { scope: string; value: string; ref: string };
    ThreatView: { kind: string; confidence: number };
    ReasonView: { feature: string; value: number; typical: number; contribution: number; sentence: string };
    EvidenceView: { source: number; line: number; at: string; request: string; status: number };
    AlertView: {
      id: string; client: components['schemas']['ClientName']; threats: components['schemas']['ThreatView'][];
      score: number; p_value: number; action: string; first_seen: string; alerted_at: string; action_at?: string | null;
      requests_before_alert: number; requests_before_action?: number | null;
      reasons: components['schemas']['ReasonView'][]; evidence: components['schemas']['EvidenceView'][];
      held_back?: string | null; model: string;
    };
    PriceView: { clients: number; successful_requests: number; error: number };
    DecisionView: {
      id: string; seq: number; scope: string; value: string; ref: string; conditions: components['schemas']['ClientName'][];
      gateways: string[]; action: string; priority: number; origin: string; price: components['schemas']['PriceView'];
      threat: string; alert_id?: string | null; reason: string; event_at: string; ttl_secs: number; created_at: string;
      expires_at: string; mode: string; model: string; revoked_at?: string | null; revoked_by?: string | null;
    };
    OrderKindView:
      | { kind: 'block'; ttl_secs: number }
      | { kind: 'lift'; grace_secs: number }
      | { kind: 'revoke'; decision: string }
      | { kind: 'allow'; until?: string | null }
      | { kind: 'disallow' };
    OrderView: {
      seq: number; order: components['schemas']['OrderKindView']; client: components['schemas']['ClientName'];
      reason: string; by: string; from: string; at: string;
    };
    NewOrderView: components['schemas']['OrderKindView'] & { client?: components['schemas']['ClientName'] | null; reason: string };
    OrderReceiptView: { order: components['schemas']['OrderView']; decision?: components['schemas']['DecisionView'] | null; revoked: number };
    AllowView: { client: components['schemas']['ClientName']; reason: string; until?: string | null; by?: string | null };
    ClientView: {
      client: components['schemas']['ClientName']; updated_at: string; first_seen: string; last_seen: string;
      requests: number; score: number; action?: string | null;
    };
    ClientPage: {
      client: components['schemas']['ClientName']; summary?: components['schemas']['ClientView'] | null; features: unknown;
      timeline: unknown; alerts: components['schemas']['AlertView'][]; decisions: components['schemas']['DecisionView'][];
      orders: components['schemas']['OrderView'][]; in_force?: string | null; protected_by?: string | null;
    };
    Figures: { requests: number; rejected: number; alerts: number; blocks: number; stopped: number; in_force: number };
    StatsPoint: { at: string; requests: number; clients: number; rejected: number; alerts: number; blocks: number; stopped: number };
    AttackView: { threat: string; alerts: number; latest_at: string };
    TargetView: { target: string; clients: number };
    OverviewView: {
      from: string; to: string; step_secs: number; figures: components['schemas']['Figures'];
      points: components['schemas']['StatsPoint'][]; attacks: components['schemas']['AttackView'][];
      targets: components['schemas']['TargetView'][]; latest: components['schemas']['ClientName'][];
    };
    KeyView: {
      name: string; role: string; gateway?: string | null; created_at: string; created_by: string;
      last_used_at?: string | null; revoked_at?: string | null; revoked_by?: string | null;
    };
    NewKey: { name: string; role: string; gateway?: string | null };
    NewKeyView: { key: components['schemas']['KeyView']; secret: string };
    SignIn: { key: string };
    SessionView: { name: string; role: string };
    BouncerView: {
      name: string; gateway?: string | null; kind: string; version: string; address?: string | null;
      last_seen?: string | null; last_pull?: string | null;
    };
    ModelView: { version: string; created_at: string; activated_at?: string | null; retired_at?: string | null; card: unknown };
    RejectedView: { at: string; source: string; line: number; reason: string; sample: string };
    HealthPartView: { name: string; is_ok: boolean; detail: string };
    HealthView: { status: string; version: string; parts: components['schemas']['HealthPartView'][] };
    Problem: { type: string; title: string; status: number; detail: string };
  };
}
