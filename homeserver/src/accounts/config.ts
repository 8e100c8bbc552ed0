// What an operator can set about accounts and registration.
import type { RateRule } from '@carillon/platform/http/rate-limit.ts';
import { Type } from 'typebox';

export const accountsConfig = Type.Object({
  hash_cost: Type.Union([Type.Literal('low'), Type.Literal('normal')], {
    default: 'normal',
    description: 'What a password hash costs: normal takes 19 MiB and two passes; low is for tests only.',
  }),
  password_min_length: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 128,
    description: 'Characters that a new password needs at least.',
  }),
});

export const registrationConfig = Type.Object({
  enabled: Type.Boolean({ default: false, description: 'Whether people may make accounts by themselves.' }),
  require_token: Type.Boolean({
    default: false,
    description: 'Whether a registration token is asked for.',
  }),
  allow_open: Type.Boolean({
    default: false,
    description: 'Says that registration without any check is meant; without it, such a configuration is refused.',
  }),
  guests: Type.Boolean({
    default: false,
    description:
      'Whether anyone gets an account for guests, who may read open rooms and join those that let guests in.',
  }),
  shared_secret: Type.String({
    default: '',
    description: 'Secret with which programs make accounts through /_synapse/admin/v1/register; empty: off.',
  }),
});

/** The slices that accounts are built with, in our own names. */
export interface AccountsSettings {
  readonly hashCost: 'low' | 'normal';
  readonly passwordMinLength: number;
  readonly registration: RegistrationSettings;
  /** The base URL that clients are told at login, if it is known. */
  readonly publicUrl: string | null;
  /** Whether anybody is limited. */
  readonly limitsEnabled: boolean;
  /** How often one address may log in and register; app services may as often as they like. */
  readonly rates: { readonly login: RateRule; readonly register: RateRule };
}

export interface RegistrationSettings {
  readonly enabled: boolean;
  readonly requireToken: boolean;
  readonly allowOpen: boolean;
  readonly guests: boolean;
  readonly sharedSecret: string | null;
}

/** Characters of a shared secret below which guessing is a matter of time. */
export const MIN_SHARED_SECRET_LENGTH = 6;
const KNOWN_SECRETS = new Set([
  'changeme',
  'change_me',
  'change-me',
  'password',
  'secret123',
  'registration_shared_secret',
]);

/** What is wrong with the registration's settings as sentences; empty when nothing is. Start refuses to go on otherwise. */
export function registrationFaults(settings: RegistrationSettings): string[] {
  const faults: string[] = [];
  if (settings.enabled && !settings.requireToken && !settings.allowOpen) {
    faults.push(
      'registration.enabled lets anyone in without a check: set registration.require_token, or registration.allow_open if that is meant',
    );
  }
  const secret = settings.sharedSecret;
  if (secret !== null && secret !== '') {
    if (secret.length < MIN_SHARED_SECRET_LENGTH) {
      faults.push(`registration.shared_secret needs at least ${MIN_SHARED_SECRET_LENGTH} characters`);
    } else if (KNOWN_SECRETS.has(secret.toLowerCase())) {
      faults.push('registration.shared_secret is a well-known example: choose a random one');
    }
  }
  return faults;
}
