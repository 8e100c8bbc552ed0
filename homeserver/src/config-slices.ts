// The configuration cut into what each feature takes.

import type { Rate } from '@carillon/platform/config/config-schema.ts';
import type { ConfigOf } from '@carillon/platform/config.ts';
import type { AccountsSettings } from './accounts/config.ts';
import type { sections } from './config-sections.ts';

export type HomeserverConfig = ConfigOf<typeof sections>;
export type ServerConfig = HomeserverConfig['server'];
export type ListenConfig = HomeserverConfig['listen'];
export type FederationConfig = HomeserverConfig['federation'];
export type LimitsConfig = HomeserverConfig['limits'];
export type LogConfig = HomeserverConfig['log'];

/** The accounts' settings, in their own names. */
export function accountsSettings({ accounts, registration, server, limits }: HomeserverConfig) {
  return {
    hashCost: accounts.hash_cost,
    passwordMinLength: accounts.password_min_length,
    registration: {
      enabled: registration.enabled,
      requireToken: registration.require_token,
      allowOpen: registration.allow_open,
      guests: registration.guests,
      sharedSecret: registration.shared_secret || null,
    },
    publicUrl: server.public_url ?? null,
    limitsEnabled: limits.enabled,
    rates: { login: limits.login, register: limits.register },
  } satisfies AccountsSettings;
}

/** The rate limiter's rules under the names that contracts use: `create_room` in the file is `createRoom` there. */
export function rateRules(limits: LimitsConfig): Record<string, Rate> {
  const { enabled: _enabled, exempt: _exempt, ...rules } = limits;
  return Object.fromEntries(Object.entries(rules).map(([key, rule]) => [camelCase(key), rule]));
}

const camelCase = (key: string): string => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
