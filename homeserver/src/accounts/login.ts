// POST /login in its kinds: password, single-use token, app service (client-server API, "Login").

import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import {
  forbidden,
  MatrixError,
  missingParam,
  missingToken,
  unknownError,
  unknownToken,
} from '@carillon/protocol/matrix-error.ts';
import { findAccount } from './account.store.ts';
import type { AppserviceDirectory } from './account.ts';
import type { LoginTokens } from './login-tokens.ts';
import { checkPassword, identifiedUser, type PasswordDependencies } from './password-login.ts';
import { checkDevice, openSession, type SessionDependencies, type SessionTokens } from './sessions.ts';

export interface LoginDependencies extends SessionDependencies, PasswordDependencies {
  readonly appservices: AppserviceDirectory;
  readonly loginTokens: LoginTokens;
}

/** The body of the request, with what of the request itself matters. */
export interface LoginRequest {
  readonly type: string;
  readonly identifier?: JsonObject | undefined;
  readonly user?: string | undefined;
  readonly medium?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly displayName?: string | undefined;
  readonly refreshes: boolean;
  readonly address: string;
  /** The bearer token, which only app services send. */
  readonly bearer: string | null;
}

export const LOGIN_FLOWS = [
  { type: 'm.login.password' },
  { type: 'm.login.token', get_login_token: true },
  { type: 'm.login.application_service' },
];

/** Throws M_FORBIDDEN for wrong credentials, M_UNKNOWN for an unknown type, and what openSession throws. */
export async function logIn(
  dependencies: LoginDependencies,
  request: LoginRequest,
): Promise<SessionTokens & { userId: UserId }> {
  checkDevice(request.deviceId, request.displayName);
  const { userId, passwordHash } = await authenticatedUser(dependencies, request);
  const { deviceId, displayName, refreshes } = request;
  return { userId, ...(await openSession(dependencies, { userId, passwordHash, deviceId, displayName, refreshes })) };
}

type Authenticated = { readonly userId: UserId; readonly passwordHash?: string | null };

async function authenticatedUser(dependencies: LoginDependencies, request: LoginRequest): Promise<Authenticated> {
  switch (request.type) {
    case 'm.login.password':
      return passwordUser(dependencies, request);
    case 'm.login.token':
      return { userId: await tokenUser(dependencies, request) };
    case 'm.login.application_service':
      return { userId: await appserviceUser(dependencies, request) };
    default:
      throw unknownError('Unknown login type');
  }
}

function passwordUser(dependencies: LoginDependencies, request: LoginRequest): Promise<Authenticated> {
  const { password, address } = request;
  if (password === undefined) throw missingParam('password is missing');
  const byContact = request.medium !== undefined && request.identifier === undefined && request.user === undefined;
  const userId = byContact ? null : identifiedUser(request, dependencies.serverName);
  return checkPassword(dependencies, { userId, password, address });
}

async function tokenUser({ loginTokens, limiter }: LoginDependencies, request: LoginRequest): Promise<UserId> {
  const { token, address } = request;
  if (token === undefined) throw missingParam('token is missing');
  const userId = await limiter.attempt({ account: `token from ${address}`, address }, async () =>
    loginTokens.take(token),
  );
  if (userId === null) throw forbidden('The login token is not valid');
  return userId;
}

async function appserviceUser(dependencies: LoginDependencies, request: LoginRequest): Promise<UserId> {
  if (request.bearer === null) throw missingToken();
  const appservice = dependencies.appservices.findByToken(request.bearer);
  if (appservice === undefined) throw unknownToken();
  const named = isJsonObject(request.identifier) || request.user !== undefined;
  const userId = named ? identifiedUser(request, dependencies.serverName) : appservice.senderId;
  if (userId === null || !appservice.ownsUser(userId)) {
    throw new MatrixError(403, 'M_EXCLUSIVE', 'The user is outside the namespaces of the app service');
  }
  const account = await findAccount(dependencies.database.points, userId);
  if (account === undefined) throw forbidden('The app service has not registered this user');
  return userId;
}
