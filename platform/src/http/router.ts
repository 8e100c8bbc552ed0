// From method and path to a route: a trie over the path's segments as they came, still percent-encoded, so that an encoded
// slash stays inside its parameter.
import type { Method } from '@carillon/protocol/endpoint.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';

interface Leaf<Value> {
  readonly value: Value;
  /** The path's parameter names, in order. Kept here since paths that share a node may name it differently. */
  readonly names: readonly string[];
}

interface Node<Value> {
  readonly literals: Map<string, Node<Value>>;
  parameter: Node<Value> | null;
  leaves: Map<Method, Leaf<Value>> | null;
}

export type Found<Value> =
  | { readonly outcome: 'found'; readonly value: Value; readonly path: Record<string, string> }
  | { readonly outcome: 'wrongMethod'; readonly allowed: readonly Method[] }
  | { readonly outcome: 'unknown' };

/** The one parameter that may be empty, as the last segment: the state events' default key. */
const MAY_BE_EMPTY = 'stateKey';

/** More segments than any path of ours has; more are unknown without a look. */
const MAX_SEGMENTS = 32;

const makeNode = <Value>(): Node<Value> => ({ literals: new Map(), parameter: null, leaves: null });

export class Router<Value> {
  readonly #root = makeNode<Value>();

  /** Adds a route. `path` is a contract's, with `{name}` for parameters. Throws if the route exists already. */
  add(method: Method, path: string, value: Value): void {
    const names: string[] = [];
    let node = this.#root;
    for (const segment of splitPath(path)) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      if (name === undefined && /[{}]/.test(segment)) throw new Error(`${path}: a parameter takes a whole segment`);
      if (name !== undefined) names.push(name);
      node = name === undefined ? literalChild(node, segment) : parameterChild(node);
    }
    node.leaves ??= new Map();
    if (node.leaves.has(method)) throw new Error(`${method} ${path} is routed twice`);
    node.leaves.set(method, { value, names });
  }

  /**
   * Finds the route for a path as it came in the request, without its query. Literal segments win over parameters.
   * Throws M_INVALID_PARAM where a parameter of the found route is badly percent-encoded.
   */
  find(method: Method, path: string): Found<Value> {
    const segments = splitPath(path);
    if (!path.startsWith('/') || segments.length > MAX_SEGMENTS) return { outcome: 'unknown' };
    const allowed = new Set<Method>();
    const values: string[] = [];
    const leaf = search({ segments, method, values, allowed }, this.#root, 0);
    if (leaf !== null) return { outcome: 'found', value: leaf.value, path: decodeParameters(leaf.names, values) };
    return allowed.size > 0 ? { outcome: 'wrongMethod', allowed: [...allowed] } : { outcome: 'unknown' };
  }
}

function splitPath(path: string): string[] {
  return path.slice(1).split('/');
}

function literalChild<Value>(node: Node<Value>, segment: string): Node<Value> {
  let child = node.literals.get(segment);
  if (child === undefined) {
    child = makeNode();
    node.literals.set(segment, child);
  }
  return child;
}

function parameterChild<Value>(node: Node<Value>): Node<Value> {
  node.parameter ??= makeNode();
  return node.parameter;
}

interface Search {
  readonly segments: readonly string[];
  readonly method: Method;
  /** The parameters' segments on the way to the node. */
  readonly values: string[];
  /** Methods of routes that have the path but not the method. */
  readonly allowed: Set<Method>;
}

function search<Value>(state: Search, node: Node<Value>, index: number): Leaf<Value> | null {
  const segment = state.segments[index];
  if (segment === undefined) return leafOf(state, node);
  const literal = node.literals.get(segment.includes('%') ? (tryDecode(segment) ?? segment) : segment);
  const found = literal === undefined ? null : search(state, literal, index + 1);
  if (found !== null || node.parameter === null) return found;
  state.values.push(segment);
  const below = search(state, node.parameter, index + 1);
  if (below === null) state.values.pop();
  return below;
}

function leafOf<Value>(state: Search, node: Node<Value>): Leaf<Value> | null {
  if (node.leaves === null) return null;
  const leaf = node.leaves.get(state.method);
  if (leaf === undefined) {
    for (const method of node.leaves.keys()) state.allowed.add(method);
    return null;
  }
  return allowsEmpty(leaf.names, state) ? leaf : null;
}

/** Whether the parameters that are empty may be. */
function allowsEmpty(names: readonly string[], { values, segments }: Search): boolean {
  return values.every((value, index) => {
    if (value !== '') return true;
    return names[index] === MAY_BE_EMPTY && index === names.length - 1 && segments.at(-1) === '';
  });
}

function decodeParameters(names: readonly string[], values: readonly string[]): Record<string, string> {
  const path: Record<string, string> = {};
  names.forEach((name, index) => {
    const decoded = tryDecode(values[index] ?? '');
    if (decoded === null || decoded.includes('\0')) throw invalidParam(`The path's ${name} is badly encoded`);
    path[name] = decoded;
  });
  return path;
}

function tryDecode(segment: string): string | null {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
