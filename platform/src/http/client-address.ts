// The address a request comes from: the socket's, or the one that proxies we trust speak for.
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Loopback: where a reverse proxy on the same machine connects from. */
export const DEFAULT_TRUSTED_PROXIES: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** The parts of a request that say where it comes from. */
export interface Arrival {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

export type ClientAddress = (request: Arrival) => string;

/** Compiles a list of CIDRs (or single addresses). Throws for one that is none. */
export function compileRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const version = isIP(address);
    const width = version === 6 ? 128 : 32;
    const length = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (version === 0 || length < 0 || length > width) throw new Error(`${range} is not an address range`);
    list.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * The nearest address in X-Forwarded-For that is not a trusted proxy's, if the connection comes from one.
 * IPv4 in IPv6 is unwrapped. A connection without an address (a Unix socket) counts as trusted.
 */
export function clientAddressReader(trustedProxies: readonly string[] = DEFAULT_TRUSTED_PROXIES): ClientAddress {
  const isTrusted = compileRanges(trustedProxies);
  return (request) => {
    let address = plainAddress(request.socket.remoteAddress ?? '');
    const forwarded = request.headers['x-forwarded-for'];
    if (forwarded === undefined) return address || '127.0.0.1';
    const hops = String(forwarded).split(',').reverse();
    for (const hop of hops) {
      if (address !== '' && !isTrusted(address)) return address;
      const next = plainAddress(hop.trim());
      if (isIP(next) === 0) break;
      address = next;
    }
    return address || '127.0.0.1';
  };
}

function plainAddress(text: string): string {
  const unwrapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (unwrapped !== undefined) return unwrapped;
  const withPort = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1];
  return (withPort ?? text).replace(/%.*$/, '');
}

/** The part of an address that one household or company holds: IPv4 as it is, IPv6 cut to its /64. */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
