// Server ACLs (client-server API, "Server Access Control Lists"): which servers may take part in a room.
import { compileGlob, type Glob, matchesGlob } from '@carillon/protocol/glob.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';

/** A compiled `m.room.server_acl`. Keep it with the room: compiling costs as much as the list is long. */
export interface ServerAcl {
  /** May this server take part? Its port, if any, does not count. */
  isAllowed(serverName: string): boolean;
  /** The same for a name that is compared as it stands. */
  isHostAllowed(host: string): boolean;
}

/** Answers kept per ACL, so that a long list is walked once for each server. */
const MAX_REMEMBERED_SERVERS = 4096;

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const PORT = /:\d+$/;

/** Compiles the content of an `m.room.server_acl` event; entries and lists of a wrong type count for nothing. */
export function compileServerAcl(content: JsonObject): ServerAcl {
  const allow = compileList(content['allow']);
  const deny = compileList(content['deny']);
  const areIpLiteralsAllowed = content['allow_ip_literals'] !== false;
  const remembered = new Map<string, boolean>();

  const judge = (host: string) => {
    if (!areIpLiteralsAllowed && isIpLiteral(host)) return false;
    return !deny(host) && allow(host);
  };
  const isHostAllowed = (name: string) => {
    const host = name.toLowerCase();
    let answer = remembered.get(host);
    if (answer === undefined) {
      answer = judge(host);
      if (remembered.size >= MAX_REMEMBERED_SERVERS) remembered.clear();
      remembered.set(host, answer);
    }
    return answer;
  };
  return { isHostAllowed, isAllowed: (serverName) => isHostAllowed(serverName.replace(PORT, '')) };
}

function isIpLiteral(host: string): boolean {
  return host.startsWith('[') || IPV4.test(host);
}

/** A test for one list: names and `*.domain` by lookup, other patterns one by one. */
function compileList(list: JsonValue | undefined): (host: string) => boolean {
  const names = new Set<string>();
  const parentDomains = new Set<string>();
  const globs: Glob[] = [];
  for (const entry of Array.isArray(list) ? list : []) {
    if (typeof entry !== 'string') continue;
    const pattern = entry.toLowerCase();
    const glob = compileGlob(pattern);
    if (!glob.hasWildcard) names.add(pattern);
    else if (pattern === '*') return () => true;
    else if (/^\*\.[^*?]+$/.test(pattern)) parentDomains.add(pattern.slice(2));
    else globs.push(glob);
  }
  return (host) => names.has(host) || hasParentIn(parentDomains, host) || globs.some((glob) => matchesGlob(glob, host));
}

function hasParentIn(parentDomains: ReadonlySet<string>, host: string): boolean {
  if (parentDomains.size === 0) return false;
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (parentDomains.has(host.slice(dot + 1))) return true;
  }
  return false;
}
