// Against guessing passwords and tokens: failed attempts by account, by address and by both (S60, S73).
import type { Clock } from '@carillon/platform/clock.ts';
import { addressGroup } from '@carillon/platform/http/client-address.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';

interface Allowance {
  /** Failures in a row before waiting starts. */
  readonly burst: number;
  /** Then one more each so many milliseconds. */
  readonly refillMs: number;
}

// The account's own limit is wide, so that strangers cannot keep its owner out from another address.
const BY_ACCOUNT_AND_ADDRESS: Allowance = { burst: 10, refillMs: 20_000 };
const BY_ACCOUNT: Allowance = { burst: 200, refillMs: 10_000 };
const BY_ADDRESS: Allowance = { burst: 50, refillMs: 5_000 };
/** Keys whose failures are remembered. */
const MAX_BUCKETS = 50_000;

export class LoginLimiter {
  readonly #clock: Clock;
  readonly #enabled: boolean;
  /** When the bucket would be full again; an absent one is full. */
  readonly #fullAtMs = new LruMap<string, number>({ max: MAX_BUCKETS });

  constructor({ clock, enabled }: { clock: Clock; enabled: boolean }) {
    this.#clock = clock;
    this.#enabled = enabled;
  }

  /**
   * Runs `attempt`, which resolves with null for a failure. What is tried at the same time counts as failed until it
   * has succeeded. Throws M_LIMIT_EXCEEDED instead when too many failed before.
   */
  async attempt<Result>(
    who: { readonly account: string; readonly address: string },
    attempt: () => Promise<Result | null>,
  ): Promise<Result | null> {
    if (!this.#enabled) return attempt();
    const address = addressGroup(who.address);
    const buckets: [string, Allowance][] = [
      [`both ${address} ${who.account}`, BY_ACCOUNT_AND_ADDRESS],
      [`account ${who.account}`, BY_ACCOUNT],
      [`address ${address}`, BY_ADDRESS],
    ];
    const waitMs = Math.max(...buckets.map(([key, allowance]) => this.#waitMs(key, allowance)));
    if (waitMs > 0) throw limitExceeded(waitMs);
    for (const [key, allowance] of buckets) this.#take(key, allowance.refillMs);
    const result = await attempt();
    if (result !== null) for (const [key, allowance] of buckets) this.#take(key, -allowance.refillMs);
    return result;
  }

  #waitMs(key: string, { burst, refillMs }: Allowance): number {
    const owedMs = (this.#fullAtMs.get(key) ?? 0) - this.#clock.monotonic();
    return Math.max(0, owedMs - (burst - 1) * refillMs);
  }

  #take(key: string, byMs: number): void {
    const nowMs = this.#clock.monotonic();
    this.#fullAtMs.set(key, Math.max(nowMs, this.#fullAtMs.get(key) ?? nowMs) + byMs);
  }
}
