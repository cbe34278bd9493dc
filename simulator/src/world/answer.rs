//! How a site answers: status, size, time.

use super::site::{Collection, Endpoint, Resource};
use super::{Access, Role, Site, SiteKind, Unknown};
use crate::random::{Stream, chance, log_normal, mix};
use crate::request::{Credentials, Request};
use rand::Rng;

/// An answer as the log shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) duration_ms: f32,
    /// Time of the upstream; `None` when the gateway answered by itself.
    pub(crate) upstream_ms: Option<f32>,
}

/// What a handler decided, before the general rules (HEAD, hang-ups) apply.
struct Draft {
    status: u16,
    bytes: u32,
    /// Median time; zero for what the gateway answers by itself.
    latency_ms: f32,
}

/// Median time of what the gateway answers by itself.
const GATEWAY_MS: f64 = 0.8;
/// Milliseconds per megabyte on a usual line (100 Mbit/s).
const TRANSFER_MS_PER_MEGABYTE: f64 = 80.0;
/// Size of the usual redirect page.
const REDIRECT_BYTES: u32 = 162;
/// Status that NGINX logs when the client hung up first.
const CLIENT_CLOSED: u16 = 499;

impl Site {
    /// Answers one request.
    pub(crate) fn answer(&self, request: &Request, rng: &mut Stream) -> Response {
        let draft = self.draft(request, rng);
        let gateway_ms = log_normal(rng, GATEWAY_MS, 0.5);
        let upstream_ms =
            (draft.latency_ms > 0.0).then(|| log_normal(rng, f64::from(draft.latency_ms), 0.45) as f32);
        let has_body = request.method != "HEAD" && draft.status != 304 && draft.status != 204;
        let mut bytes = if has_body { u64::from(draft.bytes) } else { 0 };
        let transfer_ms = bytes as f64 / 1e6 * TRANSFER_MS_PER_MEGABYTE * log_normal(rng, 1.0, 0.8);
        let mut duration_ms = (gateway_ms + transfer_ms) as f32 + upstream_ms.unwrap_or(0.0);
        let mut status = draft.status;
        if let Some(patience_ms) = request.intent.patience_ms
            && duration_ms > patience_ms as f32
        {
            (status, bytes, duration_ms) = (CLIENT_CLOSED, 0, patience_ms as f32);
        }
        Response {
            status,
            bytes,
            duration_ms,
            upstream_ms,
        }
    }

    fn draft(&self, request: &Request, rng: &mut Stream) -> Draft {
        if request.is_malformed {
            return self.gateway(400);
        }
        if request.intent.is_plain_http && self.redirects_plain_http {
            return Draft {
                status: 301,
                bytes: REDIRECT_BYTES,
                latency_ms: 0.0,
            };
        }
        match request.method {
            "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" => {}
            "OPTIONS" => {
                return Draft {
                    status: 204,
                    bytes: 0,
                    latency_ms: 0.0,
                };
            }
            "CONNECT" => return self.gateway(400),
            _ => return self.gateway(405),
        }
        if chance(rng, self.error_share) {
            let status = [500, 502, 503, 504][rng.gen_range(0..4)];
            return Draft {
                status,
                bytes: self.error_bytes,
                latency_ms: self.page_latency_ms * 4.0,
            };
        }
        if request.intent.has_payload
            && let Some(draft) = self.payload(rng)
        {
            return draft;
        }
        self.find(request, rng)
    }

    fn find(&self, request: &Request, rng: &mut Stream) -> Draft {
        match self.resolve(&request.path) {
            Resource::Page(index) => self.page(request, self.pages[index as usize].bytes, rng),
            Resource::PageByQuery => {
                let query = request.query.as_deref().unwrap_or_default();
                let seed = query.bytes().fold(0, |sum, byte| mix(sum ^ u64::from(byte)));
                let base = self.pages[(seed % self.pages.len() as u64) as usize].bytes;
                self.page(request, base, rng)
            }
            Resource::File(index) => self.file(request, index),
            Resource::Endpoint(index) => self.use_endpoint(&self.endpoints[index as usize], request, rng),
            Resource::Listing(index) => {
                let collection = &self.collections[index as usize];
                let bytes = jitter(rng, collection.bytes.saturating_mul(12), 0.25);
                let latency_ms = collection.latency_ms * 1.8;
                self.guarded(collection.access, request).unwrap_or(Draft {
                    status: 200,
                    bytes,
                    latency_ms,
                })
            }
            Resource::Object(index, exists) => {
                self.object(&self.collections[index as usize], exists, request, rng)
            }
            Resource::MissingSlash | Resource::Moved(_) => Draft {
                status: 301,
                bytes: REDIRECT_BYTES,
                latency_ms: 0.0,
            },
            Resource::Nothing => self.unknown(),
        }
    }

    fn page(&self, request: &Request, bytes: u32, rng: &mut Stream) -> Draft {
        match request.method {
            "GET" | "HEAD" if request.intent.has_copy && chance(rng, 0.4) => Draft {
                status: 304,
                bytes: 0,
                latency_ms: self.page_latency_ms * 0.5,
            },
            "GET" | "HEAD" => Draft {
                status: 200,
                bytes: jitter(rng, bytes, 0.02),
                latency_ms: self.page_latency_ms,
            },
            "POST" if self.kind == SiteKind::Cms => Draft {
                status: 200,
                bytes: jitter(rng, bytes, 0.02),
                latency_ms: self.page_latency_ms,
            },
            _ => self.gateway(405),
        }
    }

    fn file(&self, request: &Request, index: u32) -> Draft {
        let file = &self.files[index as usize];
        if !file.exists {
            return self.plain_missing();
        }
        match request.method {
            "GET" | "HEAD" => {}
            _ => return self.gateway(405),
        }
        let (status, bytes) = if request.intent.has_copy {
            (304, 0)
        } else if request.intent.wants_part {
            (206, file.bytes.min(1 << 20))
        } else {
            (200, file.bytes)
        };
        Draft {
            status,
            bytes,
            latency_ms: 0.0,
        }
    }

    fn use_endpoint(&self, endpoint: &Endpoint, request: &Request, rng: &mut Stream) -> Draft {
        let is_read = matches!(request.method, "GET" | "HEAD");
        if request.method != endpoint.method && !(is_read && endpoint.method == "GET") {
            // The login script of a CMS answers its form to a GET.
            return match endpoint.role {
                Role::Login if is_read && self.kind != SiteKind::ShopApi => Draft {
                    status: 200,
                    bytes: endpoint.bytes * 2,
                    latency_ms: self.page_latency_ms,
                },
                _ => self.gateway(405),
            };
        }
        if let Some(refusal) = self.guarded(endpoint.access, request) {
            return refusal;
        }
        let done = |status: u16, bytes: u32| Draft {
            status,
            bytes,
            latency_ms: endpoint.latency_ms,
        };
        match endpoint.role {
            Role::Login | Role::LegacyLogin => match request.intent.credentials {
                Credentials::Right => done(self.login_success, jitter(rng, endpoint.bytes, 0.02)),
                _ if endpoint.role == Role::LegacyLogin => done(200, 403),
                _ => done(self.login_failure, self.error_bytes),
            },
            Role::SignUp if request.intent.is_invalid => done(
                if self.kind == SiteKind::Cms { 200 } else { 422 },
                self.error_bytes,
            ),
            Role::SignUp => done(if self.kind == SiteKind::Cms { 302 } else { 201 }, endpoint.bytes),
            Role::Coupon | Role::Checkout if request.intent.is_invalid => done(422, self.error_bytes),
            Role::Comment | Role::PasswordReset => done(
                if endpoint.path.starts_with("/api") {
                    202
                } else {
                    302
                },
                0,
            ),
            Role::Feed | Role::Config | Role::SiteMap if request.intent.has_copy => done(304, 0),
            Role::Feed | Role::Config | Role::SiteMap | Role::Robots | Role::Health => {
                done(200, endpoint.bytes)
            }
            _ => done(200, jitter(rng, endpoint.bytes, 0.3)),
        }
    }

    fn object(&self, collection: &Collection, exists: bool, request: &Request, rng: &mut Stream) -> Draft {
        if let Some(refusal) = self.guarded(collection.access, request) {
            return refusal;
        }
        let latency_ms = collection.latency_ms;
        let is_theirs = collection.access == Access::Session && !request.intent.owns_object;
        // A listing named what a client owns.
        if !(exists || request.intent.owns_object) || request.intent.is_invalid {
            return Draft {
                status: 404,
                bytes: self.error_bytes,
                latency_ms,
            };
        }
        if is_theirs && !self.leaks_objects {
            let status = if self.error_bytes.is_multiple_of(2) {
                403
            } else {
                404
            };
            return Draft {
                status,
                bytes: self.error_bytes,
                latency_ms,
            };
        }
        let (status, bytes) = match request.method {
            "DELETE" => (204, 0),
            _ if request.intent.has_copy => (304, 0),
            _ => (200, jitter(rng, collection.bytes, 0.35)),
        };
        Draft {
            status,
            bytes,
            latency_ms,
        }
    }

    /// The refusal for somebody who may not; `None` for somebody who may.
    fn guarded(&self, access: Access, request: &Request) -> Option<Draft> {
        let intent = &request.intent;
        let status = match access {
            Access::Public => return None,
            Access::Session | Access::Admin if !intent.has_session => match self.kind {
                SiteKind::ShopApi | SiteKind::SinglePage => 401,
                SiteKind::Content | SiteKind::Cms => 302,
            },
            Access::Admin if !intent.is_admin => 403,
            _ => return None,
        };
        let bytes = if status == 302 { 0 } else { self.error_bytes };
        Some(Draft {
            status,
            bytes,
            latency_ms: 4.0,
        })
    }

    /// What a payload does: mostly nothing, sometimes an error, on filtered sites a refusal.
    fn payload(&self, rng: &mut Stream) -> Option<Draft> {
        let latency_ms = self.page_latency_ms;
        match rng.gen_range(0..100) {
            0..80 if self.filters_payloads => Some(self.gateway(403)),
            80..88 => Some(Draft {
                status: 500,
                bytes: self.error_bytes,
                latency_ms,
            }),
            88..94 => Some(self.gateway(400)),
            _ => None,
        }
    }

    fn unknown(&self) -> Draft {
        match self.unknown {
            Unknown::NotFound => self.plain_missing(),
            Unknown::RedirectHome => Draft {
                status: 301,
                bytes: REDIRECT_BYTES,
                latency_ms: 0.0,
            },
            Unknown::SoftPage => {
                let bytes = self.pages.first().map_or(self.error_bytes, |page| page.bytes);
                Draft {
                    status: 200,
                    bytes,
                    latency_ms: 0.0,
                }
            }
            Unknown::Forbidden => self.gateway(403),
            Unknown::Unauthorized => Draft {
                status: 401,
                bytes: self.error_bytes,
                latency_ms: 3.0,
            },
        }
    }

    fn plain_missing(&self) -> Draft {
        // A CMS renders its own page for what is missing; servers answer a few hundred bytes.
        let latency_ms = if self.kind == SiteKind::Cms {
            self.page_latency_ms
        } else {
            0.0
        };
        Draft {
            status: 404,
            bytes: self.error_bytes,
            latency_ms,
        }
    }

    fn gateway(&self, status: u16) -> Draft {
        Draft {
            status,
            bytes: self.error_bytes.min(600),
            latency_ms: 0.0,
        }
    }
}

/// A size that varies by up to that share either way.
fn jitter(rng: &mut Stream, bytes: u32, share: f64) -> u32 {
    (f64::from(bytes) * (1.0 + share * rng.gen_range(-1.0..1.0))) as u32
}
