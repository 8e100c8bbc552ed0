// The parts of a server name (appendices, "Server Name").
import type { ServerName } from '@carillon/protocol/identifiers.ts';

export interface ServerAddress {
  /** A name in lower case, or an address without brackets. */
  readonly host: string;
  /** The same as it stands in a Host header: an IPv6 address in brackets. */
  readonly text: string;
  readonly port: number | null;
  /** True for an IPv4 or IPv6 address. */
  readonly isLiteral: boolean;
}

/** Takes a server name apart; the brand vouches for its grammar. */
export function parseServerAddress(serverName: ServerName): ServerAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(serverName) ?? [];
  const port = digits === undefined ? null : Number(digits);
  if (bracketed !== undefined) return { host: bracketed, text: `[${bracketed}]`, port, isLiteral: true };
  const host = (plain ?? '').toLowerCase();
  return { host, text: host, port, isLiteral: /^(?:\d{1,3}\.){3}\d{1,3}$/.test(host) };
}
