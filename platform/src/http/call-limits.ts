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

/** Calls at work, or in line, over all doors. More would wait for the database, and hold memory while they do. */
export const MAX_CALLS_AT_WORK = 10_000;
/** One user's calls at work at a time; more wait in the user's own line, so that they take nobody else's turn. */
export const MAX_RUNNING_PER_USER = 16;
export const MAX_IN_LINE_PER_USER = 84;
/** One user's calls that wait for news: a few for each device, and those of connections that broke unnoticed. */
export const MAX_WAITING_PER_USER = 30;
const BUSY_RETRY_MS = 1_000;

interface UserCalls {
  running: number;
  waiting: number;
  /** What starts those in line, in the order of their coming. */
  readonly line: (() => void)[];
}

/** Lets calls to their work: all within a bound, each user's within one of its own, unless the user is exempt. */
export class CallGate {
  readonly #limiter: RateLimiter;
  readonly #users = new Map<string, UserCalls>();
  #atWork = 0;

  constructor(limiter: RateLimiter) {
    this.#limiter = limiter;
  }

  /** Runs the work of a call when its turn has come. Rejects with M_LIMIT_EXCEEDED where too many came before it. */
  async run<Result>({ waits = false }: Endpoint, auth: Auth, work: () => Promise<Result>): Promise<Result> {
    if (!waits && this.#atWork >= MAX_CALLS_AT_WORK) throw limitExceeded(BUSY_RETRY_MS);
    const counted = waits ? 0 : 1;
    this.#atWork += counted;
    try {
      if (auth === null || !isCaller(auth) || isExempt(this.#limiter, auth)) return await work();
      return await this.#runFor(auth.userId, waits, work);
    } finally {
      this.#atWork -= counted;
    }
  }

  async #runFor<Result>(userId: string, waits: boolean, work: () => Promise<Result>): Promise<Result> {
    const calls = this.#users.get(userId) ?? { running: 0, waiting: 0, line: [] };
    this.#users.set(userId, calls);
    if (waits ? calls.waiting >= MAX_WAITING_PER_USER : calls.line.length >= MAX_IN_LINE_PER_USER) {
      throw limitExceeded(BUSY_RETRY_MS);
    }
    if (waits) calls.waiting++;
    else if (calls.running < MAX_RUNNING_PER_USER) calls.running++;
    else await new Promise<void>((resolve) => calls.line.push(resolve));
    try {
      return await work();
    } finally {
      this.#end(userId, calls, waits);
    }
  }

  #end(userId: string, calls: UserCalls, waits: boolean): void {
    // Whoever is next takes over the place.
    const next = waits ? undefined : calls.line.shift();
    if (next !== undefined) next();
    else if (waits) calls.waiting--;
    else calls.running--;
    if (calls.running === 0 && calls.waiting === 0) this.#users.delete(userId);
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
