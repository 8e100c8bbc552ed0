// App services' registrations (application service API, "Registration"): read from YAML, checked whole, all faults told.
import { isUserId, type ServerName, type UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { RE2JS } from 're2js';

/** Characters of a namespace's pattern. */
export const MAX_PATTERN_LENGTH = 1_024;
export const MAX_NAMESPACES = 1_000;
/** Characters below which a token can be guessed. */
export const MIN_TOKEN_LENGTH = 6;

export interface Namespace {
  readonly exclusive: boolean;
  /** Whether an id begins as the pattern says; takes time linear in the id's length. */
  matches(id: string): boolean;
}

export interface Registration {
  readonly id: string;
  /** Null: it wants no traffic. */
  readonly url: string | null;
  readonly asToken: string;
  readonly hsToken: string;
  readonly senderId: UserId;
  readonly users: readonly Namespace[];
  readonly aliases: readonly Namespace[];
  readonly rooms: readonly Namespace[];
  readonly rateLimited: boolean;
  readonly protocols: readonly string[];
  readonly receivesEphemeral: boolean;
}

export interface RegistrationFile {
  readonly name: string;
  readonly value: unknown;
  readonly fault: string | null;
}

/** What is wrong with the registrations, one sentence a fault. */
export class RegistrationError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the app service registrations have faults:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'RegistrationError';
    this.faults = faults;
  }
}

/** Checks every file; throws RegistrationError with all faults of all files. */
export function parseRegistrations(files: readonly RegistrationFile[], serverName: ServerName): Registration[] {
  const faults: string[] = [];
  const registrations: Registration[] = [];
  for (const file of files) {
    const own: string[] = file.fault === null ? [] : [file.fault];
    const registration = file.fault === null ? parseOne(file.value, serverName, own) : null;
    faults.push(...own.map((fault) => `${file.name}: ${fault}`));
    if (registration !== null && own.length === 0) registrations.push(registration);
  }
  faults.push(...sharedFaults(registrations));
  if (faults.length > 0) throw new RegistrationError(faults);
  return registrations;
}

function parseOne(value: unknown, serverName: ServerName, faults: string[]): Registration | null {
  if (!isJsonObject(value)) {
    faults.push('must be a mapping');
    return null;
  }
  const namespaces = isJsonObject(value['namespaces']) ? value['namespaces'] : {};
  if (!isJsonObject(value['namespaces'])) faults.push('namespaces must be a mapping');
  return {
    id: text(value, 'id', faults),
    url: url(value['url'], faults),
    asToken: token(value, 'as_token', faults),
    hsToken: token(value, 'hs_token', faults),
    senderId: sender(value, serverName, faults),
    users: parseNamespaces(namespaces, 'users', faults),
    aliases: parseNamespaces(namespaces, 'aliases', faults),
    rooms: parseNamespaces(namespaces, 'rooms', faults),
    rateLimited: flag(value, 'rate_limited', true, faults),
    protocols: protocols(value['protocols'], faults),
    receivesEphemeral:
      flag(value, 'receive_ephemeral', false, faults) ||
      flag(value, 'de.sorunome.msc2409.push_ephemeral', false, faults),
  };
}

function text(value: JsonObject, key: string, faults: string[]): string {
  const found = value[key];
  if (typeof found === 'string' && found !== '') return found;
  faults.push(`${key} must be a string and not empty`);
  return '';
}

function token(value: JsonObject, key: string, faults: string[]): string {
  const found = text(value, key, faults);
  if (found !== '' && found.length < MIN_TOKEN_LENGTH)
    faults.push(`${key} needs at least ${MIN_TOKEN_LENGTH} characters`);
  if (/\s/.test(found)) faults.push(`${key} must not have spaces`);
  return found;
}

function url(value: unknown, faults: string[]): string | null {
  if (value === null || value === '') return null;
  if (typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)) return value.replace(/\/+$/, '');
  faults.push('url must be an http or https URL, or null');
  return null;
}

function sender(value: JsonObject, serverName: ServerName, faults: string[]): UserId {
  const id = `@${text(value, 'sender_localpart', faults)}:${serverName}`;
  if (!isUserId(id)) faults.push('sender_localpart does not make a user ID');
  // A wrong one is never used: the fault above stops the start.
  return id as UserId;
}

function flag(value: JsonObject, key: string, fallback: boolean, faults: string[]): boolean {
  const found = value[key] ?? fallback;
  if (typeof found === 'boolean') return found;
  faults.push(`${key} must be true or false`);
  return fallback;
}

function protocols(value: unknown, faults: string[]): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  faults.push('protocols must be a list of strings');
  return [];
}

function parseNamespaces(namespaces: JsonObject, key: string, faults: string[]): Namespace[] {
  const list = namespaces[key] ?? [];
  if (!Array.isArray(list) || list.length > MAX_NAMESPACES) {
    faults.push(`namespaces.${key} must be a list of at most ${MAX_NAMESPACES}`);
    return [];
  }
  return list.flatMap((entry, index) => parseNamespace(entry, `namespaces.${key}[${index}]`, faults));
}

function parseNamespace(entry: unknown, where: string, faults: string[]): Namespace[] {
  if (!isJsonObject(entry) || typeof entry['regex'] !== 'string') {
    faults.push(`${where} must have a regex`);
    return [];
  }
  const pattern = entry['regex'];
  const exclusive = entry['exclusive'] ?? false;
  if (typeof exclusive !== 'boolean') faults.push(`${where}.exclusive must be true or false`);
  if (pattern.length > MAX_PATTERN_LENGTH) {
    faults.push(`${where}.regex may have ${MAX_PATTERN_LENGTH} characters`);
    return [];
  }
  try {
    const compiled = RE2JS.compile(pattern);
    return [{ exclusive: exclusive === true, matches: (id) => compiled.matcher(id).lookingAt() }];
  } catch (error) {
    faults.push(`${where}.regex cannot be used: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

function sharedFaults(registrations: readonly Registration[]): string[] {
  const faults: string[] = [];
  for (const key of ['id', 'asToken', 'senderId'] as const) {
    const seen = new Map<string, string>();
    for (const registration of registrations) {
      const other = seen.get(registration[key]);
      // Tokens are not named: this text goes to the log.
      if (other !== undefined) faults.push(`${registration.id}: shares its ${WORDS[key]} with ${other}`);
      seen.set(registration[key], registration.id);
    }
  }
  return faults;
}

const WORDS = { id: 'id', asToken: 'as_token', senderId: 'sender_localpart' } as const;
