// Which rate limits a call counts against: its address first, then its user and device, then its contract's own rule.
// Being exempt means one thing: a caller who is (limits.exempt, or an app service registered so) meets none of them.
import type { Endpoint } from '@carillon/protocol/endpoint.ts';
import { limitExceeded, MatrixError } from '@carillon/protocol/matrix-error.ts';
import { addressGroup } from './client-address.ts';
import type { Auth } from './credentials.ts';
import type { Caller } from './handle.ts';
import type { RateLimiter, RateSubject } from './rate-limit.ts';

/** The rules that count calls of any kind, where they are configured. */
const ADDRESS_RULE = 'address';
const USER_RULE = 'user';
const DEVICE_RULE = 'device';

/** Calls at work at a time, over all doors. More would wait for the database, and hold memory while they do. */
export const MAX_CALLS_AT_WORK = 10_000;
/** Of these, and of those that wait for news, by one user who is not exempt: a client needs a few. */
export const MAX_CALLS_PER_USER = 100;
const BUSY_RETRY_MS = 1_000;

/** Counts calls at work, over all and by user. */
export class CallGate {
  readonly #limiter: RateLimiter;
  readonly #byUser = new Map<string, number>();
  #atWork = 0;

  constructor(limiter: RateLimiter) {
    this.#limiter = limiter;
  }

  /** Runs the work of a call. Rejects with M_LIMIT_EXCEEDED where too many are at work. */
  async run<Result>({ waits }: Endpoint, auth: Auth, work: () => Promise<Result>): Promise<Result> {
    const userId = auth === null || !isCaller(auth) || isExempt(this.#limiter, auth) ? null : auth.userId;
    const ofUser = userId === null ? 0 : (this.#byUser.get(userId) ?? 0);
    // Those who wait for news are many, and hold little.
    const counts = waits === true ? 0 : 1;
    if (this.#atWork + counts > MAX_CALLS_AT_WORK || ofUser >= MAX_CALLS_PER_USER) throw limitExceeded(BUSY_RETRY_MS);
    this.#atWork += counts;
    if (userId !== null) this.#byUser.set(userId, ofUser + 1);
    try {
      return await work();
    } finally {
      this.#atWork -= counts;
      if (userId !== null) this.#leave(userId);
    }
  }

  #leave(userId: string): void {
    const left = (this.#byUser.get(userId) ?? 1) - 1;
    if (left > 0) this.#byUser.set(userId, left);
    else this.#byUser.delete(userId);
  }
}

export function isCaller(auth: Caller | { readonly origin: string }): auth is Caller {
  return 'userId' in auth;
}

/** Whether no limit applies to whoever this is. */
export function isExempt(limiter: RateLimiter, auth: Auth): boolean {
  if (auth === null || !isCaller(auth)) return false;
  return limiter.isExempt(auth.userId) || auth.appservice?.rateLimited === false;
}

/** Counts a call of an address: null, or the refusal, which those who prove to be exempt need not heed. */
export function countAddress(limiter: RateLimiter, address: string): MatrixError | null {
  return limiter.has(ADDRESS_RULE) ? refusalOf(() => limiter.take(ADDRESS_RULE, { address })) : null;
}

/**
 * Lets a caller in whose address is beyond its limit, if the caller is exempt; throws the refusal otherwise. How often an
 * address may try that is limited, too: each try may cost a look into the database.
 */
export async function admitExempt(
  limiter: RateLimiter,
  { address, refusal }: { readonly address: string; readonly refusal: MatrixError },
  authenticate: () => Promise<Auth>,
): Promise<Auth> {
  const tries: RateSubject = { key: `exempt ${addressGroup(address)}` };
  limiter.check(ADDRESS_RULE, tries);
  const auth = await authenticate().catch(() => null);
  if (isExempt(limiter, auth)) return auth;
  limiter.take(ADDRESS_RULE, tries);
  throw refusal;
}

/** Counts the call of a known caller. Throws M_LIMIT_EXCEEDED. */
export function limitCall(limiter: RateLimiter, { rateLimit }: Endpoint, auth: Auth, address: string): void {
  if (auth === null) {
    if (rateLimit !== undefined) limiter.take(rateLimit, { address });
    return;
  }
  if (!isCaller(auth)) {
    if (rateLimit !== undefined) limiter.take(rateLimit, { key: auth.origin });
    return;
  }
  if (isExempt(limiter, auth)) return;
  const { userId, deviceId } = auth;
  if (limiter.has(DEVICE_RULE) && deviceId !== null) limiter.take(DEVICE_RULE, { key: `${userId} ${deviceId}` });
  if (limiter.has(USER_RULE)) limiter.take(USER_RULE, { userId });
  if (rateLimit !== undefined) limiter.take(rateLimit, { userId });
}

function refusalOf(act: () => void): MatrixError | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof MatrixError) return error;
    throw error;
  }
}
