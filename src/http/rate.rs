//! How many requests a minute: one bucket for the back end, one for each user, one for each address
//! of who says no name. It must not know what is asked.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use rolecall_protocol::id::UserId;

use super::Inbound;
use crate::config::Limits;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// The headers that a page of another origin may read.
pub const HEADERS: [HeaderName; 3] = [LIMIT, REMAINING, RESET];

/// Buckets kept at once; who comes when there are more shares one.
const BUCKETS_MAX: usize = 100_000;
/// Seconds between two searches for buckets that are full again and can go.
const SWEEP_EVERY_S: u64 = 10;

/// Whose bucket it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The back end.
    Server,
    /// A user, or somebody his token calls anonymous.
    User(UserId),
    /// Who says no name, by address.
    Address(IpAddr),
    /// All for whom there is no room.
    Rest,
}

impl Key {
    /// The bucket of who says no name.
    pub fn of_address(request: &Request) -> Self {
        let addr = request.extensions().get::<Inbound>().map(|inbound| inbound.addr().ip());
        Self::Address(addr.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

type Moment = <MonotonicClock as Clock>::Instant;
type Buckets = RateLimiter<Key, HashMapStateStore<Key>, MonotonicClock, StateInformationMiddleware>;

/// All buckets.
pub struct Rates {
    server: Buckets,
    users: Buckets,
    server_limit: NonZeroU32,
    user_limit: NonZeroU32,
    swept_s: AtomicU64,
}

/// What is left of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute.
    pub limit: u32,
    /// How many may come now.
    pub remaining: u32,
    /// When the bucket is full again, in seconds since the epoch.
    pub reset_s: u64,
    /// Seconds to wait, where this one was too many.
    pub wait_s: Option<u64>,
}

impl Rates {
    /// The rates of `limits`.
    pub fn new(limits: &Limits) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let buckets = |limit| {
            RateLimiter::hashmap_with_clock(Quota::per_minute(limit), MonotonicClock)
                .with_middleware::<StateInformationMiddleware>()
        };
        let server_limit = at_least_one(limits.rest_per_minute_server);
        let user_limit = at_least_one(limits.rest_per_minute_user);
        Self {
            server: buckets(server_limit),
            users: buckets(user_limit),
            server_limit,
            user_limit,
            swept_s: AtomicU64::new(0),
        }
    }

    /// Takes one from the bucket of `key`.
    pub fn take(&self, key: Key, now_s: u64) -> Allowance {
        let (buckets, limit, key) = match key {
            Key::Server | Key::Rest => (&self.server, self.server_limit, key),
            key if self.has_room(now_s) => (&self.users, self.user_limit, key),
            _ => (&self.server, self.server_limit, Key::Rest),
        };
        let (remaining, wait_s) = match buckets.check_key(&key) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(not_until) => (0, Some(seconds_to_wait(&not_until))),
        };
        let limit = limit.get();
        let used = u64::from(limit.saturating_sub(remaining));
        let reset_s = now_s + (used * 60).div_ceil(u64::from(limit));
        Allowance { limit, remaining, reset_s, wait_s }
    }

    /// Whether one more bucket fits, once those that are full again are gone.
    fn has_room(&self, now_s: u64) -> bool {
        if self.users.len() < BUCKETS_MAX {
            return true;
        }
        let swept = self.swept_s.load(Ordering::Relaxed);
        if now_s >= swept + SWEEP_EVERY_S
            && self
                .swept_s
                .compare_exchange(swept, now_s, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.users.retain_recent();
        }
        self.users.len() < BUCKETS_MAX
    }
}

fn seconds_to_wait(not_until: &NotUntil<Moment>) -> u64 {
    let wait: Duration = not_until.wait_time_from(MonotonicClock.now());
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl Allowance {
    /// Tells it in an answer's headers.
    pub fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset_s));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(server: u32, user: u32) -> Rates {
        Rates::new(&Limits {
            rest_per_minute_server: server,
            rest_per_minute_user: user,
            ..Limits::default()
        })
    }

    fn user(id: &str) -> Key {
        Key::User(UserId::parse(id).unwrap())
    }

    #[test]
    fn each_has_a_bucket_of_his_own() {
        let rates = rates(1000, 2);
        let ana = |at| rates.take(user("ana"), at);
        assert_eq!(ana(100), Allowance { limit: 2, remaining: 1, reset_s: 130, wait_s: None });
        assert_eq!(ana(100), Allowance { limit: 2, remaining: 0, reset_s: 160, wait_s: None });
        let third = ana(100);
        assert_eq!((third.remaining, third.reset_s), (0, 160));
        assert!((1..=30).contains(&third.wait_s.unwrap()), "{third:?}");
        assert_eq!(rates.take(user("bo"), 100).wait_s, None);
        assert_eq!(rates.take(Key::Address([127, 0, 0, 1].into()), 100).remaining, 1);
        assert_eq!(rates.take(Key::Server, 100).remaining, 999);
    }
}
