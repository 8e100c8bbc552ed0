// POST /register (client-server API, "Account registration"; application service API, "Server admin style permissions").
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import {
  forbidden,
  MatrixError,
  missingParam,
  missingToken,
  unauthorized,
  unknownToken,
} from '@carillon/protocol/matrix-error.ts';
import { GUEST_TYPE } from './account-flags.ts';
import type { RegistrationSettings } from './config.ts';
import {
  type CreateAccountDependencies,
  checkNamespace,
  checkNewPassword,
  checkUnused,
  createAccount,
  wishedUserId,
} from './create-account.ts';
import type { LoginLimiter } from './login-limiter.ts';
import { useRegistrationToken } from './registration-token.store.ts';
import type { RegistrationTokens } from './registration-tokens.ts';
import { checkDevice, openSession, type SessionDependencies, type SessionTokens } from './sessions.ts';
import { dummyStage, type StageCheck, type UserInteractiveAuth } from './ui-auth.ts';

export interface RegisterDependencies extends SessionDependencies, CreateAccountDependencies {
  readonly uiAuth: UserInteractiveAuth;
  readonly registrationTokens: RegistrationTokens;
  readonly registration: RegistrationSettings;
  readonly limiter: LoginLimiter;
}

export interface RegisterRequest {
  readonly kind: string;
  readonly type?: string | undefined;
  readonly auth?: unknown;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly displayName?: string | undefined;
  readonly inhibitLogin: boolean;
  readonly refreshes: boolean;
  readonly address: string;
  /** The bearer token, which only app services send. */
  readonly bearer: string | null;
}

export type Registered = { readonly userId: UserId; readonly tokens: SessionTokens | null };

const TOKEN_STAGE = 'm.login.registration_token';
const DUMMY_STAGE = 'm.login.dummy';
const GENERATED_NAME_LENGTH = 12;
const GENERATED_NAME_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Throws the registration errors of the spec, or the 401 of interactive authentication. */
export async function register(dependencies: RegisterDependencies, request: RegisterRequest): Promise<Registered> {
  if (request.type === 'm.login.application_service') return registerForAppservice(dependencies, request);
  if (request.kind === 'guest') return registerGuest(dependencies, request);
  if (!dependencies.registration.enabled) throw forbidden('Registration is closed on this server');
  return registerPerson(dependencies, request);
}

async function registerPerson(dependencies: RegisterDependencies, request: RegisterRequest): Promise<Registered> {
  const { database, appservices, serverName, uiAuth, registration, random } = dependencies;
  checkDevice(request.deviceId, request.displayName);
  const wished = request.username === undefined ? null : wishedUserId(serverName, request.username.toLowerCase());
  if (wished !== null) {
    checkNamespace(appservices, wished, null);
    await checkUnused(database, wished);
  }
  if (request.password !== undefined) checkNewPassword(request.password, dependencies.passwordMinLength);
  const completed = await uiAuth.require(
    {
      operation: 'POST /register',
      userId: null,
      flows: [[registration.requireToken ? TOKEN_STAGE : DUMMY_STAGE]],
      stages: { [DUMMY_STAGE]: dummyStage, [TOKEN_STAGE]: tokenStage(dependencies, request.address) },
    },
    request.auth,
  );
  if (request.password === undefined) throw missingParam('password is missing');
  const userId = wished ?? wishedUserId(serverName, random.text(GENERATED_NAME_LENGTH, GENERATED_NAME_ALPHABET));
  const token = completed.get(TOKEN_STAGE);
  const account = { userId, password: request.password, isAdmin: false, appserviceId: null, userType: null };
  await createAccount(dependencies, account, async (tx) => {
    if (typeof token !== 'string') return;
    const used = await useRegistrationToken(tx, token, dependencies.clock.now());
    if (!used) throw unauthorized('The registration token has been used up');
  });
  return { userId, tokens: await sessionOf(dependencies, userId, request) };
}

/** An account without a password, that ends with its session and may do little (guest-access.ts). */
async function registerGuest(dependencies: RegisterDependencies, request: RegisterRequest): Promise<Registered> {
  if (!dependencies.registration.guests) {
    throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'This server has no guest accounts');
  }
  const { serverName, random } = dependencies;
  const userId = wishedUserId(serverName, `guest-${random.text(GENERATED_NAME_LENGTH, GENERATED_NAME_ALPHABET)}`);
  await createAccount(dependencies, {
    ...{ userId, password: null, isAdmin: false, appserviceId: null, userType: GUEST_TYPE },
  });
  // The device's id is the server's to choose here, and guests always get a session.
  const session = { ...request, deviceId: undefined, inhibitLogin: false };
  return { userId, tokens: await sessionOf(dependencies, userId, session) };
}

function tokenStage({ registrationTokens, limiter }: RegisterDependencies, address: string): StageCheck {
  return async (auth: JsonObject) => {
    const { token } = auth;
    if (typeof token !== 'string') throw missingParam('token is missing');
    const valid = await limiter.attempt({ account: `token from ${address}`, address }, async () =>
      (await registrationTokens.isValid(token)) ? true : null,
    );
    if (valid === null) throw unauthorized('The registration token is not valid');
    return token;
  };
}

async function registerForAppservice(
  dependencies: RegisterDependencies,
  request: RegisterRequest,
): Promise<Registered> {
  const { database, appservices, serverName } = dependencies;
  if (request.bearer === null) throw missingToken();
  const appservice = appservices.findByToken(request.bearer);
  if (appservice === undefined) throw unknownToken();
  if (request.username === undefined) throw missingParam('username is missing');
  checkDevice(request.deviceId, request.displayName);
  const userId = wishedUserId(serverName, request.username);
  checkNamespace(appservices, userId, appservice);
  await checkUnused(database, userId);
  await createAccount(dependencies, {
    userId,
    password: null,
    isAdmin: false,
    appserviceId: appservice.id,
    userType: null,
  });
  return { userId, tokens: await sessionOf(dependencies, userId, request) };
}

async function sessionOf(
  dependencies: RegisterDependencies,
  userId: UserId,
  { inhibitLogin, deviceId, displayName, refreshes }: RegisterRequest,
): Promise<SessionTokens | null> {
  if (inhibitLogin) return null;
  return openSession(dependencies, { userId, deviceId, displayName, refreshes });
}

/** GET /register/available. Throws M_FORBIDDEN while registration is closed, so that it does not tell who exists (S59). */
export async function checkAvailable(dependencies: RegisterDependencies, username: string): Promise<void> {
  if (!dependencies.registration.enabled) throw forbidden('Registration is closed on this server');
  const userId = wishedUserId(dependencies.serverName, username);
  checkNamespace(dependencies.appservices, userId, null);
  await checkUnused(dependencies.database, userId);
}

/** GET …/registration_token/validity. Throws M_FORBIDDEN while registration is closed, M_LIMIT_EXCEEDED for guessing. */
export async function isTokenValid(
  dependencies: RegisterDependencies,
  token: string,
  address: string,
): Promise<boolean> {
  const { registration, registrationTokens, limiter } = dependencies;
  if (!registration.enabled) throw forbidden('Registration is closed on this server');
  const valid = await limiter.attempt({ account: `token from ${address}`, address }, async () =>
    (await registrationTokens.isValid(token)) ? true : null,
  );
  return valid === true;
}
