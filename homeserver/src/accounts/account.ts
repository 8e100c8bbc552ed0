// What is known of a local account, and what the other features may ask for.
import type { RoomAlias, UserId } from '@carillon/protocol/identifiers.ts';

export interface Account {
  readonly userId: UserId;
  readonly isAdmin: boolean;
  /** The app service that made it, or null for a person's. */
  readonly appserviceId: string | null;
  readonly userType: string | null;
  readonly createdTs: number;
  /** Null while the account is in use. */
  readonly deactivatedTs: number | null;
  readonly erased: boolean;
  readonly locked: boolean;
  readonly suspended: boolean;
  readonly hasPassword: boolean;
}

/** What a request to make an account has settled. */
export interface NewAccount {
  readonly userId: UserId;
  readonly passwordHash: string | null;
  readonly isAdmin: boolean;
  readonly appserviceId: string | null;
  readonly userType: string | null;
  readonly createdTs: number;
}

/** An app service as far as accounts have to know it; the registrations live in `appservice/`. */
export interface Appservice {
  readonly id: string;
  /** The user of its `sender_localpart`. */
  readonly senderId: UserId;
  readonly rateLimited: boolean;
  /** True for its sender and for users of its namespaces. */
  ownsUser(userId: UserId): boolean;
}

export interface AppserviceDirectory {
  readonly all: readonly Appservice[];
  /** Compares in constant time with each token. */
  findByToken(token: string): Appservice | undefined;
  /** The app service that alone may make this user, if one claims it exclusively. */
  exclusiveOwner(userId: UserId): Appservice | undefined;
  /** False for an alias that another app service than the user's claims exclusively. */
  mayUseAlias(userId: UserId, alias: RoomAlias): boolean;
}

/** A server without app services. */
export const noAppservices: AppserviceDirectory = {
  all: [],
  findByToken: () => undefined,
  exclusiveOwner: () => undefined,
  mayUseAlias: () => true,
};
