// The app services of this server, as accounts ask for them: by token, by the users they claim (S56, S72).
import { createHash, timingSafeEqual } from 'node:crypto';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { readYamlFolder } from '@carillon/platform/yaml-folder.ts';
import { type ServerName, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import type { Appservice, AppserviceDirectory } from '../accounts/account.ts';
import { parseRegistrations, type Registration, RegistrationError } from './registration.ts';

/** Users whose app services are remembered, so that patterns run once a user. */
const MAX_CACHED_USERS = 20_000;

/** An app service with all of its registration. */
export interface RegisteredAppservice extends Appservice {
  readonly registration: Registration;
}

export interface Appservices extends AppserviceDirectory {
  readonly all: readonly RegisteredAppservice[];
}

/** Loads a folder of registrations. Throws RegistrationError with every fault. */
export function loadAppservices(folder: string, serverName: ServerName): Appservices {
  let files: ReturnType<typeof readYamlFolder>;
  try {
    files = readYamlFolder(folder);
  } catch (error) {
    throw new RegistrationError([
      `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
  return createAppservices(parseRegistrations(files, serverName), serverName);
}

/** The directory of given registrations. */
export function createAppservices(registrations: readonly Registration[], serverName: ServerName): Appservices {
  const all = registrations.map((registration) => toAppservice(registration, serverName));
  const hashes = all.map((appservice) => ({ appservice, hash: sha256(appservice.registration.asToken) }));
  const owners = new LruMap<UserId, { readonly owner: RegisteredAppservice | null }>({ max: MAX_CACHED_USERS });
  return {
    all,
    findByToken(token) {
      if (hashes.length === 0) return undefined;
      const asked = sha256(token);
      let found: RegisteredAppservice | undefined;
      // All are compared, so that the time tells nothing.
      for (const { appservice, hash } of hashes) if (timingSafeEqual(hash, asked)) found = appservice;
      return found;
    },
    exclusiveOwner(userId) {
      const known = owners.get(userId);
      if (known !== undefined) return known.owner ?? undefined;
      const owner = all.find((appservice) => claims(appservice, userId)) ?? null;
      owners.set(userId, { owner });
      return owner ?? undefined;
    },
    mayUseAlias: (userId, alias) =>
      all.every(
        ({ ownsUser, registration }) =>
          ownsUser(userId) || !registration.aliases.some(({ exclusive, matches }) => exclusive && matches(alias)),
      ),
  };
}

function toAppservice(registration: Registration, serverName: ServerName): RegisteredAppservice {
  const known = new LruMap<UserId, { readonly owns: boolean }>({ max: MAX_CACHED_USERS });
  const { id, senderId, rateLimited, users } = registration;
  return {
    id,
    senderId,
    rateLimited,
    registration,
    ownsUser(userId) {
      if (userId === senderId) return true;
      const cached = known.get(userId);
      if (cached !== undefined) return cached.owns;
      // Namespaces speak of local users only, whatever their patterns would match.
      const owns = serverOf(userId) === serverName && users.some((namespace) => namespace.matches(userId));
      known.set(userId, { owns });
      return owns;
    },
  };
}

function claims({ registration }: RegisteredAppservice, userId: UserId): boolean {
  const { senderId, users } = registration;
  return userId === senderId || users.some((namespace) => namespace.exclusive && namespace.matches(userId));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
