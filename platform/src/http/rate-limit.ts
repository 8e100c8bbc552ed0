// How often one may do what: token buckets per rule and person (or address), in bounded memory (client-server API, "Rate limiting").
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';
import type { Clock } from '../clock.ts';
import { LruMap } from '../lru-map.ts';
import { addressGroup } from './client-address.ts';

export interface RateRule {
  readonly perSecond: number;
  /** How many in a row, after a rest. */
  readonly burst: number;
}

/** Who is counted. Addresses of one IPv6 /64 count as one. `key` is for anything else, such as a login name. */
export type RateSubject = { readonly userId: string } | { readonly address: string } | { readonly key: string };

export interface RateLimiter {
  /** Counts one use (or `cost` of them). Throws M_LIMIT_EXCEEDED, and counts nothing, where that is too much. */
  take(rule: string, subject: RateSubject, cost?: number): void;
  /** Throws as take() would, but counts nothing: for what is only counted when it fails. */
  check(rule: string, subject: RateSubject): void;
  has(rule: string): boolean;
  /** Whether this user meets no limit at all. */
  isExempt(userId: string): boolean;
}

export interface RateLimiterOptions {
  readonly clock: Clock;
  /** False: nobody is limited. */
  readonly enabled: boolean;
  readonly rules: Readonly<Record<string, RateRule>>;
  /** Whoever this says true for is never limited, by any rule. */
  readonly exempt?: (userId: string) => boolean;
  /** Told the rule of each refusal, for the metrics. */
  readonly onRefused?: (rule: string) => void;
}

/** Buckets kept; the ones unused the longest are forgotten, which is as if they had filled up. */
const MAX_BUCKETS = 100_000;

interface Bucket {
  tokens: number;
  updatedMs: number;
}

/** Makes a limiter. It throws for a rule that it does not know. */
export function createRateLimiter({ clock, enabled, rules, exempt, onRefused }: RateLimiterOptions): RateLimiter {
  const known = new Map(Object.entries(rules));
  const buckets = new LruMap<string, Bucket>({ max: MAX_BUCKETS });

  const use = (name: string, subject: RateSubject, cost: number, counts: boolean): void => {
    const rule = known.get(name);
    if (rule === undefined) throw new Error(`no rate limit is called ${name}`);
    if (!enabled || ('userId' in subject && exempt?.(subject.userId))) return;
    const key = `${name} ${subjectKey(subject)}`;
    const nowMs = clock.monotonic();
    const bucket = buckets.get(key) ?? { tokens: rule.burst, updatedMs: nowMs };
    const tokens = Math.min(rule.burst, bucket.tokens + ((nowMs - bucket.updatedMs) / 1000) * rule.perSecond);
    // Filling up in fractions must not cost the last token of a round number.
    const missing = Math.min(cost, rule.burst) - tokens - 1e-9;
    if (missing > 0) {
      onRefused?.(name);
      throw limitExceeded(Math.max(1, (missing / rule.perSecond) * 1000));
    }
    if (counts) buckets.set(key, { tokens: Math.max(0, tokens - cost), updatedMs: nowMs });
  };

  return {
    take: (rule, subject, cost = 1) => use(rule, subject, cost, true),
    check: (rule, subject) => use(rule, subject, 1, false),
    has: (rule) => known.has(rule),
    isExempt: (userId) => !enabled || exempt?.(userId) === true,
  };
}

function subjectKey(subject: RateSubject): string {
  if ('userId' in subject) return subject.userId;
  return 'address' in subject ? addressGroup(subject.address) : `=${subject.key}`;
}
