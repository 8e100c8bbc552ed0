// From a server's name to where and how to connect (server-server API, "Resolving server names").
import type { Clock } from '@carillon/platform/clock.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import { isServerName, type ServerName } from '@carillon/protocol/identifiers.ts';
import { isJsonObject } from '@carillon/protocol/json.ts';
import { parseServerAddress, type ServerAddress } from './server-address.ts';

/** Where to connect, in the order in which to try, and as whom to speak and be spoken to. */
export interface Destination {
  readonly targets: readonly { readonly host: string; readonly port: number }[];
  /** The Host header. */
  readonly hostHeader: string;
  /** The name (or address) that the certificate has to be for; also sent as SNI where it is a name. */
  readonly certificateName: string;
  /** Which step of the spec led here, for people who look for a fault. */
  readonly step: string;
}

export interface WellKnownAnswer {
  readonly status: number;
  /** The body, cut at a few kilobytes by the client. */
  readonly text: string;
  /** From Cache-Control or Expires, in ms; null where the answer says nothing. */
  readonly maxAgeMs: number | null;
}

export interface SrvRecord {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface DiscoveryDependencies {
  readonly clock: Clock;
  /** GET https://host/.well-known/matrix/server with redirects followed; rejects where nothing answers. */
  readonly fetchWellKnown: (host: string) => Promise<WellKnownAnswer>;
  /** SRV records of a name; empty for none. Rejects when the name servers fail. */
  readonly resolveSrv: (name: string) => Promise<readonly SrvRecord[]>;
}

const DEFAULT_PORT = 8448;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How long answers of .well-known are kept (threat S38): what they say, within bounds; errors shorter, then longer. */
export const WELL_KNOWN_DEFAULT_MS = 24 * HOUR_MS;
export const WELL_KNOWN_MIN_MS = 5 * MINUTE_MS;
export const WELL_KNOWN_MAX_MS = 48 * HOUR_MS;
export const WELL_KNOWN_ERROR_MS = 2 * MINUTE_MS;
export const WELL_KNOWN_MAX_ERROR_MS = HOUR_MS;
/** SRV records are looked up anew after this; resolvers cache them by their own time anyway. */
const SRV_KEPT_MS = 5 * MINUTE_MS;
const MAX_KEPT = 10_000;
const MAX_TARGETS = 8;

interface WellKnown {
  readonly delegated: ServerName | null;
  readonly untilMs: number;
  readonly failures: number;
}

export class Discovery {
  readonly #dependencies: DiscoveryDependencies;
  readonly #wellKnown = new LruMap<string, WellKnown>({ max: MAX_KEPT });
  readonly #asking = new Map<string, Promise<WellKnown>>();
  readonly #srv = new LruMap<string, { readonly records: readonly SrvRecord[]; readonly untilMs: number }>({
    max: MAX_KEPT,
  });

  constructor(dependencies: DiscoveryDependencies) {
    this.#dependencies = dependencies;
  }

  /** Where this server is. Never rejects: what cannot be looked up leads to the next step. */
  async find(serverName: ServerName): Promise<Destination> {
    const address = parseServerAddress(serverName);
    if (address.isLiteral || address.port !== null) return direct(address, address.isLiteral ? '1' : '2');
    const { delegated } = await this.#findWellKnown(address.host);
    if (delegated === null) return this.#bySrv(address, { fed: '4', old: '5', none: '6' });
    const target = parseServerAddress(delegated);
    if (target.isLiteral || target.port !== null) return direct(target, target.isLiteral ? '3.1' : '3.2');
    return this.#bySrv(target, { fed: '3.3', old: '3.4', none: '3.5' });
  }

  /** Forgets what is known of a server: its next request looks everything up again. */
  forget(serverName: ServerName): void {
    const { host } = parseServerAddress(serverName);
    this.#wellKnown.delete(host);
    for (const service of ['_matrix-fed', '_matrix']) this.#srv.delete(`${service}._tcp.${host}`);
  }

  async #bySrv(address: ServerAddress, steps: { fed: string; old: string; none: string }): Promise<Destination> {
    for (const [service, step] of [
      ['_matrix-fed', steps.fed],
      ['_matrix', steps.old],
    ] as const) {
      const records = await this.#findSrv(`${service}._tcp.${address.host}`);
      if (records.length === 0) continue;
      const targets = records.slice(0, MAX_TARGETS).map(({ host, port }) => ({ host: host.replace(/\.$/, ''), port }));
      return { targets, hostHeader: address.host, certificateName: address.host, step };
    }
    return direct(address, steps.none);
  }

  async #findSrv(name: string): Promise<readonly SrvRecord[]> {
    const { clock, resolveSrv } = this.#dependencies;
    const known = this.#srv.get(name);
    if (known !== undefined && known.untilMs > clock.monotonic()) return known.records;
    const found = await resolveSrv(name).catch(() => []);
    // A lone record of "." says that there is no such service (RFC 2782).
    const usable = found.filter(({ host }) => host !== '' && host !== '.');
    const records = usable.toSorted((left, right) => left.priority - right.priority || right.weight - left.weight);
    this.#srv.set(name, { records, untilMs: clock.monotonic() + SRV_KEPT_MS });
    return records;
  }

  async #findWellKnown(host: string): Promise<WellKnown> {
    const known = this.#wellKnown.get(host);
    if (known !== undefined && known.untilMs > this.#dependencies.clock.monotonic()) return known;
    let asking = this.#asking.get(host);
    if (asking === undefined) {
      asking = this.#askWellKnown(host, known).finally(() => this.#asking.delete(host));
      this.#asking.set(host, asking);
    }
    return asking;
  }

  async #askWellKnown(host: string, before: WellKnown | undefined): Promise<WellKnown> {
    const { clock, fetchWellKnown } = this.#dependencies;
    const answer = await fetchWellKnown(host).catch(() => null);
    const delegated = answer === null || answer.status !== 200 ? null : readDelegation(answer.text);
    const nowMs = clock.monotonic();
    const failures = delegated === null ? (before?.failures ?? 0) + 1 : 0;
    const keptMs =
      delegated === null
        ? Math.min(WELL_KNOWN_ERROR_MS * 2 ** (failures - 1), WELL_KNOWN_MAX_ERROR_MS)
        : Math.min(Math.max(answer?.maxAgeMs ?? WELL_KNOWN_DEFAULT_MS, WELL_KNOWN_MIN_MS), WELL_KNOWN_MAX_MS);
    const found = { delegated, untilMs: nowMs + keptMs, failures };
    this.#wellKnown.set(host, found);
    return found;
  }
}

/** What `m.server` says; null for anything that is no server name. */
function readDelegation(text: string): ServerName | null {
  try {
    const json: unknown = JSON.parse(text);
    const delegated = isJsonObject(json) ? json['m.server'] : undefined;
    return isServerName(delegated) ? delegated : null;
  } catch {
    return null;
  }
}

function direct(address: ServerAddress, step: string): Destination {
  const port = address.port ?? DEFAULT_PORT;
  const hostHeader = address.port === null ? address.text : `${address.text}:${address.port}`;
  return { targets: [{ host: address.host, port }], hostHeader, certificateName: address.host, step };
}
