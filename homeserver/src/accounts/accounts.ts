// Everything about accounts, put together: what the other features and the routes may use.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { createRateLimiter, type RateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { Random } from '@carillon/platform/random.ts';
import { type ServerName, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { AccessTokenSigner } from './access-token.ts';
import { deleteDeactivationTask, findAccount, listDeactivationTasks } from './account.store.ts';
import type { Account, AppserviceDirectory } from './account.ts';
import { createAccountData } from './account-data.ts';
import { AccountFlags, type Flags, setFlags } from './account-flags.ts';
import { Nonces } from './admin-register.ts';
import { type AuthenticatedCaller, authenticate, type Credentials } from './authenticate.ts';
import type { AccountsSettings } from './config.ts';
import { confirmIdentity, type IdentityRequest } from './confirm-identity.ts';
import { ensureSenders } from './create-account.ts';
import { deactivateAccount } from './deactivate.ts';
import { createDevices } from './devices.ts';
import { createFilters } from './filters.ts';
import { LastSeenTracker } from './last-seen.ts';
import { LoginLimiter } from './login-limiter.ts';
import { LoginTokens } from './login-tokens.ts';
import { createOpenId } from './openid.ts';
import { PasswordHasher } from './password-hash.ts';
import { createProfiles } from './profiles.ts';
import { createRegistrationTokens } from './registration-tokens.ts';
import { listRevokedSessions } from './session.store.ts';
import { REVOCATION_KEPT_MS, SessionCache } from './session-cache.ts';
import { renewSetupLink } from './setup.ts';
import { startSweeping } from './sweep.ts';
import { UserInteractiveAuth } from './ui-auth.ts';

export interface AccountsDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly settings: AccountsSettings;
  readonly appservices: AppserviceDirectory;
  /** Knows the rules `login` and `register`; default: one of the feature's own, by its settings. */
  readonly rateLimiter?: RateLimiter;
  /** 32 secret bytes that outlive restarts, kept outside the database: they sign access tokens. */
  readonly tokenSeed: Uint8Array;
}

/** Changes of one user's account that may wait for each other. */
const MAX_WAITING_CHANGES = 200;

export type Accounts = ReturnType<typeof createAccounts>;

/** Builds the feature; `start` has to have ended before anything else is asked of it. */
export function createAccounts(dependencies: AccountsDependencies) {
  const parts = createParts(dependencies);
  const { database, clock, serverName, cache, flags, lastSeen, userQueue } = parts;
  const deactivationListeners: ((userId: UserId, erase: boolean) => void)[] = [];
  const deactivated = (userId: UserId, erase: boolean) => {
    for (const listener of deactivationListeners) listener(userId, erase);
  };
  let sweeping: { cancel(): void } | null = null;

  return {
    parts,
    profiles: parts.profiles,
    accountData: parts.accountData,
    filters: parts.filters,
    devices: parts.devices,
    openId: parts.openId,
    registrationTokens: parts.registrationTokens,
    appservices: parts.appservices,
    uiAuth: parts.uiAuth,

    /** Loads what has to be in memory, makes app services' own users, starts the timers. */
    async start(): Promise<void> {
      await flags.load(database);
      const sinceTs = clock.now() - REVOCATION_KEPT_MS;
      for (const { sessionId, revokedTs } of await listRevokedSessions(database, sinceTs)) {
        cache.revoke(sessionId, revokedTs);
      }
      await ensureSenders(parts);
      lastSeen.start();
      sweeping ??= startSweeping(parts);
    },
    async close(): Promise<void> {
      sweeping?.cancel();
      await userQueue.close();
      await lastSeen.close();
    },
    /** The path with fragment of the link that makes the first account, to be printed; null once people have accounts. */
    renewSetupLink: (): Promise<string | null> => renewSetupLink(parts),

    authenticate: (credentials: Credentials): Promise<AuthenticatedCaller> => authenticate(parts, credentials),
    confirmIdentity: (request: IdentityRequest): Promise<void> => confirmIdentity(parts, request),

    /** True for ids of this server, whether there is such an account or not. */
    isLocalUser: (userId: UserId): boolean => serverOf(userId) === serverName,
    /** Also finds deactivated accounts. */
    findAccount: (userId: UserId): Promise<Account | undefined> => findAccount(database.points, userId),
    flagsOf: (userId: UserId): Flags => flags.of(userId),
    setFlags: (userId: UserId, change: Partial<Flags>): Promise<Flags> => setFlags(parts, userId, change),

    deactivate: (userId: UserId, erase: boolean): Promise<void> =>
      deactivateAccount({ ...parts, deactivated }, userId, erase),
    /** Called after an account's end is on disk; the tasks below hold it until it is done. */
    onDeactivated(listener: (userId: UserId, erase: boolean) => void): void {
      deactivationListeners.push(listener);
    },
    /** Deactivated users that still have to leave their rooms, the oldest first. */
    listDeactivationTasks: (limit: number): Promise<{ userId: UserId; erase: boolean }[]> =>
      listDeactivationTasks(database, limit),
    finishDeactivationTask: (userId: UserId): Promise<void> =>
      database.transaction((tx) => deleteDeactivationTask(tx, userId)),
  };
}

function createParts(dependencies: AccountsDependencies) {
  const { settings, clock, random } = dependencies;
  const userQueue = new KeyedQueue<UserId>({ name: 'accounts', maxWaiting: MAX_WAITING_CHANGES });
  const shared = {
    ...dependencies,
    userQueue,
    signer: new AccessTokenSigner(dependencies.tokenSeed, dependencies.serverName),
    cache: new SessionCache(clock),
    flags: new AccountFlags(),
    hasher: new PasswordHasher({ cost: settings.hashCost, random }),
    limiter: new LoginLimiter({ clock, enabled: settings.limitsEnabled }),
    lastSeen: new LastSeenTracker(dependencies),
    uiAuth: new UserInteractiveAuth(dependencies),
    loginTokens: new LoginTokens(dependencies),
    nonces: new Nonces(dependencies),
    rateLimiter:
      dependencies.rateLimiter ?? createRateLimiter({ clock, enabled: settings.limitsEnabled, rules: settings.rates }),
    registration: settings.registration,
    passwordMinLength: settings.passwordMinLength,
  };
  const profiles = createProfiles(shared);
  return {
    ...shared,
    profiles,
    setDisplayName: (userId: UserId, displayName: string) => profiles.set(userId, 'displayname', displayName),
    accountData: createAccountData(shared),
    filters: createFilters(shared),
    devices: createDevices(shared),
    openId: createOpenId(shared),
    registrationTokens: createRegistrationTokens(shared),
  };
}
