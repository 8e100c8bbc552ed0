// The ban on private addresses (threat S41): which addresses requests of ours may connect to.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { compileRanges } from '../http/client-address.ts';

/** Addresses that are nobody's on the public internet, and those that embed an IPv4 address. */
const BANNED: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

/** Thrown when every address of a host is banned. */
export class AddressRefused extends Error {
  constructor(host: string) {
    super(`${host} is at an address that requests may not go to (outbound.allow_ranges lists exceptions)`);
    this.name = 'AddressRefused';
  }
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface AddressGate {
  /** Whether a connection to this address is allowed. */
  readonly allows: (address: string) => boolean;
  /** The allowed addresses of a host; rejects with AddressRefused where it has others only. */
  readonly resolve: (host: string) => Promise<readonly ResolvedAddress[]>;
}

export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>;

const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }));

/** The gate with these ranges (CIDRs) let through. What a name resolves to is what is connected to: there is no second look-up. */
export function createAddressGate(allowRanges: readonly string[], resolver: Resolver = systemResolver): AddressGate {
  const isBanned = compileRanges(BANNED);
  const isExempt = compileRanges(allowRanges);
  const allows = (address: string) => {
    const plain = unwrap(address);
    return isExempt(plain) || (isIP(plain) !== 0 && !isBanned(plain));
  };
  return {
    allows,
    resolve: async (host) => {
      const literal = host.replace(/^\[(.*)\]$/, '$1');
      const version = isIP(literal);
      const found = version === 0 ? await resolver(host) : [{ address: literal, family: version as 4 | 6 }];
      const allowed = found.filter(({ address }) => allows(address));
      if (allowed.length === 0) throw new AddressRefused(host);
      return allowed;
    },
  };
}

/** An IPv4 address inside an IPv6 one is judged as what it is. */
function unwrap(address: string): string {
  const plain = address.replace(/%.*$/, '');
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain;
}
